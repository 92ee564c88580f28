// chronos search and chronos index, as they are typed: alone, and beside another process that has the store.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/child_process.h"
#include "tests/support/scratch_directory.h"

namespace chronos {
namespace {

using test::ChildProcess;
using test::Finished;
using test::ScratchDirectory;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class CommandStore {
 public:
  explicit CommandStore(bool hosted) : directory_(scratch_.path("store")) {
    append("The payment failed at the bank");
    append("Refunded after the failed payment");
    if (!hosted) return;
    host_ = std::make_unique<ChildProcess>(std::vector<std::string>{CHRONOS_BINARY, "stdio", "--data", directory_});
    REQUIRE(host_->write(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
                         R"("capabilities":{},"clientInfo":{"name":"t","version":"1"}}})"
                         "\n"));
    REQUIRE(has(host_->read_line().value_or(""), "chronos"));
    REQUIRE(host_->write(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"describe_store",)"
                         R"("arguments":{}}})"
                         "\n"));
    REQUIRE(has(host_->read_line().value_or(""), "\"events\":2"));
  }
  Finished run(std::vector<std::string> words) const {
    words.insert(words.begin(), CHRONOS_BINARY);
    words.insert(words.end(), {"--data", directory_});
    return test::run_program(words);
  }
  std::string output(std::vector<std::string> words) const {
    const Finished finished = run(std::move(words));
    CHECK(finished.exit_code == 0);
    return finished.output;
  }

 private:
  void append(const std::string& text) const {
    output({"call", "append_events", R"({"events":[{"stream":"a","type":"Said","data":{"text":")" + text + R"("}}]})"});
  }

  const ScratchDirectory scratch_;
  const std::string directory_;
  std::unique_ptr<ChildProcess> host_;
};

}  // namespace

TEST_CASE("search and index, alone and beside a host", "[cli][search]") {
  for (const bool hosted : {false, true}) {
    INFO("hosted: " << hosted);
    const CommandStore store(hosted);
    const std::string found = store.output({"search", "refund", "--mode", "keyword"});
    CHECK(found.starts_with("2  20"));
    CHECK(has(found, "  a  Said  "));
    CHECK(has(found, "\n    Refunded after the failed payment\n"));
    CHECK(store.output({"search", "refund", "--as-of", "1"}) == "nothing found\n");
    CHECK(has(store.output({"search", "\"payment failed\"", "--mode", "keyword", "--limit", "1"}), "1  20"));
    CHECK(has(store.output({"index", "set"}), "search.language = english (default)\n"));
    CHECK(has(store.output({"index", "set", "language", "none"}), "search.language = none\n"));
    CHECK(store.output({"search", "refund"}) == "nothing found\n");
    CHECK(has(store.output({"index", "set", "language"}), "search.language = english (default)\n"));
    CHECK(has(store.output({"index", "rebuild"}), " segments, "));
    CHECK(has(store.output({"search", "refund"}), "Refunded"));
    CHECK(has(store.output({"index", "status"}), " not yet; "));
    CHECK(store.run({"index", "set", "language", "klingon"}).exit_code == 1);
    CHECK(store.run({"index", "set", "nothing", "1"}).exit_code == 1);
    CHECK(store.run({"search", "the of"}).exit_code == 1);
    CHECK(store.run({"search", "x", "--mode", "vector"}).exit_code == 1);
  }
}

TEST_CASE("a model is tried when it is set, and index status tells of its vectors", "[cli][search]") {
  for (const bool hosted : {false, true}) {
    INFO("hosted: " << hosted);
    const CommandStore store(hosted);
    CHECK_FALSE(has(store.output({"index", "status"}), "vectors"));
    CHECK(store.run({"index", "set", "embedder", "static:/nowhere"}).exit_code == 1);
    CHECK(has(store.output({"index", "set"}), "search.embedder = none (default)\n"));
    // Nobody listens at port 1.  It may do so later.
    const std::string down = store.output({"index", "set", "embedder", "openai:http://127.0.0.1:1/v1#m"});
    CHECK(has(down, "search.embedder = openai:http://127.0.0.1:1/v1#m\n"));
    CHECK(has(down, "warning: the model does not answer now: "));
    CHECK(has(store.output({"index", "status"}),
              "vectors of openai:http://127.0.0.1:1/v1#m: 0 of 0 events, 2 not yet; main up to position 0; "));
    CHECK(has(store.output({"call", "describe_store", "{}"}), R"("vectors":{"embedder":"openai:http://127.0.0.1:1/)"));
    CHECK(has(store.output({"search", "refund"}), "Refunded"));
  }
}

TEST_CASE("a process that is killed while it writes its index leaves the same answers", "[cli][search]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  std::string lines;
  for (int i = 0; i < 8300; i++) {
    lines += R"({"stream":"s","type":"T","data":{"a":"w)" + std::to_string(i % 7) + " x" + std::to_string(i % 900) +
             "\"}}\n";
  }
  std::ofstream(scratch.path("events")) << lines;
  REQUIRE(test::run_program({CHRONOS_BINARY, "import", scratch.path("events"), "--data", directory}).exit_code == 0);
  const std::vector<std::string> search = {CHRONOS_BINARY, "search", "w3 x77", "--data", directory};
  ChildProcess killed(search);
  std::string expected;
  for (int line = 0; line < 20; line++) expected += killed.read_line().value_or("") + '\n';
  REQUIRE(has(expected, "w3 x77"));  // now it writes what it indexed
  const auto has_begun = [&directory] {
    std::error_code none;
    return std::filesystem::directory_iterator(directory + "/search", none) != std::filesystem::directory_iterator();
  };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!has_begun() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  CHECK(has_begun());
  killed.kill(SIGKILL);
  static_cast<void>(killed.wait());
  for (int round = 0; round < 2; round++) CHECK(test::run_program(search).output == expected);
  std::filesystem::remove_all(directory + "/search");
  CHECK(test::run_program(search).output == expected);
}

TEST_CASE("wrong usage of search and index is told by exit codes", "[cli][search]") {
  const CommandStore store(false);
  const std::vector<std::vector<std::string>> wrong = {
      {"search"}, {"search", "x", "--limit", "0"}, {"search", "x", "--mode", "fuzzy"}, {"index"}, {"index", "burn"}};
  for (const auto& words : wrong) CHECK(store.run(words).exit_code == 2);
  const ScratchDirectory elsewhere;
  CHECK(test::run_program({CHRONOS_BINARY, "search", "x", "--data", elsewhere.path("none")}).exit_code == 3);
  CHECK(test::run_program({CHRONOS_BINARY, "index", "status", "--data", elsewhere.path("none")}).exit_code == 3);
}

}  // namespace chronos
