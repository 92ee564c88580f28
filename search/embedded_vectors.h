// The vectors that a model makes of events' texts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "search/embedder.h"
#include "search/embedding_cache.h"
#include "search/vector_source.h"

namespace chronos {

struct EmbeddedVectorsOptions {
  size_t batch = 64;             // texts asked for at once
  size_t most_text = 16384;  // bytes of an event's text that are given
};

// Keeps what a model that is not local made in a cache, batch by batch, before it is told of.
class EmbeddedVectors : public VectorSource {
 public:
  // `cache` may be null; used only for a model that is not local.
  EmbeddedVectors(std::shared_ptr<Embedder> embedder, std::unique_ptr<EmbeddingCache> cache,
                  const EmbeddedVectorsOptions& options = {})
      : embedder_(std::move(embedder)), cache_(std::move(cache)), options_(options) {}

  const std::string& identity() const override { return embedder_->identity(); }
  bool is_prompt() const override { return embedder_->is_local(); }
  Result<void> take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                    const std::stop_token& stop) override;
  Embedder& embedder() const { return *embedder_; }

 private:
  Result<void> take_batch(const std::vector<std::string>& texts, VectorSegmentBuilder& builder,
                          const std::stop_token& stop);

  const std::shared_ptr<Embedder> embedder_;
  const std::unique_ptr<EmbeddingCache> cache_;
  const EmbeddedVectorsOptions options_;
};

}  // namespace chronos
