#include "search/search_vectors.h"

#include <chrono>
#include <condition_variable>
#include <utility>

#include "core/check.h"
#include "search/embedded_vectors.h"

namespace chronos {
namespace {

constexpr std::chrono::milliseconds kSoon{2000};  // then a store was not opened for one command

}  // namespace

SearchVectors::SearchVectors(const Store& store, EmbedderSetting setting, SearchVectorsOptions options)
    : store_(store), setting_(std::move(setting)), options_(std::move(options)) {
  if (!has_model() || !options_.in_background) return;
  starting_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, kSoon, [] { return false; });
    if (!stop.stop_requested()) static_cast<void>(index().has_value());  // whoever asks is told
  });
}

SearchVectors::~SearchVectors() { stop(); }

void SearchVectors::stop() {
  starting_ = {};
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  if (index_ != nullptr) index_->stop();
}

// Requires: the lock.
Result<void> SearchVectors::make() {
  if (index_ != nullptr) return {};
  std::shared_ptr<VectorSource> source = std::make_shared<ClientVectors>();
  if (has_model()) {
    auto embedder = make_embedder(setting_, options_.makings);
    if (!embedder) return embedder.error();
    embedder_ = *std::move(embedder);
    std::unique_ptr<EmbeddingCache> cache;
    if (!embedder_->is_local()) {
      cache = std::make_unique<EmbeddingCache>(*options_.makings.disk, options_.embedding_directory,
                                               embedder_->identity());
    }
    source = std::make_shared<EmbeddedVectors>(embedder_, std::move(cache));
  }
  VectorIndexOptions wanted;
  wanted.directory = options_.directory;
  wanted.disk = options_.makings.disk;
  wanted.in_background = options_.in_background && !is_stopped_;
  index_ = std::make_shared<VectorIndex>(store_, std::move(source), wanted);
  return {};
}

Result<std::shared_ptr<VectorIndex>> SearchVectors::index() {
  const std::lock_guard lock(mutex_);
  if (auto made = make(); !made) return made.error();
  return index_;
}

std::shared_ptr<VectorIndex> SearchVectors::index_if_made() const {
  const std::lock_guard lock(mutex_);
  return index_;
}

Result<std::vector<float>> SearchVectors::vector_of(const std::string& query, const std::stop_token& stop) {
  CHECK(has_model());
  std::shared_ptr<Embedder> embedder;
  {
    const std::lock_guard lock(mutex_);
    if (auto made = make(); !made) return made.error();
    embedder = embedder_;
  }
  const std::vector<std::string> texts = {query};
  auto vectors = embedder->embed(texts, EmbeddingPurpose::kQuery, stop);
  if (!vectors) return vectors.error();
  if (vectors->empty() || vectors->front().empty()) {
    return Error{Code::kInvalidArgument, "the model knows no word of the query: use other words", {}};
  }
  return std::move(vectors->front());
}

}  // namespace chronos
