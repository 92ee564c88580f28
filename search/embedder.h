// A model that makes a vector of a text.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"

namespace chronos {

enum class EmbeddingPurpose { kDocument, kQuery };

// Any thread.
class Embedder {
 public:
  virtual ~Embedder() = default;

  // Of the model and how it is asked: vectors of embedders with the same identity can be compared.
  virtual const std::string& identity() const = 0;
  // Whether it works in this process, in microseconds: others may be slow, cost money, or be down.
  virtual bool is_local() const = 0;
  // A vector for each text, in order; an empty one for a text the model can make nothing of.  All have one dimension.
  virtual Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                                        const std::stop_token& stop) = 0;
};

}  // namespace chronos
