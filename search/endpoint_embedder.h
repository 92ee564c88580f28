// Embedding by a /v1/embeddings endpoint: Ollama, llama.cpp, vLLM, TEI, OpenAI and others that speak that API.
//
// Texts go in batches.  What fails for now (no connection, 429, 5xx) is tried again after a while, each time twice as
// long, or as long as the endpoint says.  A text that the endpoint refuses, being too long for the model, is given
// shorter; one that it refuses at any length has no vector.  Models that want to be told what a text is for get the
// words they were trained with.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "search/embedder.h"
#include "search/http_poster.h"

namespace chronos {

struct EndpointOptions {
  std::string url;    // http(s)://host[:port]/path; "/embeddings" is added when it is not its end
  std::string model;  // as the endpoint calls it; empty where it has only one
  std::string key;    // sent as a bearer token; empty for none
  size_t batch = 64;  // texts
  int tries = 4;      // of a batch of documents; a query is tried once
  std::chrono::milliseconds pause{500};  // after the first failure
  std::chrono::milliseconds most_pause{30'000};
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds query_timeout{5'000};
};

class EndpointEmbedder : public Embedder {
 public:
  // Requires: the client outlives it.
  EndpointEmbedder(HttpPoster& client, EndpointOptions options);

  const std::string& identity() const override { return identity_; }
  bool is_local() const override { return false; }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                                const std::stop_token& stop) override;

 private:
  using Vectors = std::vector<std::vector<float>>;
  enum class Answer { kVectors, kRefused, kFailed };
  struct Asked {
    Answer answer = Answer::kFailed;
    Vectors vectors;
    Error error;
  };
  std::string body_of(std::span<const std::string> texts) const;
  HttpRequest request_of(std::span<const std::string> texts, EmbeddingPurpose purpose) const;
  Asked ask_once(std::span<const std::string> texts, EmbeddingPurpose purpose, const std::stop_token& stop,
                 std::chrono::milliseconds& pause);
  Asked ask(std::span<const std::string> texts, EmbeddingPurpose purpose, const std::stop_token& stop);
  Result<void> add(std::span<const std::string> texts, EmbeddingPurpose purpose, const std::stop_token& stop,
                   Vectors& to);
  Result<void> check_dimension(const Vectors& vectors);

  HttpPoster& client_;
  const EndpointOptions options_;
  std::string url_;
  std::string identity_;
  std::string before_document_;
  std::string before_query_;
  std::atomic<size_t> dimension_{0};  // of what it gave first
};

}  // namespace chronos
