// What a tokenizer does to a text before it looks up words: normalizers change it, pre-tokenizers cut it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

struct TokenizerStep {
  enum class Kind {
    // normalizers
    kBert,
    kLowercase,
    kCompose,    // NFC, NFKC, and the tables of SentencePiece, which are NFKC but for details
    kDecompose,  // NFD, NFKD
    kStripAccents,
    kReplace,         // `from` by `to`
    kReplaceSpaces,   // each run of them by `to`
    kReplaceDoubles,  // the same of two and more
    kPrepend,         // `to`
    kStrip,
    // pre-tokenizers
    kBertWords,  // at spaces; each punctuation mark alone
    kSpaces,     // at spaces
    kWordRuns,   // runs of letters, digits and '_', and runs of others
    kMetaspace,  // spaces become `to`
  };
  Kind kind = Kind::kSpaces;
  std::string from;
  std::string to;
  bool is_compatible = false;  // kCompose, kDecompose: NFKC, NFKD
  // kBert
  bool cleans = false;
  bool parts_ideographs = false;
  bool strips_accents = false;
  bool lowers = false;
  // kStrip
  bool left = false;
  bool right = false;
  // kMetaspace
  enum class Prepend { kNever, kFirst, kAlways };
  Prepend prepend = Prepend::kNever;
  bool splits = false;
};

// The value of "normalizer" or "pre_tokenizer" of a tokenizer.json: null is none.  kInvalidArgument for what is not
// known.  Requires: checked JSON.
Result<std::vector<TokenizerStep>> read_normalizers(std::string_view json);
Result<std::vector<TokenizerStep>> read_pretokenizers(std::string_view json);

// Of any bytes; what is no UTF-8 becomes U+FFFD.
std::string normalized(std::string_view text, const std::vector<TokenizerStep>& steps);
std::vector<std::string> pretokenized(std::string_view text, const std::vector<TokenizerStep>& steps);

}  // namespace chronos
