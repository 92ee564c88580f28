#include "search/snippet.h"

#include <algorithm>
#include <utility>

namespace chronos {
namespace {

struct Word {
  size_t begin;
  size_t end;
  size_t term;
};

// A stretch of a text.
struct Window {
  size_t begin = 0;
  size_t end = 0;
  size_t terms = 0;  // different ones
  size_t words = 0;
  bool is_better_than(const Window& other) const {
    return terms != other.terms ? terms > other.terms : words > other.words;
  }
};

std::vector<Word> words_of(Analyzer& analyzer, std::string_view text, const std::vector<std::string>& wanted) {
  Terms terms;
  analyzer.add(text, terms);
  std::vector<Word> words;
  for (size_t i = 0; i < terms.size(); i++) {
    const auto term = std::find(wanted.begin(), wanted.end(), terms[i]);
    if (term == wanted.end()) continue;
    const Word word{terms.begin(i), terms.end(i), static_cast<size_t>(term - wanted.begin())};
    if (words.empty() || words.back().end < word.begin) {
      words.push_back(word);
    } else {
      words.back().end = std::max(words.back().end, word.end);
    }
  }
  return words;
}

// The one with most of the terms, the first of equals.
Window best_window(const std::vector<Word>& words, size_t terms) {
  Window best;
  std::vector<size_t> counts(terms);
  size_t different = 0;
  for (size_t first = 0, last = 0; first < words.size(); first++) {
    while (last < words.size() && (last == first || words[last].end - words[first].begin <= kSnippetBytes * 2 / 3)) {
      if (counts[words[last++].term]++ == 0) different++;
    }
    const Window window{words[first].begin, words[last - 1].end, different, last - first};
    if (window.is_better_than(best)) best = window;
    if (--counts[words[first].term] == 0) different--;
  }
  return best;
}

bool is_inside_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// To both sides up to the size of a snippet, and not through the middle of a word if a space is near.
Window widened(std::string_view text, Window window) {
  constexpr size_t kNear = 24;
  const size_t room = kSnippetBytes - std::min(kSnippetBytes, window.end - window.begin);
  const size_t before = std::min(window.begin, room / 2);
  size_t begin = window.begin - before;
  size_t end = std::min(text.size(), window.end + room - before);
  if (begin > 0) {
    const size_t space = text.find(' ', begin);
    if (space < std::min(window.begin, begin + kNear)) begin = space + 1;
  }
  if (end < text.size()) {
    const size_t space = text.rfind(' ', end);
    if (space != std::string_view::npos && space >= std::max(window.end, end - std::min(end, kNear))) end = space;
  }
  while (begin > 0 && is_inside_character(text[begin])) begin--;
  while (end < text.size() && is_inside_character(text[end])) end++;
  window.begin = begin;
  window.end = end;
  return window;
}

std::string drawn(std::string_view text, const Window& window, const std::vector<Word>& words) {
  std::string line = window.begin > 0 ? "..." : "";
  const auto put = [&line](std::string_view piece) {
    for (const char c : piece) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  };
  size_t at = window.begin;
  for (const Word& word : words) {
    if (word.begin < at || word.end > window.end) continue;
    put(text.substr(at, word.begin - at));
    line += "**";
    put(text.substr(word.begin, word.end - word.begin));
    line += "**";
    at = word.end;
  }
  put(text.substr(at, window.end - at));
  if (window.end < text.size()) line += "...";
  return line;
}

}  // namespace

std::string snippet(Analyzer& analyzer, std::string_view data, const std::vector<std::string>& terms) {
  std::string text;
  Window window;
  std::vector<Word> words;
  Analyzer::for_each_string(data, [&](std::string_view each) {
    std::vector<Word> found = words_of(analyzer, each, terms);
    const Window best = best_window(found, terms.size());
    if (!best.is_better_than(window)) return;
    text = each;
    window = best;
    words = std::move(found);
  });
  return words.empty() ? std::string() : drawn(text, widened(text, window), words);
}

}  // namespace chronos
