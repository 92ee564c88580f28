// An endpoint that answers, refuses, fails and talks nonsense, and what comes of it.
#include "search/endpoint_embedder.h"

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "search/embedding_reply.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_endpoint.h"

namespace chronos::test {
namespace {

using Vectors = std::vector<std::vector<float>>;

EndpointOptions quick() {
  EndpointOptions options;
  options.url = "http://localhost:1/v1/";
  options.model = "small";
  options.pause = options.most_pause = std::chrono::milliseconds(0);
  return options;
}

Result<Vectors> embed(ScriptedEndpoint& endpoint, const std::vector<std::string>& texts,
                      EmbeddingPurpose purpose = EmbeddingPurpose::kDocument, EndpointOptions options = quick()) {
  return EndpointEmbedder(endpoint, std::move(options)).embed(texts, purpose, {});
}

std::string problem(std::string_view body, size_t texts = 1) {
  const auto reply = read_embedding_reply(body, texts);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kUnavailable);
  return reply.error().message;
}

}  // namespace

TEST_CASE("texts go to the endpoint in batches", "[search][embedder]") {
  ScriptedEndpoint endpoint;
  EndpointOptions options = quick();
  options.batch = 2;
  options.key = "secret";
  const auto vectors = embed(endpoint, {"one \"1\"", "two", "three"}, EmbeddingPurpose::kDocument, options);
  REQUIRE(vectors);
  CHECK(*vectors == Vectors{endpoint.vector_of("one \"1\""), endpoint.vector_of("two"), endpoint.vector_of("three")});
  const auto requests = endpoint.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].url == "http://localhost:1/v1/embeddings");
  CHECK(requests[0].body == R"({"input":["one \"1\"","two"],"encoding_format":"float","model":"small"})");
  CHECK(requests[1].body == R"({"input":["three"],"encoding_format":"float","model":"small"})");
  bool has_key = false;
  for (const auto& [name, value] : requests[0].headers) has_key |= name == "Authorization" && value == "Bearer secret";
  CHECK(has_key);
}

TEST_CASE("models that were trained with instructions get them", "[search][embedder]") {
  ScriptedEndpoint endpoint;
  EndpointOptions options = quick();
  options.model = "nomic-embed-text:v1.5";
  REQUIRE(embed(endpoint, {"a"}, EmbeddingPurpose::kDocument, options));
  REQUIRE(embed(endpoint, {"a"}, EmbeddingPurpose::kQuery, options));
  CHECK(endpoint.requests()[0].body.find("\"search_document: a\"") != std::string::npos);
  CHECK(endpoint.requests()[1].body.find("\"search_query: a\"") != std::string::npos);
  CHECK(EndpointEmbedder(endpoint, options).identity() == "openai:nomic-embed-text:v1.5");
  options.model.clear();
  CHECK(EndpointEmbedder(endpoint, options).identity() == "openai:http://localhost:1/v1/embeddings");
}

TEST_CASE("what fails for now is tried again, some times", "[search][embedder]") {
  ScriptedEndpoint endpoint;
  SECTION("and succeeds") {
    endpoint.next = {{429, "slow down", std::chrono::seconds(1)}, {503, "", {}}, {0, "", {}}};
    CHECK(embed(endpoint, {"a"}));
    CHECK(endpoint.requests().size() == 4);
  }
  SECTION("or not") {
    endpoint.otherwise = {500, R"({"error":{"message":"out of\nmemory"}})", {}};
    const auto failed = embed(endpoint, {"a"});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Code::kUnavailable);
    CHECK(failed.error().message == "the embedding endpoint answered 500 (out of memory)");
    CHECK(endpoint.requests().size() == 4);
  }
  SECTION("a query once: somebody waits for it") {
    endpoint.otherwise = {503, "", {}};
    CHECK_FALSE(embed(endpoint, {"a"}, EmbeddingPurpose::kQuery));
    CHECK(endpoint.requests().size() == 1);
    CHECK(endpoint.requests()[0].timeout == std::chrono::milliseconds(5000));
  }
  SECTION("not what will not pass") {
    endpoint.otherwise = {401, R"({"error":"no such key"})", {}};
    const auto failed = embed(endpoint, {"a"});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "the embedding endpoint answered 401 (no such key)");
    CHECK(endpoint.requests().size() == 1);
  }
  SECTION("not after it was stopped") {
    endpoint.otherwise = {503, "", {}};
    std::stop_source stop;
    stop.request_stop();
    const std::vector<std::string> texts = {"a"};
    CHECK_FALSE(EndpointEmbedder(endpoint, quick()).embed(texts, EmbeddingPurpose::kDocument, stop.get_token()));
    CHECK(endpoint.requests().size() == 1);
  }
}

TEST_CASE("a text that is too long for the model is given shorter, and no other suffers", "[search][embedder]") {
  ScriptedEndpoint endpoint;
  endpoint.longest = 1000;
  const std::string umlauts = "\xC3\xA4\xC3\xB6\xC3\xBC";
  std::string longer;
  for (int i = 0; i < 500; i++) longer += umlauts;
  const auto vectors = embed(endpoint, {"a", longer, "b"});
  REQUIRE(vectors);
  CHECK(*vectors ==
        Vectors{endpoint.vector_of("a"), endpoint.vector_of(longer.substr(0, 750)), endpoint.vector_of("b")});
  SECTION("one that is refused at any length has no vector") {
    endpoint.longest = 100;
    const auto some = embed(endpoint, {"a", longer});
    REQUIRE(some);
    CHECK(*some == Vectors{endpoint.vector_of("a"), {}});
  }
  SECTION("an endpoint that refuses everything fails") {
    endpoint.longest = 0;
    const auto none = embed(endpoint, {"a", "b"});
    REQUIRE_FALSE(none);
    CHECK(none.error().message.find("answered 400 (too long)") != std::string::npos);
  }
}

TEST_CASE("a model that changes behind the endpoint is noticed", "[search][embedder]") {
  ScriptedEndpoint endpoint;
  EndpointEmbedder embedder(endpoint, quick());
  const std::vector<std::string> texts = {"a"};
  REQUIRE(embedder.embed(texts, EmbeddingPurpose::kDocument, {}));
  endpoint.next = {{200, R"({"data":[{"index":0,"embedding":[1,2]}]})", {}}};
  const auto failed = embedder.embed(texts, EmbeddingPurpose::kDocument, {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("vectors of 2 numbers, and before of 4") != std::string::npos);
}

TEST_CASE("replies as numbers and as base64, in any order", "[search][embedder]") {
  const auto read = [](std::string_view body, size_t texts) {
    auto reply = read_embedding_reply(body, texts);
    if (!reply) FAIL(reply.error().message);
    return *reply;
  };
  CHECK(read(R"({"data":[{"embedding":[1,-0.5]},{"embedding":[2e0,0]}]})", 2) == Vectors{{1, -0.5F}, {2, 0}});
  CHECK(read(R"({"data":[{"index":1,"embedding":[1]},{"embedding":[2],"index":0}]})", 2) == Vectors{{2}, {1}});
  CHECK(read(R"({"data":[{"index":0,"embedding":"AACAPwAAAMA="}]})", 1) == Vectors{{1, -2}});
}

TEST_CASE("a reply that is no use is refused with what is wrong", "[search][embedder]") {
  CHECK(problem("").find("no JSON") != std::string::npos);
  CHECK(problem("<html>").find("no JSON") != std::string::npos);
  CHECK(problem("[]").find("no 'data'") != std::string::npos);
  CHECK(problem(R"({"data":null})").find("no list") != std::string::npos);
  CHECK(problem(R"({"data":[]})").find("0 vectors for 1 texts") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":[]}]})").find("no vector of finite numbers") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":[1,"x"]}]})").find("no vector") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":[1e300]}]})").find("no vector") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":"AAA"}]})").find("no vector") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":"!AACAPw=="}]})").find("no vector") != std::string::npos);
  CHECK(problem(R"({"data":[{"embedding":"AADAfw=="}]})").find("no vector") != std::string::npos);  // NaN
  CHECK(problem(R"({"data":[7]})").find("no vector") != std::string::npos);
  CHECK(problem(R"({"data":[{"index":1,"embedding":[1]}]})").find("index") != std::string::npos);
  CHECK(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})", 2).find("twice") !=
        std::string::npos);
  CHECK(problem(R"({"data":[{"index":1,"embedding":[1]},{"index":0,"embedding":[1,2]}]})", 2).find("dimensions") !=
        std::string::npos);
  CHECK(told_reason("plain\x01text") == "plain text");
  CHECK(told_reason(std::string(1000, 'x')).size() == 200);
}

}  // namespace chronos::test
