// Tool arguments: a byte chooses the tool, the rest is its arguments, on a small store in memory.  Whatever comes, the
// answer is a JSON object or an error of the contract, and history stays sound.
#include <nlohmann/json.hpp>

#include "core/store.h"
#include "search/search_index.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/simulated_disk.h"
#include "tools/tool.h"

namespace chronos::test {
namespace {

struct SmallStore {
  SimulatedDisk disk;
  std::unique_ptr<Store> store;
  std::unique_ptr<SearchIndex> search;

  SmallStore() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    auto opened = Store::open(options);
    CHECK(opened);
    store = *std::move(opened);
    search = std::make_unique<SearchIndex>(
        *store, SearchIndexOptions{.directory = "/store/search", .disk = &disk, .in_background = false});
    CallContext context{.store = store.get(), .principal = local_principal("fuzz"), .cancelled = {}, .progress = {}};
    std::string events =
        R"({"events":[{"stream":"a","type":"T","data":{"a":1,"b":{"c":[1,2]}},"id":"1","tags":["x:1"]},)"
        R"({"stream":"b","type":"U","data":{"a":"text"},"causation_id":"1","correlation_id":"k"}]})";
    const size_t size = events.size();
    events.append(kSimdPadding, ' ');
    CHECK(find_tool("append_events")->call(context, ValidJson::trusted(std::string_view(events).substr(0, size))));
    std::string fork = R"({"name":"f","as_of":1})";
    const size_t fork_size = fork.size();
    fork.append(kSimdPadding, ' ');
    CHECK(find_tool("create_fork")->call(context, ValidJson::trusted(std::string_view(fork).substr(0, fork_size))));
  }
};

}  // namespace
}  // namespace chronos::test

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  using namespace chronos::test;
  if (size < 3) return 0;
  static std::unique_ptr<SmallStore> small;
  static int uses = 0;
  if (uses++ % 512 == 0) small = std::make_unique<SmallStore>();
  const auto tools = all_tools();
  const Tool& tool = tools[(bytes[0] - '0') % tools.size()];
  const FuzzInput input(bytes + 1, size - 1);
  const auto arguments = validate_json(input.text(), 64);
  if (!arguments || input.text()[input.text().find_first_not_of(" \t\r\n")] != '{') return 0;
  CallContext context{.store = small->store.get(),
                      .principal = local_principal("fuzz"),
                      .cancelled = {},
                      .progress = {},
                      .search = small->search.get()};
  const auto answer = tool.call(context, *arguments);
  if (answer) {
    CHECK(nlohmann::json::parse(*answer, nullptr, false).is_object());
  } else {
    CHECK(!answer.error().message.empty());
    CHECK(answer.error().code != Code::kInternal);
    CHECK(nlohmann::json::parse(error_json(answer.error()), nullptr, false).is_object());
  }
  return 0;
}
