// Embedding with a static model in a directory: model2vec's tokenizer.json and model.safetensors.
//
// A text's vector is the mean of its tokens' rows, each weighed if the model has weights: microseconds a text, nothing
// beside this process needed.  The files are mapped; they must not change while they are in use.
#pragma once

#include <memory>
#include <string>

#include "core/disk.h"
#include "core/result.h"
#include "search/embedder.h"
#include "search/safetensors.h"
#include "search/tokenizer.h"

namespace chronos {

class StaticEmbedder : public Embedder {
 public:
  // kNotFound when a file is not there, kInvalidArgument, naming the file, when it is not what it should be.
  static Result<std::unique_ptr<StaticEmbedder>> open(Disk& disk, const std::string& directory);

  // Of the content of the files, wherever they lie.
  const std::string& identity() const override { return identity_; }
  bool is_local() const override { return true; }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, EmbeddingPurpose purpose,
                                                const std::stop_token& stop) override;

 private:
  StaticEmbedder() = default;
  Result<void> read(std::string_view tokenizer, std::string_view tensors);
  std::vector<float> vector_of(std::string_view text) const;

  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string identity_;
  Tensor rows_;
  std::optional<Tensor> weights_;  // by token
  std::optional<Tensor> mapping_;  // which row a token has; its own number without
  size_t dimension_ = 0;
};

}  // namespace chronos
