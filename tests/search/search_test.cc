// A search of a view against one of a fresh store that holds only those events, and against what reading every event
// says; over random histories, forks, bounds, queries and filters.
#include "search/search.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

// A store with its index.
class Searched {
 public:
  explicit Searched(uint64_t seed) : random_(seed), disk_(seed) {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock;
    options.random = &random_;
    options.seal_in_background = false;
    store = *Store::open(options);
    index = std::make_unique<SearchIndex>(
        *store, SearchIndexOptions{.directory = "/store/search", .disk = &disk_, .in_background = false});
  }
  void append(const std::string& fork, const ModelEvents& events) {
    ModelBatch batch;
    batch.head.fork = fork;
    batch.events = events;
    REQUIRE(store->append(*to_engine(batch)));
  }
  SearchAnswer find(const View& view, const SearchRequest& request) {
    auto answer = search(*index, view, request, nullptr);
    if (!answer) FAIL(answer.error().message);
    return *std::move(answer);
  }

  ManualClock clock;

 private:
  Chance random_;
  SimulatedDisk disk_;

 public:
  std::unique_ptr<Store> store;
  std::unique_ptr<SearchIndex> index;
};

std::string some_words(Chance& chance, uint64_t most) {
  std::string text;
  for (uint64_t n = chance.between(1, most); n > 0; n--) {
    text += (text.empty() ? "w" : " w") + std::to_string(chance.below(chance.below(30) + 1));
  }
  return text;
}

ModelEvent some_event(Chance& chance) {
  ModelEvent event;
  event.stream = "s" + std::to_string(chance.below(4));
  event.type = chance.percent(30) ? "Paid" : "Note";
  event.data = "{\"a\":\"" + some_words(chance, 10) + "\",\"b\":[\"" + some_words(chance, 4) + "\",7]}";
  if (chance.percent(20)) event.tags.push_back("t" + std::to_string(chance.below(3)));
  return event;
}

ModelEvent copy_of(const Event& event) {
  ModelEvent copy;
  copy.stream = event.stream();
  copy.type = event.type();
  copy.data = event.data();
  event.for_each_tag([&](std::string_view tag) { copy.tags.emplace_back(tag); });
  return copy;
}

// A history with forks, and events in several of them.
std::vector<std::string> fill(Searched& run, Chance& chance) {
  std::vector<std::string> forks = {"main"};
  for (int step = 0; step < 25; step++) {
    const std::string fork = chance.pick(forks);
    ModelEvents events;
    for (uint64_t n = chance.between(1, 12); n > 0; n--) events.push_back(some_event(chance));
    run.clock.advance(1'000'000);
    run.append(fork, events);
    if (chance.percent(25) && forks.size() < 5) {
      NewFork wanted;
      wanted.name = "f" + std::to_string(step);
      wanted.from = {fork, Position{chance.between(0, run.store->view({fork, {}, {}})->head().value)}, {}};
      REQUIRE(run.store->create_fork(wanted));
      forks.push_back(wanted.name);
    }
    if (chance.percent(10)) REQUIRE(run.store->seal());
  }
  return forks;
}

SearchRequest some_request(Chance& chance) {
  std::string text = some_words(chance, 4);
  if (chance.percent(30)) text += " \"" + some_words(chance, 2) + "\"";
  if (chance.percent(30)) text += " -" + some_words(chance, 1);
  if (chance.percent(20)) text += " -\"" + some_words(chance, 2) + "\"";
  if (chance.percent(20)) text += chance.percent(50) ? " type:Paid" : " -type:Paid";
  if (chance.percent(20)) text += chance.percent(50) ? " stream:s1 stream:s2" : " -stream:s1";
  if (chance.percent(20)) text += chance.percent(50) ? " tag:t1" : " -tag:t1";
  SearchRequest request;
  request.query = *parse_query(text);
  request.depth = chance.between(1, 40);
  if (chance.percent(40)) request.mode = SearchMode::kKeyword;
  if (chance.percent(20)) request.rules.match = {{{"Paid"}, {}, {}, ""}, {{}, {"t0"}, {"s0", "s3"}, ""}};
  if (chance.percent(10)) request.rules.match = {{{}, {}, {}, "s"}, {{}, {"t1", "t2"}, {}, ""}};
  if (chance.percent(20)) request.collapses = true;
  return request;
}

// --- the slow way ---

std::string text_of(const Event& event) {
  const std::string data(event.data());
  std::string text = data.substr(6, data.find('"', 6) - 6) + " | ";
  const size_t b = data.find("[\"") + 2;
  return " " + text + data.substr(b, data.find('"', b) - b) + " ";
}

bool has_text(const Event& event, const std::string& phrase) {
  return text_of(event).find(" " + phrase + " ") != std::string::npos;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_selected(const Event& event, const SearchRequest& request) {
  const SearchQuery& query = request.query;
  if (!request.rules.match.empty() && !matches(request.rules.match, event)) return false;
  if (request.rules.since && event.recorded_at() < *request.rules.since) return false;
  if (request.rules.until && event.recorded_at() > *request.rules.until) return false;
  for (const std::string& phrase : query.phrases) {
    if (!has_text(event, phrase)) return false;
  }
  for (const std::string& phrase : query.without) {
    if (has_text(event, phrase)) return false;
  }
  if (!query.only.types.empty() && !holds(query.only.types, event.type())) return false;
  if (!query.only.streams.empty() && !holds(query.only.streams, event.stream())) return false;
  for (const std::string& tag : query.only.tags) {
    if (!event.has_tag(tag)) return false;
  }
  for (const std::string& tag : query.never.tags) {
    if (event.has_tag(tag)) return false;
  }
  return !holds(query.never.types, event.type()) && !holds(query.never.streams, event.stream());
}

std::vector<ScoredEvent> places(const SearchAnswer& answer) {
  std::vector<ScoredEvent> list;
  for (const SearchHit& hit : answer.hits) list.push_back({hit.position, hit.score});
  return list;
}

std::vector<float> all_scores(Searched& run, const View& view, const SearchRequest& request) {
  const auto text = run.index->text();
  const KeywordSearch keyword(text->cover(view), text->analyze(request.query.words), {});
  std::vector<float> scores(view.head().value);
  for (size_t i = 0; i < scores.size(); i++) scores[i] = keyword.score(Position{i + 1});
  return scores;
}

std::vector<ScoredEvent> best_of(const View& view, const std::vector<float>& scores, const SearchRequest& request) {
  std::vector<ScoredEvent> list;
  for (size_t i = 0; i < scores.size(); i++) {
    const Position position{i + 1};
    if (scores[i] > 0 && is_selected(view.at(position), request)) list.push_back({position, scores[i]});
  }
  std::sort(list.begin(), list.end(), comes_before);
  list.resize(std::min<size_t>(list.size(), request.depth));
  return list;
}

std::vector<float> smoothed(const View& view, const std::vector<float>& scores) {
  std::map<std::string, std::vector<size_t>> streams;
  for (size_t i = 0; i < scores.size(); i++) streams[std::string(view.at(Position{i + 1}).stream())].push_back(i);
  std::vector<float> smooth(scores.size());
  for (const auto& [name, events] : streams) {
    const auto at = [&](size_t k) { return k < events.size() ? scores[events[k]] : 0.0F; };
    for (size_t k = 0; k < events.size(); k++) {
      const float near = at(k - 1) + at(k + 1);
      const float far = at(k - 2) + at(k + 2);
      smooth[events[k]] = at(k) + 0.2F * (near + far / 2.0F);
    }
  }
  return smooth;
}

}  // namespace

TEST_CASE("a search of a view is that of a store with only its events", "[search][model]") {
  for (const uint64_t seed : test_seeds(1, 6)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    Searched run(seed);
    const auto forks = fill(run, chance);
    for (int round = 0; round < 4; round++) {
      const View whole = *run.store->view({chance.pick(forks), {}, {}});
      const View view = whole.cut(Position{chance.between(1, whole.head().value)});
      Searched fresh(seed + 100);
      for (uint64_t position = 1; position <= view.head().value; position++) {
        fresh.append("main", {copy_of(view.at(Position{position}))});
      }
      for (int i = 0; i < 6; i++) {
        const SearchRequest request = some_request(chance);
        const SearchAnswer found = run.find(view, request);
        const SearchAnswer expected = fresh.find(*fresh.store->view({}), request);
        CHECK(places(found) == places(expected));
        CHECK(found.matched == expected.matched);
        CHECK(places(run.find(view, request)) == places(found));
      }
    }
  }
}

TEST_CASE("filters apply before the best are taken, phrases and exclusions are what they say", "[search][model]") {
  for (const uint64_t seed : test_seeds(1, 12)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    Searched run(seed);
    const auto forks = fill(run, chance);
    for (int i = 0; i < 25; i++) {
      const View whole = *run.store->view({chance.pick(forks), {}, {}});
      const View view = whole.cut(Position{chance.between(1, whole.head().value)});
      SearchRequest request = some_request(chance);
      request.mode = SearchMode::kKeyword;
      request.collapses = false;
      const auto some_time = [&] { return view.at(Position{chance.between(1, view.head().value)}).recorded_at(); };
      if (chance.percent(20)) request.rules.since = some_time();
      if (chance.percent(20)) request.rules.until = some_time();
      CHECK(places(run.find(view, request)) == best_of(view, all_scores(run, view, request), request));
    }
  }
}

TEST_CASE("neighbours in a stream count", "[search][model]") {
  for (const uint64_t seed : test_seeds(1, 12)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    Searched run(seed);
    const auto forks = fill(run, chance);
    for (int i = 0; i < 8; i++) {
      const View whole = *run.store->view({chance.pick(forks), {}, {}});
      const View view = whole.cut(Position{chance.between(1, whole.head().value)});
      SearchRequest request;
      request.query = *parse_query(some_words(chance, 3));
      request.depth = 1000;
      const SearchAnswer found = run.find(view, request);
      CHECK(places(found) == best_of(view, smoothed(view, all_scores(run, view, request)), request));
      CHECK(found.used == std::vector<std::string_view>{"keyword", "neighbours"});
    }
  }
}

TEST_CASE("what is not indexed is not waited for when that is not wanted", "[search]") {
  Chance chance(5);
  Searched run(5);
  ModelEvents events(40, some_event(chance));
  run.append("main", events);
  SearchRequest request;
  request.query = *parse_query("w0 w1 w2 w3 paid note");
  request.waits = false;
  const View first = *run.store->view({});
  CHECK(run.find(first, request).hits.empty());
  CHECK(run.find(first, request).indexed_to == Position{0});
  request.waits = true;
  CHECK(run.find(first, request).indexed_to == first.head());
  run.append("main", events);
  request.waits = false;
  const SearchAnswer before = run.find(*run.store->view({}), request);
  CHECK(before.indexed_to == first.head());
  CHECK(places(before) == places(run.find(first, request)));
  request.waits = true;
  const auto stopped = search(*run.index, *run.store->view({}), request, [](uint64_t) { return false; });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Code::kUnavailable);
}

}  // namespace chronos::test
