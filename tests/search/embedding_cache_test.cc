// What was made once is there again: after a restart, a power cut, and damage elsewhere in the file; and an index fed
// by an endpoint never pays twice.
#include "search/embedding_cache.h"

#include <memory>
#include <string>
#include <vector>

#include "search/embedded_vectors.h"
#include "search/endpoint_embedder.h"
#include "search/event_text.h"
#include "search/vector_index.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/scripted_endpoint.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

std::vector<float> vector_for(int i) { return {static_cast<float>(i), 0.5F, -1}; }
std::string text_for(int i) { return "text number " + std::to_string(i); }

void put(EmbeddingCache& cache, int begin, int end) {
  std::vector<std::string> texts;
  std::vector<std::vector<float>> vectors;
  for (int i = begin; i < end; i++) {
    texts.push_back(text_for(i));
    vectors.push_back(i % 10 == 9 ? std::vector<float>() : vector_for(i));
  }
  std::vector<EmbeddingCache::Made> made;
  for (size_t i = 0; i < texts.size(); i++) made.push_back({texts[i], vectors[i]});
  REQUIRE(cache.put(made));
}

int known(EmbeddingCache& cache, int begin, int end) {
  int count = 0;
  for (int i = begin; i < end; i++) {
    const auto found = cache.find(text_for(i));
    if (!found) continue;
    REQUIRE(*found == (i % 10 == 9 ? std::vector<float>() : vector_for(i)));
    count++;
  }
  return count;
}

struct Embedding {
  Embedding() { open_store(); }
  void open_store() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.seal_in_background = false;
    auto opened = Store::open(options);
    if (!opened) FAIL(opened.error().message);
    store = *std::move(opened);
  }
  void open_index(const std::string& model) {
    index.reset();
    EndpointOptions endpoint_options;
    endpoint_options.url = "http://localhost:1/v1";
    endpoint_options.model = model;
    endpoint_options.tries = 1;
    auto embedder = std::make_shared<EndpointEmbedder>(endpoint, endpoint_options);
    auto cache = std::make_unique<EmbeddingCache>(disk, "/embeddings", embedder->identity());
    VectorIndexOptions options;
    options.directory = "/index";
    options.disk = &disk;
    options.in_background = false;
    auto source = std::make_shared<EmbeddedVectors>(embedder, std::move(cache), EmbeddedVectorsOptions{.batch = 4});
    index = std::make_unique<VectorIndex>(*store, source, options);
  }
  void append(const std::vector<std::string>& texts) {
    ModelBatch batch;
    for (const std::string& text : texts) {
      ModelEvent& event = batch.events.emplace_back();
      event.stream = "s";
      event.type = "Note";
      event.data = R"({"text":")" + text + R"(","n":1,"more":["x"]})";
    }
    REQUIRE(store->append(*to_engine(batch)));
  }
  void index_all() {
    while (index->step()) {
    }
  }
  Position indexed_to() { return index->cover(*store->view({})).indexed_to; }

  SimulatedDisk disk{1};
  ManualClock clock;
  Chance random{3};
  ScriptedEndpoint endpoint;
  std::unique_ptr<Store> store;
  std::unique_ptr<VectorIndex> index;
};

}  // namespace

TEST_CASE("vectors that were kept are there after a restart", "[search][embedder]") {
  SimulatedDisk disk(1);
  {
    EmbeddingCache cache(disk, "/cache", "model");
    CHECK_FALSE(cache.find(text_for(0)));
    CHECK_FALSE(*disk.exists("/cache"));
    put(cache, 0, 30);
    put(cache, 30, 50);
    CHECK(known(cache, 0, 60) == 50);
  }
  EmbeddingCache again(disk, "/cache", "model");
  CHECK(known(again, 0, 60) == 50);
  CHECK(again.size() == 50);
  EmbeddingCache other(disk, "/cache", "another model");
  CHECK(known(other, 0, 60) == 0);
  const std::vector<std::string> files = *disk.list("/cache");
  REQUIRE(files.size() == 1);
  const std::string path = "/cache/" + files.front();
  SECTION("a damaged record alone is lost") {
    disk.flip_bit(path, 32 + 48 * 7 + 20, 2);
    EmbeddingCache damaged(disk, "/cache", "model");
    CHECK(known(damaged, 0, 60) == 49);
    put(damaged, 60, 70);
    CHECK(known(damaged, 0, 70) == 59);
  }
  SECTION("a damaged head loses nothing") {
    disk.flip_bit(path, 9, 2);
    EmbeddingCache damaged(disk, "/cache", "model");
    CHECK(known(damaged, 0, 60) == 50);
  }
  SECTION("damage after it was opened is noticed") {
    disk.flip_bit(path, 32 + 48 * 7 + 20, 2);
    CHECK(known(again, 0, 60) == 49);
  }
}

TEST_CASE("a power cut while vectors are kept loses those alone", "[search][embedder][crash]") {
  for (const uint64_t seed : test_seeds(1, 30)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    SimulatedDisk disk(seed);
    int kept = 0;
    {
      EmbeddingCache cache(disk, "/cache", "model");
      put(cache, 0, 10);
      kept = 10;
      disk.fail_after(chance.between(1, 6), SimulatedDisk::Failing::kFromThenOn);
      for (int i = 10; i < 60; i += 10) {
        const std::vector<float> vector = vector_for(i);
        const std::string text = text_for(i);
        const std::vector<EmbeddingCache::Made> made = {{text, vector}};
        if (cache.put(made)) kept = i + 1;
      }
    }
    disk.power_cut(seed);
    disk.stop_failing();
    EmbeddingCache again(disk, "/cache", "model");
    CHECK(known(again, 0, 10) == 10);
    for (int i = 10; i < kept; i += 10) CHECK(known(again, i, i + 1) == 1);
    put(again, 100, 110);
    CHECK(known(again, 100, 110) == 10);
  }
}

TEST_CASE("no text is paid for twice, whatever becomes of the index", "[search][embedder][vector]") {
  Embedding run;
  run.open_index("small");
  run.append({"alpha", "beta", "gamma", "alpha", "delta", "epsilon"});
  run.index_all();
  CHECK(run.indexed_to() == Position{6});
  CHECK(run.endpoint.texts().size() == 6);
  CHECK(run.endpoint.texts().front() == "alpha\nx");

  run.index->rebuild();
  run.index_all();
  CHECK(run.indexed_to() == Position{6});
  run.open_index("small");
  run.append({"beta"});
  NewFork wanted;
  wanted.name = "try";
  REQUIRE(run.store->create_fork(wanted));
  run.index_all();
  CHECK(run.indexed_to() == Position{7});
  CHECK(run.endpoint.texts().size() == 6);

  // Another model makes its own.
  run.open_index("other");
  CHECK(run.indexed_to() == Position{0});
  run.index_all();
  CHECK(run.indexed_to() == Position{7});
  CHECK(run.endpoint.texts().size() > 10);
}

TEST_CASE("what was embedded before an endpoint failed is kept", "[search][embedder][vector]") {
  Embedding run;
  run.open_index("small");
  run.append({"a", "b", "c", "d", "e", "f"});
  const std::string four =
      R"({"data":[{"embedding":[1,0]},{"embedding":[0,1]},{"embedding":[1,1]},{"embedding":[1,2]}]})";
  run.endpoint.next = {{200, four, {}}, {503, "", {}}};
  CHECK(run.index->step());
  CHECK(run.indexed_to() == Position{4});
  CHECK(run.index->status().failure == "the embedding endpoint answered 503");
  run.append({"g"});  // goes on
  run.endpoint.otherwise = {503, "", {}};
  CHECK_FALSE(run.index->step());
  CHECK(run.indexed_to() == Position{4});
  run.open_index("small");
  run.endpoint.next = {{200, R"({"data":[{"embedding":[1,0]},{"embedding":[0,1]},{"embedding":[1,1]}]})", {}}};
  CHECK(run.index->step());
  CHECK(run.indexed_to() == Position{7});
  CHECK(run.index->status().vectors == 7);
}

TEST_CASE("an event's text is the strings in its data", "[search][embedder]") {
  Embedding run;
  ModelBatch batch;
  for (const std::string data : {R"({"a":"one","b":{"c":["two",3,"thr\u00e9e"]},"d":null})", R"({"n":1})"}) {
    ModelEvent& event = batch.events.emplace_back();
    event.stream = "s";
    event.type = "OrderPaid";
    event.data = data;
  }
  REQUIRE(run.store->append(*to_engine(batch)));
  const View view = *run.store->view({});
  CHECK(event_text(view.at(Position{1}), 100) == "one\ntwo\nthr\xC3\xA9" "e");
  CHECK(event_text(view.at(Position{1}), 12) == "one\ntwo\nthr");
  CHECK(event_text(view.at(Position{2}), 100) == "OrderPaid");
}

}  // namespace chronos::test
