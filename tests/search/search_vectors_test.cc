// What an operator writes of a model, and the vectors that come of it.
#include "search/search_vectors.h"

#include <memory>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/scripted_endpoint.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/small_model.h"

namespace chronos::test {
namespace {

struct Searched {
  Searched() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.seal_in_background = false;
    auto opened = Store::open(options);
    if (!opened) FAIL(opened.error().message);
    store = *std::move(opened);
    ModelBatch batch;
    for (const std::string text : {"cats and dogs", "a house", "nothing known"}) {
      ModelEvent& event = batch.events.emplace_back();
      event.stream = "s";
      event.type = "Note";
      event.data = R"({"text":")" + text + "\"}";
      if (text == "a house") event.embedding = {0, 1};
    }
    REQUIRE(store->append(*to_engine(batch)));
  }
  std::unique_ptr<SearchVectors> vectors(const std::string& setting) {
    auto parsed = parse_embedder_setting(setting);
    if (!parsed) FAIL(parsed.error().message);
    return std::make_unique<SearchVectors>(
        *store, *parsed, SearchVectorsOptions{"/index", "/embeddings", {&disk, &endpoint, "secret"}, false});
  }

  SimulatedDisk disk{1};
  ManualClock clock;
  Chance random{3};
  ScriptedEndpoint endpoint;
  std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("how a model is written", "[search][embedder]") {
  CHECK(parse_embedder_setting("none")->kind == EmbedderSetting::Kind::kNone);
  CHECK(parse_embedder_setting("")->kind == EmbedderSetting::Kind::kNone);
  const auto local = parse_embedder_setting("static:/models/potion");
  CHECK(local->kind == EmbedderSetting::Kind::kStatic);
  CHECK(local->place == "/models/potion");
  const auto endpoint = parse_embedder_setting("openai:http://localhost:11434/v1#nomic-embed-text");
  CHECK(endpoint->kind == EmbedderSetting::Kind::kEndpoint);
  CHECK(endpoint->place == "http://localhost:11434/v1");
  CHECK(endpoint->model == "nomic-embed-text");
  CHECK(parse_embedder_setting("openai:https://x/v1")->model.empty());
  for (const std::string text : {"none", "static:/models/potion", "openai:http://x/v1#m", "openai:https://x/v1"}) {
    CHECK(text_of(*parse_embedder_setting(text)) == text);
  }
  for (const std::string wrong : {"potion", "static:", "static:models", "openai:", "openai:localhost", "openai:http://",
                                  "openai:http://a b", "openai:ftp://x", "static:/a\nb"}) {
    INFO(wrong);
    const auto parsed = parse_embedder_setting(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find("search.embedder must be none, static:") == 0);
  }
}

TEST_CASE("without a model events have the vectors they came with", "[search][vector]") {
  Searched run;
  const auto vectors = run.vectors("none");
  CHECK_FALSE(vectors->has_model());
  CHECK(vectors->index_if_made() == nullptr);
  const auto index = vectors->index();
  REQUIRE(index);
  const VectorCover cover = (*index)->cover(*run.store->view({}));
  CHECK(cover.indexed_to == Position{3});
  const auto search = VectorSearch::make(cover.pieces, {{1, 1}, false});
  REQUIRE(search);
  const auto found = search->best(5, nullptr);
  REQUIRE(found.size() == 1);
  CHECK(found[0].position == Position{2});
  CHECK(vectors->index_if_made() != nullptr);
}

TEST_CASE("a static model embeds events and queries at once", "[search][vector][embedder]") {
  Searched run;
  const auto vectors = run.vectors("static:/model");
  const auto missing = vectors->index();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::kNotFound);
  write_small_model(run.disk, "/model");  // there now
  const auto index = vectors->index();
  REQUIRE(index);
  CHECK(vectors->word_weight() == 0.7F);
  const auto query = vectors->vector_of("house", {});
  REQUIRE(query);
  const VectorCover cover = (*index)->cover(*run.store->view({}));
  CHECK(cover.indexed_to == Position{3});
  const auto search = VectorSearch::make(cover.pieces, {*query, false});
  REQUIRE(search);
  CHECK(search->vectors() == 2);
  const auto found = search->best(5, nullptr);
  REQUIRE(found.size() == 2);
  CHECK(found[0].position == Position{2});
  CHECK(found[0].score == Approx(1));
  const auto unknown = vectors->vector_of("bird", {});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Code::kInvalidArgument);
  CHECK(run.endpoint.requests().empty());
}

TEST_CASE("an endpoint embeds with the key of this process", "[search][vector][embedder]") {
  Searched run;
  const auto vectors = run.vectors("openai:http://localhost:1/v1#small");
  REQUIRE(vectors->index());
  CHECK((*vectors->index())->step());
  const View view = *run.store->view({});
  CHECK((*vectors->index())->cover(view).indexed_to == Position{3});
  CHECK(run.endpoint.texts() == std::vector<std::string>{"cats and dogs", "a house", "nothing known"});
  CHECK(run.endpoint.requests()[0].headers.back().second == "Bearer secret");
  REQUIRE(vectors->vector_of("dog", {}));
  CHECK(run.endpoint.texts().back() == "dog");
  CHECK(vectors->word_weight() == 0.5F);
  CHECK(run.disk.list("/embeddings")->size() == 1);
}

}  // namespace chronos::test
