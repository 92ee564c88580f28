#include "search/static_embedder.h"

#include <array>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "core/log_format.h"
#include "search/vector_segment.h"

namespace chronos {
namespace {

constexpr size_t kMostTokens = 512;      // as model2vec does
constexpr size_t kMostText = 16384;  // bytes; more than so many tokens

std::string_view beginning(std::string_view text) {
  if (text.size() <= kMostText) return text;
  size_t end = kMostText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;
  return text.substr(0, end);
}

}  // namespace

Result<std::unique_ptr<StaticEmbedder>> StaticEmbedder::open(Disk& disk, const std::string& directory) {
  std::unique_ptr<StaticEmbedder> made(new StaticEmbedder());
  const auto missing = [&directory](const char* file, const Error& error) {
    return Error{error.code == Code::kNotFound ? Code::kNotFound : Code::kInvalidArgument,
                 "the model directory '" + directory + "' needs tokenizer.json and model.safetensors, and " + file +
                     " cannot be read: " + error.message,
                 {}};
  };
  auto tokenizer = disk.map(directory + "/tokenizer.json");
  if (!tokenizer) return missing("tokenizer.json", tokenizer.error());
  auto tensors = disk.map(directory + "/model.safetensors");
  if (!tensors) return missing("model.safetensors", tensors.error());
  made->file_ = *std::move(tensors);
  auto done = made->read((*tokenizer)->bytes(), made->file_->bytes());
  if (!done) return Error{done.error().code, "the model in '" + directory + "': " + done.error().message, {}};
  return made;
}

Result<void> StaticEmbedder::read(std::string_view tokenizer, std::string_view tensors) {
  auto parsed = Tokenizer::parse(tokenizer);
  if (!parsed) return parsed.error();
  tokenizer_ = *std::move(parsed);
  auto file = SafeTensors::parse(tensors);
  if (!file) return file.error();
  const auto wrong = [](const std::string& what) { return Error{Code::kInvalidArgument, "safetensors: " + what, {}}; };
  const Tensor* rows = file->find("embeddings");
  if (rows == nullptr) rows = file->find("embedding.weight");
  if (rows == nullptr || rows->shape.size() != 2) return wrong("there is no tensor 'embeddings' of two dimensions");
  if (rows->shape[0] == 0 || rows->shape[1] == 0 || rows->shape[1] > VectorSegment::kMostDimension) {
    return wrong("vectors have 1 to " + std::to_string(VectorSegment::kMostDimension) + " numbers, not " +
                 std::to_string(rows->shape[1]));
  }
  rows_ = *rows;
  dimension_ = rows->shape[1];
  for (auto [name, kept] : {std::pair{"weights", &weights_}, std::pair{"mapping", &mapping_}}) {
    const Tensor* const found = file->find(name);
    if (found == nullptr) continue;
    if (found->shape.size() != 1) return wrong(std::string("tensor '") + name + "' must have one dimension");
    *kept = *found;
  }
  const uint64_t known = mapping_ ? mapping_->numbers() : rows_.shape[0];
  if (known < tokenizer_->size()) {
    return wrong("there are vectors for " + std::to_string(known) + " tokens, and the tokenizer has " +
                 std::to_string(tokenizer_->size()));
  }
  std::array<char, 64> name;
  std::snprintf(name.data(), name.size(), "static:%016" PRIx64 "%016" PRIx64 "/%zu", hash_bytes(tokenizer),
                hash_bytes(tensors), dimension_);
  identity_ = name.data();
  return {};
}

std::vector<float> StaticEmbedder::vector_of(std::string_view text) const {
  std::vector<float> sum(dimension_);
  std::vector<float> row(dimension_);
  size_t taken = 0;
  for (const uint32_t token : tokenizer_->tokens(beginning(text), kMostTokens)) {
    uint64_t number = token;
    if (mapping_) {
      const float mapped = mapping_->number(token);
      if (!(mapped >= 0) || mapped >= static_cast<float>(rows_.shape[0])) continue;
      number = static_cast<uint64_t>(mapped);
    }
    if (number >= rows_.shape[0]) continue;
    const float weight = weights_ && token < weights_->numbers() ? weights_->number(token) : 1.0F;
    rows_.copy(number * dimension_, dimension_, row.data());
    for (size_t i = 0; i < dimension_; i++) sum[i] += row[i] * weight;
    taken++;
  }
  if (taken == 0) return {};
  for (float& x : sum) {
    x /= static_cast<float>(taken);
    if (!std::isfinite(x)) return {};
  }
  return sum;
}

Result<std::vector<std::vector<float>>> StaticEmbedder::embed(std::span<const std::string> texts,
                                                              EmbeddingPurpose /*purpose*/,
                                                              const std::stop_token& /*stop*/) {
  std::vector<std::vector<float>> vectors;
  vectors.reserve(texts.size());
  for (const std::string& text : texts) vectors.push_back(vector_of(text));
  return vectors;
}

}  // namespace chronos
