// A text as the tokens of an embedding model, as its tokenizer.json says.
//
// Of what the format (huggingface.co/docs/tokenizers) has, this reads what static models use: WordPiece and Unigram
// vocabularies, and the normalizers and pre-tokenizers that come with them.  What it does not know it refuses, since
// other tokens would be other vectors.  Tokens for unknown words are left out: such models have nothing for them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "search/token_pieces.h"
#include "search/tokenizer_steps.h"

namespace chronos {

class Tokenizer {
 public:
  // kInvalidArgument, with what is wrong.
  static Result<std::unique_ptr<Tokenizer>> parse(std::string_view json);
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // The first `most` tokens, in order.  Any thread.  Any bytes are taken; what is no UTF-8 counts as unknown.
  std::vector<uint32_t> tokens(std::string_view text, size_t most) const;
  // One more than the largest token.
  uint32_t size() const { return size_; }

 private:
  Tokenizer() = default;
  Result<void> read_wordpiece(std::string_view model);
  Result<void> read_unigram(std::string_view model);
  bool add(std::string_view text, uint64_t token, double score);
  void add_wordpiece(std::string_view word, std::vector<uint32_t>& to) const;
  void add_unigram(std::string_view word, std::vector<uint32_t>& to) const;

  std::vector<TokenizerStep> normalizers_;
  std::vector<TokenizerStep> pretokenizers_;
  TokenPieces pieces_;
  bool is_unigram_ = false;
  uint32_t size_ = 0;
  uint32_t unknown_ = TokenPieces::kNone;  // the token that is left out
  std::string prefix_;           // WordPiece: of what is not the beginning of a word
  size_t longest_word_ = 100;    // WordPiece: characters; longer ones are unknown
  float unknown_score_ = -10;    // Unigram: of a character that no piece has
};

}  // namespace chronos
