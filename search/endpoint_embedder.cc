#include "search/endpoint_embedder.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/valid_json.h"
#include "search/embedding_reply.h"

namespace chronos {
namespace {

constexpr size_t kShortText = 512;  // bytes: refused at that length, a text is refused at any

// What models want before a text (their model cards say so).
struct Instruction {
  std::string_view part_of_name;
  std::string_view before_document;
  std::string_view before_query;
};
constexpr Instruction kInstructions[] = {
    {"nomic-embed-text", "search_document: ", "search_query: "},
    {"e5-", "passage: ", "query: "},
    {"mxbai-embed", "", "Represent this sentence for searching relevant passages: "},
};

void wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

EndpointEmbedder::EndpointEmbedder(HttpPoster& client, EndpointOptions options)
    : client_(client), options_(std::move(options)), url_(options_.url) {
  while (url_.ends_with('/')) url_.pop_back();
  if (!url_.ends_with("/embeddings")) url_ += "/embeddings";
  identity_ = "openai:" + (options_.model.empty() ? url_ : options_.model);
  for (const Instruction& instruction : kInstructions) {
    if (options_.model.find(instruction.part_of_name) == std::string::npos) continue;
    before_document_ = instruction.before_document;
    before_query_ = instruction.before_query;
    break;
  }
}

Result<std::vector<std::vector<float>>> EndpointEmbedder::embed(std::span<const std::string> texts,
                                                                EmbeddingPurpose purpose,
                                                                const std::stop_token& stop) {
  const std::string& before = purpose == EmbeddingPurpose::kQuery ? before_query_ : before_document_;
  Vectors vectors;
  for (size_t begin = 0; begin < texts.size(); begin += options_.batch) {
    std::vector<std::string> batch;
    for (size_t i = begin; i < std::min(texts.size(), begin + options_.batch); i++) batch.push_back(before + texts[i]);
    if (auto done = add(batch, purpose, stop, vectors); !done) return done.error();
  }
  return vectors;
}

// Adds the vectors of the texts: of all at once, or, when that is refused, of each half.
Result<void> EndpointEmbedder::add(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                   const std::stop_token& stop, Vectors& to) {
  Asked asked = ask(texts, purpose, stop);
  if (asked.answer == Answer::kFailed) return asked.error;
  if (asked.answer == Answer::kVectors) {
    if (auto done = check_dimension(asked.vectors); !done) return done;
    std::move(asked.vectors.begin(), asked.vectors.end(), std::back_inserter(to));
    return {};
  }
  if (purpose == EmbeddingPurpose::kQuery) return asked.error;
  if (texts.size() > 1) {
    // Is it the texts, or does it refuse everything?
    const std::string harmless[] = {"text"};
    if (ask(harmless, purpose, stop).answer != Answer::kVectors) return asked.error;
    const size_t half = texts.size() / 2;
    if (auto done = add(texts.first(half), purpose, stop, to); !done) return done;
    return add(texts.subspan(half), purpose, stop, to);
  }
  if (texts.front().size() > kShortText) {
    size_t end = texts.front().size() / 2;
    while (end > 0 && (static_cast<unsigned char>(texts.front()[end]) & 0xC0) == 0x80) end--;
    const std::string shorter[] = {texts.front().substr(0, end)};
    return add(shorter, purpose, stop, to);
  }
  const std::string harmless[] = {"text"};
  if (ask(harmless, purpose, stop).answer != Answer::kVectors) return asked.error;
  to.emplace_back();
  return {};
}

Result<void> EndpointEmbedder::check_dimension(const Vectors& vectors) {
  const size_t dimension = vectors.front().size();
  size_t expected = 0;
  if (dimension_.compare_exchange_strong(expected, dimension) || expected == dimension) return {};
  return Error{Code::kUnavailable,
               "the embedding endpoint gave vectors of " + std::to_string(dimension) + " numbers, and before of " +
                   std::to_string(expected) + ": it changed its model, set the embedder again",
               {}};
}

EndpointEmbedder::Asked EndpointEmbedder::ask(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                              const std::stop_token& stop) {
  const int tries = purpose == EmbeddingPurpose::kQuery ? 1 : options_.tries;
  std::chrono::milliseconds next = options_.pause;
  for (int i = 1;; i++) {
    std::chrono::milliseconds pause{0};
    Asked asked = ask_once(texts, purpose, stop, pause);
    if (asked.answer != Answer::kFailed || pause.count() < 0 || i >= tries || stop.stop_requested()) return asked;
    wait(std::min(options_.most_pause, std::max(pause, next)), stop);
    next *= 2;
  }
}

std::string EndpointEmbedder::body_of(std::span<const std::string> texts) const {
  std::string body = "{\"input\":[";
  for (size_t i = 0; i < texts.size(); i++) {
    if (i > 0) body += ',';
    append_json_string(body, texts[i].empty() ? std::string_view(" ") : std::string_view(texts[i]));
  }
  body += "],\"encoding_format\":\"float\"";
  if (!options_.model.empty()) {
    body += ",\"model\":";
    append_json_string(body, options_.model);
  }
  return body + '}';
}

HttpRequest EndpointEmbedder::request_of(std::span<const std::string> texts, EmbeddingPurpose purpose) const {
  HttpRequest request;
  request.url = url_;
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  if (!options_.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.key);
  request.body = body_of(texts);
  request.timeout = purpose == EmbeddingPurpose::kQuery ? options_.query_timeout : options_.timeout;
  return request;
}

// A pause below 0 says that it is of no use to try again.
EndpointEmbedder::Asked EndpointEmbedder::ask_once(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                                   const std::stop_token& stop, std::chrono::milliseconds& pause) {
  auto response = client_.post(request_of(texts, purpose), stop);
  if (!response) return {Answer::kFailed, {}, response.error()};
  const int status = response->status;
  if (status == 200) {
    auto vectors = read_embedding_reply(response->body, texts.size());
    if (vectors) return {Answer::kVectors, *std::move(vectors), {}};
    return {Answer::kFailed, {}, vectors.error()};
  }
  const std::string reason = told_reason(response->body);
  const Error error{Code::kUnavailable,
                    "the embedding endpoint answered " + std::to_string(status) +
                        (reason.empty() ? std::string() : " (" + reason + ")"),
                    {}};
  if (status == 400 || status == 413 || status == 422) return {Answer::kRefused, {}, error};
  const bool may_pass = status == 408 || status == 425 || status == 429 || status >= 500;
  pause = may_pass ? response->retry_after.value_or(std::chrono::seconds(0)) : std::chrono::milliseconds(-1);
  return {Answer::kFailed, {}, error};
}

}  // namespace chronos
