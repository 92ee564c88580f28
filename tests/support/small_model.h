// Static embedding models of a few words, as the files they are read from.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "tests/support/catch.h"

namespace chronos::test {

// Words that can be told apart, and pieces.
inline constexpr std::string_view kWordPieceTokenizer = R"({
  "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                 "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 12,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "cat": 2, "dog": 3, "##s": 4, "##fish": 5, "cafe": 6, ",": 7,
                      "\u4e2d": 8, "house": 9}}})";

inline constexpr std::string_view kUnigramTokenizer = R"({
  "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAAA"},
                 {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
  "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true},
  "model": {"type": "Unigram", "unk_id": 0,
            "vocab": [["<unk>", 0], ["\u2581cat", -2], ["\u2581c", -3], ["at", -3], ["\u2581", -4], ["dog", -5],
                      ["\u2581dog", -3], ["s", -2]]}})";

// One tensor, by its bytes as they are.
struct SmallTensor {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
  std::string bytes;
};

template <typename T>
std::string tensor_bytes(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

inline std::string safetensors_file(const std::vector<SmallTensor>& tensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}";
  std::string data;
  for (const SmallTensor& tensor : tensors) {
    header += ",\"" + tensor.name + "\":{\"dtype\":\"" + tensor.type + "\",\"shape\":[";
    for (size_t i = 0; i < tensor.shape.size(); i++) header += (i > 0 ? "," : "") + std::to_string(tensor.shape[i]);
    header += "],\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + tensor.bytes.size()) + "]}";
    data += tensor.bytes;
  }
  header += "}";
  const uint64_t size = header.size();
  std::string file(sizeof size, '\0');
  std::memcpy(file.data(), &size, sizeof size);
  return file + header + data;
}

// Each token's row has 1 at its own place and half of it at the next.
inline std::vector<float> small_rows(size_t rows, size_t dimension) {
  std::vector<float> all(rows * dimension);
  for (size_t row = 0; row < rows; row++) {
    all[row * dimension + row % dimension] = 1;
    all[row * dimension + (row + 1) % dimension] = 0.5F;
  }
  return all;
}

inline void write_file(Disk& disk, const std::string& path, std::string_view bytes) {
  auto file = disk.open(path, OpenMode::kCreate);
  REQUIRE(file);
  const std::string_view parts[] = {bytes};
  REQUIRE((*file)->write(0, parts));
  REQUIRE((*file)->sync());
}

// A model of the WordPiece words above, 8 numbers a vector.
inline void write_small_model(Disk& disk, const std::string& directory) {
  REQUIRE(disk.create_directories(directory));
  write_file(disk, directory + "/tokenizer.json", kWordPieceTokenizer);
  write_file(disk, directory + "/model.safetensors",
             safetensors_file({{"embeddings", "F32", {10, 8}, tensor_bytes(small_rows(10, 8))}}));
}

}  // namespace chronos::test
