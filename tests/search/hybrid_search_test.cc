// Search by words and vectors together: as of any moment, in forks, with filters, and when a model cannot be had.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "search/search.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/scripted_endpoint.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/small_model.h"

namespace chronos::test {
namespace {

class Searched {
 public:
  explicit Searched(uint64_t seed = 1) : disk(seed), random_(seed) {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random_;
    options.seal_in_background = false;
    store = *Store::open(options);
    write_small_model(disk, "/model");
    index = std::make_unique<SearchIndex>(*store, SearchIndexOptions{.directory = "/store/search",
                                                                     .disk = &disk,
                                                                     .in_background = false,
                                                                     .models = {&endpoint, ""}});
  }
  void set(const std::string& name, const std::string& value) {
    REQUIRE(check_search_setting(name, value));
    REQUIRE(store->change_setting(name, value, local_principal()));
  }
  void append(const std::string& text, const std::vector<float>& embedding = {}, const std::string& fork = "main",
              const std::string& type = "Note") {
    ModelBatch batch;
    batch.head.fork = fork;
    ModelEvent event;
    event.stream = "s";
    event.type = type;
    event.data = "{\"text\":\"" + text + "\"}";
    event.embedding = embedding;
    batch.events = {event};
    clock.advance(1'000'000);
    REQUIRE(store->append(*to_engine(batch)));
  }
  static SearchRequest words(const std::string& text, SearchMode mode = SearchMode::kHybrid) {
    SearchRequest request;
    request.mode = mode;
    request.query = *parse_query(text);
    return request;
  }
  static SearchRequest near(const std::vector<float>& vector, SearchMode mode = SearchMode::kVector) {
    SearchRequest request;
    request.mode = mode;
    request.vector = vector;
    return request;
  }
  Result<SearchAnswer> ask(const SearchRequest& request, const Address& at = {}) {
    return search(*index, *store->view(at), request, nullptr);
  }
  SearchAnswer find(const SearchRequest& request, const Address& at = {}) {
    auto answer = ask(request, at);
    if (!answer) FAIL(answer.error().message);
    return *std::move(answer);
  }
  std::string problem(const SearchRequest& request) {
    const auto answer = ask(request);
    REQUIRE_FALSE(answer);
    return answer.error().message;
  }

  SimulatedDisk disk;
  ManualClock clock;
  ScriptedEndpoint endpoint;
  std::unique_ptr<Store> store;
  std::unique_ptr<SearchIndex> index;

 private:
  Chance random_;
};

using Positions = std::vector<uint64_t>;
Positions positions(const SearchAnswer& answer) {
  Positions all;
  for (const SearchHit& hit : answer.hits) all.push_back(hit.position.value);
  return all;
}
using Used = std::vector<std::string_view>;

}  // namespace

TEST_CASE("vectors that clients gave are searched by one that a client gives", "[search][vector]") {
  Searched run;
  run.append("one", {1, 0});
  run.append("two", {1, 1});
  run.append("three");
  run.append("four", {-1, 0}, "main", "Other");
  NewFork wanted;
  wanted.name = "try";
  wanted.from = {"main", Position{1}, {}};
  REQUIRE(run.store->create_fork(wanted));
  run.append("five", {0, 1}, "try");

  const SearchAnswer all = run.find(run.near({2, 0}));
  CHECK(positions(all) == Positions{1, 2, 4});
  CHECK(all.used == Used{"vector"});
  CHECK(all.hits[0].score == 1.0F);
  CHECK(all.hits[0].parts.size() == 1);
  CHECK_FALSE(all.is_approximate);
  CHECK(positions(run.find(run.near({2, 0}), {"main", Position{1}, {}})) == Positions{1});
  CHECK(positions(run.find(run.near({0, 2}), {"try", {}, {}})) == Positions{2, 1});
  SearchRequest narrow = run.near({2, 0});
  narrow.rules.match.emplace_back().types = {"Other"};
  narrow.exact = true;
  CHECK(positions(run.find(narrow)) == Positions{4});

  // Words and a vector: both lists.
  SearchRequest both = run.words("three");
  both.vector = {1, 1};
  const SearchAnswer hybrid = run.find(both);
  CHECK(hybrid.used == Used{"keyword", "neighbours", "vector"});
  CHECK(hybrid.hits.size() == 4);

  CHECK(run.problem(run.near({1, 2, 3})).find("3 numbers, the vectors stored here have 2") != std::string::npos);
  CHECK(run.problem(run.near({0, 0})).find("zero") != std::string::npos);
  CHECK(run.problem(run.near({1, 0}, SearchMode::kKeyword)).find("mode keyword") != std::string::npos);
  CHECK(run.problem(run.words("one", SearchMode::kVector)).find("needs the argument vector") != std::string::npos);
  CHECK(run.find(run.words("one")).used == Used{"keyword", "neighbours"});  // no model: no vectors
}

TEST_CASE("a static model finds what words do not", "[search][vector][embedder]") {
  Searched run;
  run.append("a house");
  run.append("two cats");
  run.append("one dog");
  run.set("search.embedder", "static:/model");
  const SearchAnswer hybrid = run.find(run.words("cat"));
  CHECK(hybrid.used == Used{"keyword", "neighbours", "vector"});
  CHECK(hybrid.notes.empty());
  CHECK(hybrid.hits.front().position == Position{2});
  CHECK(run.find(run.words("catfish", SearchMode::kKeyword)).hits.empty());
  CHECK(run.find(run.words("catfish")).hits.size() == 3);
  CHECK(positions(run.find(run.words("catfish", SearchMode::kVector))).front() == 2);
  const SearchAnswer unknown = run.find(run.words("bird house"));
  CHECK(unknown.hits.front().position == Position{1});

  // What the model knows nothing of is found by words, and says so.
  const SearchAnswer only_words = run.find(run.words("two"));
  CHECK(only_words.used == Used{"keyword", "neighbours"});
  REQUIRE(only_words.notes.size() == 1);
  CHECK(only_words.notes[0].find("found by words alone") == 0);

  SECTION("all weight on words leaves their order") {
    run.set("search.word_weight", "1");
    run.append("cat cat dog");
    const SearchAnswer words = run.find(run.words("cat dog", SearchMode::kKeyword));
    run.set("search.neighbours", "0");
    const SearchAnswer weighed = run.find(run.words("cat dog"));
    for (size_t i = 0; i < words.hits.size(); i++) CHECK(weighed.hits[i].position == words.hits[i].position);
  }
  SECTION("ranks") {
    run.set("search.fusion", "ranks");
    CHECK(run.find(run.words("cat")).hits.front().position == Position{2});
  }
  SECTION("without the model again") {
    run.set("search.embedder", "none");
    CHECK(run.find(run.words("cat")).used == Used{"keyword", "neighbours"});
  }
  SECTION("with one that is not there") {
    run.set("search.embedder", "static:/elsewhere");
    const SearchAnswer without = run.find(run.words("cat"));
    CHECK(without.used == Used{"keyword", "neighbours"});
    REQUIRE(without.notes.size() == 1);
    CHECK(without.notes[0].find("/elsewhere") != std::string::npos);
    CHECK(run.problem(run.words("cat", SearchMode::kVector)).find("/elsewhere") != std::string::npos);
  }
}

TEST_CASE("a hybrid search of the past is that of a store which never went on", "[search][vector][model]") {
  for (const uint64_t seed : test_seeds(1, 6)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    const std::vector<std::string> vocabulary = {"cat", "dog", "house", "catfish", "dogs", "cafe", "tree", "bird"};
    const auto some_text = [&] {
      std::string text;
      for (uint64_t n = chance.between(1, 5); n > 0; n--) text += chance.pick(vocabulary) + " ";
      return text;
    };
    Searched run(seed);
    Searched fresh(seed);
    const uint64_t bound = chance.between(1, 40);
    std::vector<std::string> texts;
    for (int i = 0; i < 60; i++) texts.push_back(some_text());
    for (size_t i = 0; i < texts.size(); i++) {
      run.append(texts[i]);
      if (i < bound) fresh.append(texts[i]);
    }
    run.set("search.embedder", "static:/model");
    fresh.set("search.embedder", "static:/model");
    for (int i = 0; i < 5; i++) {
      const SearchRequest request = run.words(some_text());
      const SearchAnswer then = run.find(request, {"main", Position{bound}, {}});
      const SearchAnswer expected = fresh.find(request);
      REQUIRE(positions(then) == positions(expected));
      for (size_t k = 0; k < then.hits.size(); k++) REQUIRE(then.hits[k].score == expected.hits[k].score);
    }
  }
}

TEST_CASE("while an endpoint is down, search answers by words and says so", "[search][vector][embedder]") {
  Searched run;
  run.append("a house");
  run.append("two cats");
  run.endpoint.otherwise = {503, "", {}};
  run.set("search.embedder", "openai:http://localhost:1/v1#small");
  const SearchAnswer words = run.find(run.words("cats"));
  CHECK(words.used == Used{"keyword", "neighbours"});
  REQUIRE(words.notes.size() == 1);
  CHECK(words.notes[0] == "found by words alone: the embedding endpoint answered 503");
  const auto refused = run.ask(run.words("cats", SearchMode::kVector));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kUnavailable);
  run.append("it goes on");

  // It is up again, but has not embedded anything yet.
  run.endpoint.otherwise = {};
  const SearchAnswer before = run.find(run.words("cats"));
  CHECK(before.used == Used{"keyword", "neighbours", "vector"});
  REQUIRE(before.notes.size() == 1);
  CHECK(before.notes[0] == "vectors go up to position 0, later events were found by words alone");
  const SearchAnswer near = run.find(run.words("cats", SearchMode::kVector));
  CHECK(near.hits.empty());
  REQUIRE(near.notes.size() == 1);
  CHECK(near.notes[0] == "vectors go up to position 0, later events were not searched");
  CHECK((*run.index->vectors()->index())->step());
  const SearchAnswer after = run.find(run.words("cats"));
  CHECK(after.notes.empty());
  CHECK(after.hits.size() == 3);
}

}  // namespace chronos::test
