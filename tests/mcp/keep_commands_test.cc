// chronos verify, salvage, backup and restore, as they are typed: alone, and beside another process that has the store.
#include <filesystem>
#include <fstream>
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

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Keeper {
 public:
  Keeper() {
    std::string events;
    for (int i = 0; i < 3000; i++) {
      events += R"({"stream":"s-)" + std::to_string(i % 7) + R"(","type":"Set","data":{"n":)" +
                std::to_string(i * 7919 % 10007) + "}}\n";
    }
    REQUIRE(run({"import", scratch_.write("events.ndjson", events), "--data", path("store")}).exit_code == 0);
  }

  Finished run(std::vector<std::string> words) const {
    words.insert(words.begin(), CHRONOS_BINARY);
    return test::run_program(words);
  }
  std::string path(const std::string& name) const { return scratch_.path(name); }
  std::string exported(const std::string& store) const { return run({"export", "--data", path(store)}).output; }
  // The largest sealed file of a store gets a wrong bit.
  std::string damage(const std::string& store, bool in_footer) const {
    std::filesystem::path file;
    for (const auto& entry : std::filesystem::directory_iterator(path(store) + "/segments")) {
      if (entry.path().extension() == ".seg") file = entry.path();
    }
    REQUIRE(!file.empty());
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = in_footer ? static_cast<std::streamoff>(std::filesystem::file_size(file)) - 30 : 4100;
    bytes.seekg(at);
    const char flipped = static_cast<char>(bytes.get() ^ 4);
    bytes.seekp(at);
    bytes.put(flipped);
    return file.string();
  }

 private:
  const ScratchDirectory scratch_;
};

}  // namespace

TEST_CASE("a backup is verified, restored as a whole, and up to a position", "[cli]") {
  const Keeper keeper;
  const Finished made = keeper.run({"backup", "--data", keeper.path("store"), "--to", keeper.path("backup")});
  CHECK(made.exit_code == 0);
  CHECK(has(made.output, "backed up main up to position 3000: 3000 events of all forks"));
  CHECK(keeper.run({"verify", keeper.path("backup")}).exit_code == 0);
  CHECK(keeper.run({"backup", "--data", keeper.path("store"), "--to", keeper.path("backup")}).exit_code == 1);

  const Finished whole = keeper.run({"restore", keeper.path("backup"), "--to", keeper.path("whole")});
  CHECK(whole.exit_code == 0);
  CHECK(has(whole.output, "3000 events"));
  CHECK(keeper.exported("whole") == keeper.exported("store"));

  const std::vector<std::string> earlier = {"restore", keeper.path("backup"), "--to", keeper.path("earlier")};
  auto with = [&](const char* position) {
    auto words = earlier;
    words.insert(words.end(), {"--to-position", position});
    return keeper.run(words);
  };
  CHECK(with("1500").exit_code == 1);
  CHECK(with("3001").exit_code == 1);
  CHECK_FALSE(std::filesystem::exists(keeper.path("earlier")));
  const Finished done = with("1024");
  CHECK(done.exit_code == 0);
  CHECK(has(done.output, "main was restored up to position 1024; forks of the backup are left out"));
  CHECK(keeper.exported("store").starts_with(keeper.exported("earlier")));
}

TEST_CASE("a backup is made by the process that has the store", "[cli]") {
  const Keeper keeper;
  ChildProcess host({CHRONOS_BINARY, "stdio", "--data", keeper.path("store")});
  REQUIRE(host.write(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
                     R"("capabilities":{},"clientInfo":{"name":"t","version":"1"}}})"
                     "\n"));
  REQUIRE(host.read_line());
  const auto ask = [&](const std::string& tool, const std::string& arguments) {
    REQUIRE(host.write(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":")" + tool +
                       R"(","arguments":)" + arguments + "}}\n"));
    return host.read_line().value_or("");
  };
  REQUIRE(has(ask("describe_store", "{}"), "\"events\":3000"));
  CHECK(has(ask("backup_store", R"({"to":"/x"})"), "error"));
  const Finished made = keeper.run({"backup", "--data", keeper.path("store"), "--to", keeper.path("backup")});
  CHECK(made.exit_code == 0);
  CHECK(has(made.output, "position 3000"));
  CHECK(has(ask("describe_store", "{}"), "\"sealed\":{\"segments\":1"));
  CHECK(keeper.exported("backup") == keeper.exported("store"));
}

TEST_CASE("verify lists a damaged page, salvage saves the rest", "[cli]") {
  const Keeper keeper;
  REQUIRE(keeper.run({"backup", "--data", keeper.path("store"), "--to", keeper.path("backup")}).exit_code == 0);
  const std::string file = keeper.damage("store", false);
  const Finished found = keeper.run({"verify", keeper.path("store")});
  CHECK(found.exit_code == 4);
  CHECK(has(found.output, file));
  CHECK(has(found.output, "byte 4096"));
  const Finished saved = keeper.run({"salvage", keeper.path("store"), "--to", keeper.path("saved")});
  CHECK(saved.exit_code == 4);
  CHECK(has(saved.output, "lost: fork main, positions "));
  CHECK(has(saved.output, " saved in "));
  CHECK(keeper.run({"verify", keeper.path("saved")}).exit_code == 0);
}

TEST_CASE("verify of a store that does not open says why, lists every damaged file and points to salvage", "[cli]") {
  const Keeper keeper;
  REQUIRE(keeper.run({"backup", "--data", keeper.path("store"), "--to", keeper.path("backup")}).exit_code == 0);
  const std::string file = keeper.damage("store", true);
  std::ofstream(keeper.path("store") + "/segments/changes", std::ios::in | std::ios::out).put('x');
  const Finished found = keeper.run({"verify", "--data", keeper.path("store")});
  CHECK(found.exit_code == 4);
  CHECK(has(found.output, file));
  CHECK(has(found.output, "/segments/changes"));
  CHECK(has(found.output, "chronos salvage"));
  CHECK(keeper.run({"salvage", keeper.path("store"), "--to", keeper.path("saved")}).exit_code == 4);
  CHECK(keeper.run({"verify", keeper.path("saved")}).exit_code == 0);
}

TEST_CASE("the option --max-memory takes a size of at least 64 MiB", "[cli]") {
  const ScratchDirectory scratch;
  const auto exit_code = [&](const char* size) {
    return test::run_program(
               {CHRONOS_BINARY, "call", "describe_store", "--data", scratch.path("store"), "--max-memory", size})
        .exit_code;
  };
  for (const char* const size : {"64MiB", "67108864", "2GiB", "70000KiB", "1TiB"}) {
    INFO(size);
    CHECK(exit_code(size) == 0);
  }
  for (const char* const size : {"", "0", "63MiB", "-1", "1.5GiB", "64", "MiB", "64MB", "lots", "99999999999999TiB"}) {
    INFO(size);
    CHECK(exit_code(size) == 2);
  }
}

}  // namespace chronos
