// The events and queries search is measured with: messages of about 21 words, with type and stream about 24 terms, and
// queries made of words that stand together in one of them.
//
// A function of the number alone, so that every program, in whatever order, sees the same, and none has to keep it in
// memory.  Words are drawn as words of a language are once those that say nothing are gone: of 50,000, the r-th with a
// likelihood of 1 / (r + 20) (Zipf and Mandelbrot).  All end in a vowel that no stemmer takes away: every engine has
// the same terms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"

namespace chronos::bench {

inline constexpr size_t kSearchQueries = 1000;  // of each kind

class SearchWorkload {
 public:
  explicit SearchWorkload(size_t events);

  size_t events() const { return events_; }
  struct Message {
    std::string stream;
    std::string type;
    std::string text;
    // What an engine that knows no fields is given: its terms are those that Chronos has of the event.
    std::string all() const { return text + " " + type + " " + stream; }
  };
  // The i-th, from 0 on; there are more behind the last one.
  Message message(size_t i) const;

  enum class Kind { kFull, kShort };  // 6.6 words on average; up to 3
  std::vector<std::string> queries(Kind kind, size_t count) const;

  // events.txt, full.txt and short.txt, one a line.
  void write(const std::string& directory, size_t queries) const;

 private:
  const std::string& any_word(Dice& dice) const;
  std::vector<size_t> words_of(size_t i) const;
  size_t draw(Dice& dice) const;

  const size_t events_;
  std::vector<double> cumulative_;
  std::vector<std::string> vocabulary_;
};

inline std::string_view name_of(SearchWorkload::Kind kind) {
  return kind == SearchWorkload::Kind::kFull ? "full" : "short";
}

}  // namespace chronos::bench
