// chronos fork and chronos protect, as they are typed: alone, and beside another process that has the store.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/child_process.h"
#include "tests/support/scratch_directory.h"

namespace chronos {
namespace {

using test::ChildProcess;
using test::Finished;
using test::ScratchDirectory;

class CommandStore {
 public:
  // With another process that has the store, if `hosted`.
  explicit CommandStore(bool hosted) : directory_(scratch_.path("store")) {
    append("main", "order-7");
    append("main", "order-8");
    if (!hosted) return;
    host_ = std::make_unique<ChildProcess>(std::vector<std::string>{CHRONOS_BINARY, "stdio", "--data", directory_});
    const std::string hello = ask_host("initialize", R"({"protocolVersion":"2025-06-18","capabilities":{},)"
                                                     R"("clientInfo":{"name":"t","version":"1"}})");
    REQUIRE(hello.find("chronos") != std::string::npos);
    REQUIRE(call_host("describe_store", "{}").find("\"events\":2") != std::string::npos);
  }

  Finished run(std::vector<std::string> words) const {
    words.insert(words.begin(), CHRONOS_BINARY);
    words.insert(words.end(), {"--data", directory_});
    return test::run_program(words);
  }
  // The output of a command that must succeed.
  std::string output(std::vector<std::string> words) const {
    const Finished finished = run(std::move(words));
    CHECK(finished.exit_code == 0);
    return finished.output;
  }
  std::string append(const std::string& fork, const std::string& stream, const std::string& conditions = "[]") const {
    return output({"call", "append_events",
                   R"({"fork":")" + fork + R"(","events":[{"stream":")" + stream + R"(","type":"Set","data":{"in":")" +
                       fork + R"("}}],"conditions":)" + conditions + "}"});
  }
  std::string ask_host(const std::string& method, const std::string& params) {
    REQUIRE(host_->write(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}\n"));
    return host_->read_line().value_or("");
  }
  std::string call_host(const std::string& tool, const std::string& arguments) {
    return ask_host("tools/call", R"({"name":")" + tool + R"(","arguments":)" + arguments + "}");
  }

 private:
  const ScratchDirectory scratch_;
  const std::string directory_;
  std::unique_ptr<ChildProcess> host_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("fork create, list, diff and discard, alone and beside a host", "[cli]") {
  for (const bool hosted : {false, true}) {
    INFO("hosted: " << hosted);
    const CommandStore store(hosted);
    CHECK(store.output({"fork", "create", "try-2", "--as-of", "1", "--purpose", "to see"}) ==
          "created try-2, which leaves main at position 1\n");
    CHECK(has(store.output({"fork", "create", "deeper", "--from", "try-2", "--ttl", "2h"}),
              "created deeper, which leaves try-2 at position 1 and expires at 20"));
    store.append("try-2", "order-7");
    const std::string tree = store.output({"fork", "list"});
    CHECK(has(tree, "\nmain               -     2       2\n"));
    CHECK(has(tree, "\n`-- try-2          1     2       1"));
    CHECK(has(tree, "  to see\n    `-- deeper     1     1       0  20"));
    const std::string difference = store.output({"fork", "diff", "main@1", "try-2"});
    CHECK(has(difference, "left   main@1\nright  try-2@2\nthe same up to main@1\n"));
    CHECK(has(difference, "order-7  version 1 -> 2\n"));
    CHECK(has(store.output({"fork", "diff", "main", "try-2", "--stream", "order-7"}),
              "/in  \"main\" -> \"try-2\"\n> 2  Set  {\"in\":\"try-2\"}\n"));
    CHECK(store.run({"fork", "discard", "try-2"}).exit_code == 1);
    CHECK(store.output({"fork", "discard", "deeper", "--reason", "done"}) == "discarded deeper\n");
    CHECK(store.run({"fork", "discard", "deeper"}).exit_code == 1);
  }
}

TEST_CASE("fork diff shows all streams, however many differ", "[cli]") {
  const CommandStore store(false);
  std::string events;
  for (int i = 0; i < 2500; i++) {
    events += (i == 0 ? "" : ",") + (R"({"stream":"s)" + std::to_string(i) + R"(","type":"T","data":{}})");
  }
  store.output({"call", "append_events", R"({"events":[)" + events + "]}"});
  const std::string difference = store.output({"fork", "diff", "main@2", "main"});
  CHECK(has(difference, "\ns0  version 0 -> 1\n"));
  CHECK(has(difference, "\ns2499  version 0 -> 1\n"));
  CHECK(std::count(difference.begin(), difference.end(), '\n') == 5 + 2500);
}

TEST_CASE("fork merge previews and merges, alone and beside a host", "[cli][forks]") {
  for (const bool hosted : {false, true}) {
    INFO("hosted: " << hosted);
    const CommandStore store(hosted);
    store.output({"fork", "create", "try-2"});
    store.append("try-2", "order-7", R"([{"stream":"order-7","version":1}])");
    store.append("try-2", "order-8", R"([{"stream":"order-8","version":1}])");
    store.append("main", "order-8");
    const Finished blocked = store.run({"fork", "merge", "try-2"});
    CHECK(blocked.exit_code == 1);
    CHECK(has(blocked.output, "       3       1  clean\n"));
    CHECK(has(blocked.output, "       4       1  conflict  {\"stream\":\"order-8\",\"version\":1}  version 2\n"));
    CHECK(has(blocked.output, "both sides appended to order-8: 1 in the fork, 1 in the target\n"));
    CHECK(has(blocked.output, "a conflict is in the way: nothing would be appended to main@3\n"));
    const std::string preview = store.output({"fork", "merge", "try-2", "--on-conflict", "skip", "--preview"});
    CHECK(has(preview, "would append 1 event to main@3, skip 1\n"));
    CHECK(has(store.output({"fork", "list"}), "  -     3       3\n"));
    const std::string merged = store.output({"fork", "merge", "try-2", "--on-conflict", "skip"});
    CHECK(has(merged, "merged: appended 1 event at positions 4 to 4 of main\n"));
    const std::string chosen =
        store.output({"fork", "merge", "try-2", "--on-conflict", "skip", "--only", R"([{"streams":["order-7"]}])"});
    CHECK(has(chosen, "merged: nothing new to append to main@4\n"));
    CHECK(store.run({"fork", "merge", "try-2", "--only", "[order-7]"}).exit_code == 1);
    CHECK(store.run({"fork", "merge", "nowhere"}).exit_code == 1);
    CHECK(store.run({"fork", "merge", "main"}).exit_code == 1);
  }
}

TEST_CASE("protect works beside a host, and agents cannot call it", "[cli][forks]") {
  CommandStore store(true);
  CHECK(store.output({"protect", "on"}) == "main is protected: it takes events by merges only\n");
  const std::string append = R"({"events":[{"stream":"a","type":"T","data":{}}]})";
  CHECK(has(store.call_host("append_events", append), "permission_denied"));
  CHECK(has(store.call_host("describe_store", "{}"), "\"main_protected\":true"));
  CHECK(store.run({"call", "append_events", append}).exit_code == 1);
  for (const char* arguments : {R"({"main":false})", "{}"}) {
    CHECK(has(store.call_host("set_protection", arguments), "Unknown tool"));
    CHECK(store.run({"call", "set_protection", arguments}).exit_code == 1);
  }
  CHECK(!has(store.ask_host("tools/list", "{}"), "set_protection"));
  CHECK(!has(store.output({"tools"}), "set_protection"));
  CHECK(store.output({"protect", "off"}) == "main is not protected: it takes appends\n");
  CHECK(has(store.call_host("append_events", append), "first_position"));
}

TEST_CASE("wrong usage of fork and protect is told by exit codes", "[cli]") {
  const CommandStore store(false);
  const std::vector<std::vector<std::string>> wrong = {
      {"fork"},
      {"fork", "rename"},
      {"fork", "create"},
      {"fork", "create", "x", "--ttl", "2w"},
      {"fork", "create", "x", "--ttl", "0"},
      {"fork", "create", "x", "--ttl", "-5"},
      {"fork", "merge"},
      {"fork", "merge", "x", "--on-conflict", "guess"},
      {"fork", "diff", "main"},
      {"protect"},
      {"protect", "maybe"},
  };
  for (const auto& words : wrong) {
    INFO(words.back());
    CHECK(store.run(words).exit_code == 2);
  }
  const ScratchDirectory elsewhere;
  for (const char* command : {"list", "create", "merge", "discard"}) {
    std::vector<std::string> words = {CHRONOS_BINARY, "fork", command, "--data", elsewhere.path("none")};
    if (std::string(command) != "list") words.insert(words.begin() + 3, "x");
    CHECK(test::run_program(words).exit_code == 3);
  }
  for (const char* command : {"list", "create", "merge", "discard", "diff"}) {
    const Finished help = test::run_program({CHRONOS_BINARY, "fork", command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(has(help.output, "Example"));
  }
}

}  // namespace chronos
