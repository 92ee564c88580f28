// WordPiece: the longest piece at the beginning of a word, then the longest at what is left, marked as going on; a word
// of which something is left is unknown as a whole (Schuster and Nakajima, 2012; as BERT does it).
//
// Unigram: of all ways to cut a text into pieces the one with the highest sum of scores (Kudo, 2018), by Viterbi's
// algorithm: for each place the best way there.  A character that no piece has costs more than any piece.
#include "search/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/log.h"
#include "core/valid_json.h"
#include "search/json_fields.h"

namespace chronos {
namespace {

constexpr uint64_t kMostTokens = uint64_t{1} << 22;
constexpr size_t kMostPiece = 1024;  // bytes
constexpr float kUnknownCost = 10;   // below the lowest score

Error wrong(const std::string& what) { return {Code::kInvalidArgument, "tokenizer: " + what, {}}; }

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::parse(std::string_view json) {
  std::string padded(json);
  padded.append(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(padded).substr(0, json.size()), 64);
  if (!checked) return wrong("it is no JSON: " + checked.error().message);
  const std::string_view text = checked->text();
  std::unique_ptr<Tokenizer> made(new Tokenizer());
  auto normalizers = read_normalizers(json_member(text, "normalizer").value_or("null"));
  if (!normalizers) return normalizers.error();
  made->normalizers_ = *std::move(normalizers);
  auto pretokenizers = read_pretokenizers(json_member(text, "pre_tokenizer").value_or("null"));
  if (!pretokenizers) return pretokenizers.error();
  made->pretokenizers_ = *std::move(pretokenizers);
  const auto model = json_member(text, "model");
  const std::string type = json_text(json_member(model, "type")).value_or("");
  Result<void> read = wrong("the model '" + type + "' is not known here: it must be WordPiece or Unigram");
  if (type == "WordPiece") read = made->read_wordpiece(*model);
  if (type == "Unigram") read = made->read_unigram(*model);
  if (!read) return read.error();
  if (made->size_ == 0) return wrong("the vocabulary is empty");
  return made;
}

// False for what cannot be.
bool Tokenizer::add(std::string_view text, uint64_t token, double score) {
  if (token >= kMostTokens || text.size() > kMostPiece || !std::isfinite(score)) return false;
  size_ = std::max(size_, static_cast<uint32_t>(token) + 1);
  if (!text.empty()) pieces_.add(text, static_cast<uint32_t>(token), static_cast<float>(score));
  return true;
}

Result<void> Tokenizer::read_wordpiece(std::string_view model) {
  prefix_ = json_text(json_member(model, "continuing_subword_prefix")).value_or("##");
  longest_word_ = json_count(json_member(model, "max_input_chars_per_word")).value_or(100);
  const auto unknown = json_text(json_member(model, "unk_token"));
  const auto vocabulary = json_member(model, "vocab");
  const bool all = for_each_json_member(vocabulary, [&](std::string_view text, std::string_view value) {
    const auto token = json_count(value);
    if (!token || !add(text, *token, 0)) return false;
    if (text == unknown) unknown_ = static_cast<uint32_t>(*token);
    return true;
  });
  if (!all) return wrong("the vocabulary of a WordPiece model must be an object of texts and their numbers");
  return {};
}

Result<void> Tokenizer::read_unigram(std::string_view model) {
  is_unigram_ = true;
  if (const auto unknown = json_count(json_member(model, "unk_id")); unknown && *unknown < kMostTokens) {
    unknown_ = static_cast<uint32_t>(*unknown);
  }
  uint64_t token = 0;
  double lowest = 0;
  const auto vocabulary = json_member(model, "vocab");
  const bool all = for_each_json_element(vocabulary, [&](std::string_view entry) {
    std::optional<std::string> text;
    std::optional<double> score;
    size_t fields = 0;
    for_each_json_element(entry, [&](std::string_view value) {
      if (fields == 0) text = json_text(value);
      if (fields == 1) score = json_number(value);
      return ++fields <= 2;
    });
    if (fields != 2 || !text || !score) return false;
    lowest = std::min(lowest, *score);
    return add(*text, token++, *score);
  });
  if (!all) return wrong("the vocabulary of a Unigram model must be a list of texts with their scores");
  unknown_score_ = static_cast<float>(lowest) - kUnknownCost;
  return {};
}

std::vector<uint32_t> Tokenizer::tokens(std::string_view text, size_t most) const {
  std::vector<uint32_t> found;
  for (const std::string& word : pretokenized(normalized(text, normalizers_), pretokenizers_)) {
    if (found.size() >= most) break;
    if (is_unigram_) {
      add_unigram(word, found);
    } else {
      add_wordpiece(word, found);
    }
  }
  std::erase(found, unknown_);
  if (found.size() > most) found.resize(most);
  return found;
}

void Tokenizer::add_wordpiece(std::string_view word, std::vector<uint32_t>& to) const {
  const auto characters = static_cast<size_t>(std::count_if(word.begin(), word.end(), begins_character));
  if (characters > longest_word_) return;
  const size_t before = to.size();
  for (size_t begin = 0; begin < word.size();) {
    uint64_t hash = TokenPieces::start(begin == 0 ? std::string_view() : std::string_view(prefix_));
    size_t end = begin;
    uint32_t token = TokenPieces::kNone;
    for (size_t i = begin; i < word.size(); i++) {
      const TokenPieces::Piece* const piece = pieces_.step(hash, word[i]);
      if (piece == nullptr) break;
      if (piece->token == TokenPieces::kNone) continue;
      token = piece->token;
      end = i + 1;
    }
    if (token == TokenPieces::kNone) {
      to.resize(before);
      return;
    }
    to.push_back(token);
    begin = end;
  }
}

void Tokenizer::add_unigram(std::string_view word, std::vector<uint32_t>& to) const {
  struct Best {
    float score = -std::numeric_limits<float>::infinity();
    uint32_t token = TokenPieces::kNone;  // that ends here
    size_t from = 0;                      // where it begins
  };
  std::vector<Best> best(word.size() + 1);
  best[0].score = 0;
  const auto offer = [&best](size_t from, size_t end, float score, uint32_t token) {
    const float sum = best[from].score + score;
    if (sum > best[end].score) best[end] = {sum, token, from};
  };
  for (size_t begin = 0; begin < word.size(); begin++) {
    if (!begins_character(word[begin]) && begin > 0) continue;
    size_t next = begin + 1;
    while (next < word.size() && !begins_character(word[next])) next++;
    offer(begin, next, unknown_score_, TokenPieces::kNone);
    uint64_t hash = TokenPieces::start();
    for (size_t i = begin; i < word.size(); i++) {
      const TokenPieces::Piece* const piece = pieces_.step(hash, word[i]);
      if (piece == nullptr) break;
      const bool ends_character = i + 1 == word.size() || begins_character(word[i + 1]);
      if (piece->token != TokenPieces::kNone && ends_character) offer(begin, i + 1, piece->score, piece->token);
    }
  }
  const size_t before = to.size();
  for (size_t end = word.size(); end > 0; end = best[end].from) {
    if (best[end].token != TokenPieces::kNone) to.push_back(best[end].token);
  }
  std::reverse(to.begin() + static_cast<std::ptrdiff_t>(before), to.end());
}

}  // namespace chronos
