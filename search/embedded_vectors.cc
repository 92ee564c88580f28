#include "search/embedded_vectors.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "search/event_text.h"

namespace chronos {

Result<void> EmbeddedVectors::take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                                   const std::stop_token& stop) {
  for (uint64_t begin = from.value; begin < to.value;) {
    if (stop.stop_requested()) return Error{Code::kUnavailable, "embedding was stopped", {}};
    const uint64_t end = std::min(to.value, begin + options_.batch);
    std::vector<std::string> texts;
    for (uint64_t position = begin + 1; position <= end; position++) {
      texts.push_back(event_text(view.at(Position{position}), options_.most_text));
    }
    if (auto done = take_batch(texts, builder, stop); !done) return done;
    begin = end;
  }
  return {};
}

Result<void> EmbeddedVectors::take_batch(const std::vector<std::string>& texts, VectorSegmentBuilder& builder,
                                         const std::stop_token& stop) {
  std::vector<std::optional<std::vector<float>>> vectors(texts.size());
  std::vector<std::string> missing;
  std::vector<size_t> places;
  for (size_t i = 0; i < texts.size(); i++) {
    if (cache_ != nullptr) vectors[i] = cache_->find(texts[i]);
    if (vectors[i]) continue;
    missing.push_back(texts[i]);
    places.push_back(i);
  }
  if (!missing.empty()) {
    auto made = embedder_->embed(missing, EmbeddingPurpose::kDocument, stop);
    if (!made) return made.error();
    if (made->size() != missing.size()) {
      return Error{Code::kInternal, "the model made " + std::to_string(made->size()) + " vectors of " +
                                        std::to_string(missing.size()) + " texts", {}};
    }
    std::vector<EmbeddingCache::Made> kept;
    kept.reserve(missing.size());
    for (size_t i = 0; i < missing.size(); i++) kept.push_back({missing[i], (*made)[i]});
    if (cache_ != nullptr) {
      if (auto put = cache_->put(kept); !put) return put;
    }
    for (size_t i = 0; i < missing.size(); i++) vectors[places[i]] = std::move((*made)[i]);
  }
  for (const auto& vector : vectors) {
    if (vector->empty() || vector->size() > VectorSegment::kMostDimension) {
      builder.add_none();
    } else {
      builder.add(*vector);
    }
  }
  return {};
}

}  // namespace chronos
