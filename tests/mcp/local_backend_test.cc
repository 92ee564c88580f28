// A damaged sealed file behind the tools: what lies in it is answered with an error that says where, everything else
// goes on.
#include "mcp/local_backend.h"

#include <nlohmann/json.hpp>
#include <string>

#include "core/log.h"
#include "core/log_format.h"
#include "mcp/export.h"
#include "tests/support/catch.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

StoreOptions options_on(SimulatedDisk& disk) {
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk;
  options.seal_in_background = false;
  return options;
}

Result<std::string> ask(Store& store, std::string_view tool, const Json& arguments) {
  std::string text = arguments.dump();
  text.reserve(text.size() + kSimdPadding);
  ToolCall call;
  call.tool = find_tool(tool);
  call.arguments = ValidJson::trusted(text);
  call.principal = local_principal("tester");
  return run_tool(&store, nullptr, call);
}

void append(Store& store, const std::string& stream, int events) {
  for (int i = 0; i < events; i++) {
    const Json event = {{"stream", stream},
                        {"type", "Set"},
                        {"data", {{"n", i}, {"text", std::to_string(hash_bytes(std::to_string(i)))}}}};
    REQUIRE(ask(store, "append_events", {{"events", Json::array({event})}}));
  }
}

std::unique_ptr<Store> open(const StoreOptions& options) {
  auto store = Store::open(options);
  if (!store) FAIL(store.error().message);
  return *std::move(store);
}

// Two sealed files, each of one stream; in the first one a bit of its first block is wrong.
std::string store_with_damage(SimulatedDisk& disk) {
  std::string damaged;
  {
    const auto store = open(options_on(disk));
    append(*store, "old", 500);
    REQUIRE(store->seal());
    append(*store, "new", 50);
    REQUIRE(store->seal());
  }
  for (const auto& [path, bytes] : disk.files()) {
    if (path.ends_with("-0000000000000500.seg")) damaged = path;
  }
  REQUIRE(!damaged.empty());
  disk.flip_bit(damaged, 40, 3);
  return damaged;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what a damaged sealed file holds is answered with corrupt, everything else goes on", "[tools][corruption]") {
  SimulatedDisk disk;
  const std::string damaged = store_with_damage(disk);
  const auto store = open(options_on(disk));
  const std::pair<std::string_view, Json> calls[] = {
      {"get_state", {{"stream", "old"}}},
      {"query_events", {{"stream", "old"}}},
      {"compare", {{"left", {{"as_of", 1}}}, {"right", Json::object()}, {"stream", "old"}}}};
  for (const auto& [tool, arguments] : calls) {
    INFO(tool);
    const auto answer = ask(*store, tool, arguments);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Code::kCorrupt);
    CHECK(has(answer.error().message, damaged));
    CHECK(has(answer.error().message, "byte "));
    CHECK(has(answer.error().message, "chronos salvage"));
    CHECK(Json::parse(error_json(answer.error()))["error"]["code"] == "corrupt");
  }
  CHECK(ask(*store, "get_state", {{"stream", "new"}}));
  CHECK(ask(*store, "query_events", {{"stream", "new"}}));
  append(*store, "new", 3);
  append(*store, "other", 1);
  CHECK(ask(*store, "get_state", {{"stream", "other"}}));
}

TEST_CASE("an export says where it met a damaged sealed file", "[tools][corruption]") {
  SimulatedDisk disk;
  const std::string damaged = store_with_damage(disk);
  const auto store = open(options_on(disk));
  ExportOptions options;
  options.write = [](std::string_view) { return Result<void>(); };
  const auto whole = export_events(*store, options);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == Code::kCorrupt);
  CHECK(has(whole.error().message, damaged));
  options.since = Position{500};
  const auto rest = export_events(*store, options);
  REQUIRE(rest);
  CHECK(rest->events == 50);
}

}  // namespace chronos::test
