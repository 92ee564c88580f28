// What an operator can set, and that the index follows it.
#include "search/search_settings.h"

#include <memory>
#include <string>

#include "search/search.h"
#include "tests/support/catch.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

std::string refused(std::string_view name, std::string_view value) {
  const auto checked = check_search_setting(name, value);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == Code::kInvalidArgument);
  return checked.error().message;
}

class Searched {
 public:
  Searched() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.seal_in_background = false;
    store = *Store::open(options);
    index = std::make_unique<SearchIndex>(
        *store, SearchIndexOptions{.directory = "/store/search", .disk = &disk_, .in_background = false});
  }
  void append(const std::string& type, const std::string& data) {
    ModelBatch batch;
    batch.events.resize(1);
    batch.events[0].stream = "s";
    batch.events[0].type = type;
    batch.events[0].data = data;
    REQUIRE(store->append(*to_engine(batch)));
  }
  void set(const std::string& name, const std::string& value) {
    REQUIRE(check_search_setting(name, value));
    REQUIRE(store->change_setting(name, value, local_principal()));
  }
  std::vector<uint64_t> find(const std::string& query) {
    SearchRequest request;
    request.mode = SearchMode::kKeyword;
    request.query = *parse_query(query);
    const auto answer = search(*index, *store->view({}), request, nullptr);
    std::vector<uint64_t> positions;
    if (!answer) return positions;
    for (const SearchHit& hit : answer->hits) positions.push_back(hit.position.value);
    return positions;
  }

 private:
  SimulatedDisk disk_;

 public:
  std::unique_ptr<Store> store;
  std::unique_ptr<SearchIndex> index;
};

using Positions = std::vector<uint64_t>;

}  // namespace

TEST_CASE("settings of search are checked", "[search][settings]") {
  CHECK(refused("search.k2", "1").find("known: search.language") != std::string::npos);
  CHECK(refused("search.k1", "-1").find("between 0 and 10") != std::string::npos);
  CHECK(refused("search.b", "2").find("between 0 and 1") != std::string::npos);
  CHECK(refused("search.b", "nan").find("between 0 and 1") != std::string::npos);
  CHECK(refused("search.b", "0.5x").find("got '0.5x'") != std::string::npos);
  CHECK(refused("search.language", "klingon").find("english") != std::string::npos);
  for (const std::string_view fields : {"[]", "7", "{\"A\":7}", "{\"A\":[7]}", "{\"A\":[\"text\"]}", "{", "nothing"}) {
    INFO(fields);
    CHECK(refused("search.fields", fields).find("/text") != std::string::npos);
  }
  for (const SearchSetting& known : known_search_settings()) {
    CHECK(check_search_setting(known.name, known.otherwise));
    CHECK(check_search_setting(known.name, ""));
  }
  const SearchSettings read = read_search_settings({{"search.k1", "1.2"}, {"search.b", "x"}, {"other", "y"}});
  CHECK(read.bm25.k1 == 1.2F);
  CHECK(read.bm25.b == 0.4F);
}

TEST_CASE("the index follows the settings of its store", "[search][settings]") {
  Searched run;
  run.append("Message", R"({"text":"The refunds came","note":"secret parcel","deep":[{"a/b":["inner"]}]})");
  run.append("Other", R"({"text":"outer","list":["one","two"]})");
  CHECK(run.find("refund") == Positions{1});
  CHECK(run.find("the").empty());
  CHECK(run.find("parcel outer") == Positions{2, 1});
  run.set("search.language", "none");
  CHECK(run.find("refund").empty());
  CHECK(run.find("refunds") == Positions{1});
  run.set("search.stop_words", "none");
  CHECK(run.find("the") == Positions{1});
  run.set("search.stop_words", "refunds, came");
  CHECK(run.find("refunds").empty());
  CHECK(run.find("the") == Positions{1});
  run.set("search.stop_words", "");
  run.set("search.fields", R"({"Message":["/text","/deep/0/a~1b"],"*":["/list/1"]})");
  CHECK(run.find("parcel outer one").empty());
  CHECK(run.find("refunds inner two") == Positions{1, 2});
  run.set("search.fields", R"({"Message":[]})");
  CHECK(run.find("refunds").empty());
  CHECK(run.find("message outer") == Positions{1, 2});
  run.set("search.fields", "");
  run.set("search.language", "");
  CHECK(run.find("refund") == Positions{1});
}

}  // namespace chronos::test
