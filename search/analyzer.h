// Text as terms: what search finds events by.
//
// A word is a run of letters, marks and digits (Unicode general categories L, M, N), case folded (NFKC_Casefold,
// Unicode Standard Annex 31) and stemmed (Snowball).  A word written in two cases, as getUserName, is a term and its
// parts are terms too.  Scripts written without spaces - Han, Kana, Thai, Lao, Khmer, Myanmar - give pairs of
// neighbouring characters.  Words that say nothing ("the", "of") give no term, but keep their place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "search/event_fields.h"

struct sb_stemmer;

namespace chronos {

// The terms of a text, in order.  Kept for its memory.
class Terms {
 public:
  static constexpr size_t kMostBytes = 64;  // of a term; longer words are cut

  size_t size() const { return terms_.size(); }
  bool empty() const { return terms_.empty(); }
  std::string_view operator[](size_t i) const { return {bytes_.data() + terms_[i].at, terms_[i].size}; }
  // Words before it in the text, those that give no term counted.
  uint32_t place(size_t i) const { return terms_[i].place; }
  // The word it was made of: where it begins in the text that was added last, and ends.
  uint32_t begin(size_t i) const { return terms_[i].begin; }
  uint32_t end(size_t i) const { return terms_[i].end; }
  void clear() {
    bytes_.clear();
    terms_.clear();
    places_ = 0;
  }

 private:
  friend class Analyzer;
  struct Term {
    uint32_t at;
    uint32_t size;
    uint32_t place;
    uint32_t begin;
    uint32_t end;
  };
  std::string bytes_;
  std::vector<Term> terms_;
  uint32_t places_ = 0;
};

struct AnalyzerOptions {
  std::string language = "english";  // one of Snowball's, or "none"
  bool drops_stop_words = true;      // English ones, with that language only
  std::set<std::string, std::less<>> stop_words = {};  // in place of those, with any language; folded
  EventFields fields = {};                             // of data that are indexed

  bool operator==(const AnalyzerOptions& other) const {
    return language == other.language && drops_stop_words == other.drops_stop_words &&
           stop_words == other.stop_words && fields.text() == other.fields.text();
  }
};

// One thread.
class Analyzer {
 public:
  // kInvalidArgument, naming the known ones, for an unknown language.
  static Result<std::unique_ptr<Analyzer>> make(const AnalyzerOptions& options);
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  // Indexes that were made by analyzers of the same identity have the same terms.
  std::string identity() const;

  // Adds those of the text.  Requires: valid UTF-8.
  void add(std::string_view text, Terms& to);
  // Of what is indexed of an event: the strings in its data, its type, its stream and its tags.  A place is left free
  // between them, so that no phrase reaches from one into the next.
  void add(const Event& event, Terms& to);

  // Visits each string that a JSON value has, keys left out, without escapes.
  static void for_each_string(std::string_view json, const std::function<void(std::string_view)>& visit);

 private:
  explicit Analyzer(const AnalyzerOptions& options) : options_(options) {}
  void add_word(std::string_view word, Terms& to);
  void add_pairs(std::string_view run, Terms& to);
  void add_cased(std::string_view word, Terms& to);
  void put(std::string_view folded, uint32_t place, Terms& to);
  bool is_dropped(std::string_view folded) const;
  std::string_view stem(std::string_view folded);
  std::string_view fold(std::string_view word);

  const AnalyzerOptions options_;
  sb_stemmer* stemmer_ = nullptr;
  struct HashOfText {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::string, HashOfText, std::equal_to<>> stems_;  // of words met lately
  uint32_t word_begin_ = 0;  // in the text, of the word that is taken apart
  uint32_t word_end_ = 0;
  std::string folded_;
};

}  // namespace chronos
