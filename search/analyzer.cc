// ASCII text, which most of it is, goes a byte at a time and is never decoded; a word with other characters in it is
// folded by utf8proc.  Stemming costs more than all the rest, and words come again: the stems of those met lately are
// kept.
#include "search/analyzer.h"

#include <libstemmer.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/json_walk.h"
#include "core/log_format.h"
#include "search/stop_words.h"

namespace chronos {
namespace {

constexpr int kVersion = 1;  // of what terms a text gives; part of the identity
constexpr size_t kMostStems = 65536;

bool is_ascii_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// Of characters beyond ASCII.
enum class Kind { kSpace, kWord, kPair };

// Scripts whose words are not set apart by spaces.
bool is_unspaced(int32_t c) {
  return (c >= 0x0e00 && c <= 0x0eff) ||  // Thai, Lao
         (c >= 0x1000 && c <= 0x109f) ||  // Myanmar
         (c >= 0x1780 && c <= 0x17ff) ||  // Khmer
         (c >= 0x3040 && c <= 0x30ff) ||  // Hiragana, Katakana
         (c >= 0x3400 && c <= 0x9fff) ||  // Han
         (c >= 0xf900 && c <= 0xfaff) ||  // Han, compatibility
         (c >= 0x20000 && c <= 0x3ffff);  // Han, further
}

Kind kind_of(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return is_unspaced(c) ? Kind::kPair : Kind::kWord;
    default: return Kind::kSpace;
  }
}

// Decodes the character at the front; what is no UTF-8 is a byte of space.
int32_t decode(std::string_view text, size_t& size) {
  int32_t c = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &c);
  size = length > 0 ? static_cast<size_t>(length) : 1;
  return length > 0 ? c : ' ';
}

Kind kind_at(std::string_view text, size_t& size) {
  size = 1;
  if (is_ascii(text.front())) return is_ascii_word(text.front()) ? Kind::kWord : Kind::kSpace;
  return kind_of(decode(text, size));
}

// At most kMostBytes of it, whole characters.
std::string_view cut(std::string_view word) {
  if (word.size() <= Terms::kMostBytes) return word;
  size_t end = Terms::kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) end--;
  return word.substr(0, end);
}

bool is_all_ascii(std::string_view text) { return std::all_of(text.begin(), text.end(), is_ascii); }

}  // namespace

Result<std::unique_ptr<Analyzer>> Analyzer::make(const AnalyzerOptions& options) {
  std::unique_ptr<Analyzer> made(new Analyzer(options));
  if (options.language == "none") return made;
  made->stemmer_ = sb_stemmer_new(options.language.c_str(), "UTF_8");
  if (made->stemmer_ != nullptr) return made;
  std::string known = "none";
  for (const char** name = sb_stemmer_list(); *name != nullptr; name++) known += std::string(", ") + *name;
  return Error{Code::kInvalidArgument, "unknown language '" + options.language + "' for search; known: " + known, {}};
}

Analyzer::~Analyzer() { sb_stemmer_delete(stemmer_); }

std::string Analyzer::identity() const {
  std::string identity = std::to_string(kVersion) + "/" + options_.language;
  if (!options_.drops_stop_words) identity += "/all";
  std::string choices;
  for (const std::string& word : options_.stop_words) choices += word + '\n';
  if (!choices.empty()) identity += "/without-" + std::to_string(hash_bytes(choices));
  if (!options_.fields.empty()) identity += "/of-" + std::to_string(hash_bytes(options_.fields.text()));
  return identity;
}

void Analyzer::add(std::string_view text, Terms& to) {
  for (size_t at = 0; at < text.size();) {
    size_t size = 0;
    const Kind kind = kind_at(text.substr(at), size);
    size_t end = at + size;
    if (kind != Kind::kSpace) {
      while (end < text.size() && kind_at(text.substr(end), size) == kind) end += size;
      const std::string_view run = text.substr(at, end - at);
      word_begin_ = static_cast<uint32_t>(at);
      word_end_ = static_cast<uint32_t>(end);
      kind == Kind::kWord ? add_word(run, to) : add_pairs(run, to);
    }
    at = end;
  }
}

void Analyzer::add(const Event& event, Terms& to) {
  options_.fields.for_each(event, [&](std::string_view json) {
    for_each_string(json, [&](std::string_view text) {
      add(text, to);
      to.places_++;
    });
  });
  add(event.type(), to);
  to.places_++;
  add(event.stream(), to);
  to.places_++;
  event.for_each_tag([&](std::string_view tag) {
    add(tag, to);
    to.places_++;
  });
}

void Analyzer::for_each_string(std::string_view json, const std::function<void(std::string_view)>& visit) {
  switch (json.front()) {
    case '"':
      if (is_plain_string(json)) {
        visit(json.substr(1, json.size() - 2));
      } else {
        visit(unescape_json(json));
      }
      return;
    case '{': {
      JsonWalk walk(ValidJson::trusted(json));
      walk.enter();
      for (std::string_view key; walk.next_member(key);) for_each_string(walk.take(), visit);
      return;
    }
    case '[': {
      JsonWalk walk(ValidJson::trusted(json));
      walk.enter();
      while (walk.next_element()) for_each_string(walk.take(), visit);
      return;
    }
    default: return;
  }
}

void Analyzer::add_word(std::string_view word, Terms& to) {
  const uint32_t place = to.places_;
  put(fold(cut(word)), place, to);
  add_cased(word, to);
  to.places_ = std::max(to.places_, place + 1);
}

// The parts of a word in two cases: "getUserID2" has get, User, ID2; "HTTPServer" has HTTP, Server.
void Analyzer::add_cased(std::string_view word, Terms& to) {
  const auto begins_part = [word](size_t i) {
    if (!is_upper(word[i])) return false;
    return is_lower(word[i - 1]) || (i + 1 < word.size() && is_upper(word[i - 1]) && is_lower(word[i + 1]));
  };
  size_t begin = 0;
  for (size_t i = 1; i <= word.size(); i++) {
    const bool is_end = i == word.size();
    if (is_end ? begin == 0 : !begins_part(i)) continue;
    put(fold(cut(word.substr(begin, i - begin))), to.places_++, to);
    begin = i;
  }
}

void Analyzer::add_pairs(std::string_view run, Terms& to) {
  size_t first_size = 0;
  decode(run, first_size);
  const uint32_t run_begin = word_begin_;
  if (first_size == run.size()) return put(fold(run), to.places_++, to);
  for (size_t at = 0; at + first_size < run.size();) {
    size_t second_size = 0;
    decode(run.substr(at + first_size), second_size);
    word_begin_ = run_begin + static_cast<uint32_t>(at);
    word_end_ = word_begin_ + static_cast<uint32_t>(first_size + second_size);
    put(fold(run.substr(at, first_size + second_size)), to.places_++, to);
    at += first_size;
    first_size = second_size;
  }
}

std::string_view Analyzer::fold(std::string_view word) {
  if (is_all_ascii(word)) {
    folded_.assign(word);
    for (char& c : folded_) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    return folded_;
  }
  utf8proc_uint8_t* made = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(word.data()),
                                 static_cast<utf8proc_ssize_t>(word.size()), &made, options);
  folded_.assign(size > 0 ? std::string_view(reinterpret_cast<const char*>(made), static_cast<size_t>(size)) : word);
  std::free(made);
  folded_.resize(cut(folded_).size());
  return folded_;
}

std::string_view Analyzer::stem(std::string_view folded) {
  if (stemmer_ == nullptr || folded.size() < 3) return folded;
  if (is_ascii(folded.front()) && !is_lower(folded.front())) return folded;  // a number
  const auto known = stems_.find(folded);
  if (known != stems_.end()) return known->second;
  if (stems_.size() >= kMostStems) stems_.clear();
  const sb_symbol* made =
      sb_stemmer_stem(stemmer_, reinterpret_cast<const sb_symbol*>(folded.data()), static_cast<int>(folded.size()));
  std::string stemmed(folded);
  if (made != nullptr && sb_stemmer_length(stemmer_) > 0) {
    stemmed.assign(reinterpret_cast<const char*>(made), static_cast<size_t>(sb_stemmer_length(stemmer_)));
  }
  return stems_.emplace(folded, std::move(stemmed)).first->second;
}

bool Analyzer::is_dropped(std::string_view folded) const {
  if (!options_.drops_stop_words) return false;
  if (!options_.stop_words.empty()) return options_.stop_words.contains(folded);
  return options_.language == "english" && is_stop_word(folded);
}

void Analyzer::put(std::string_view folded, uint32_t place, Terms& to) {
  if (folded.empty()) return;
  if (is_dropped(folded)) return;
  const std::string_view term = stem(folded);
  to.terms_.push_back({static_cast<uint32_t>(to.bytes_.size()), static_cast<uint32_t>(term.size()), place, word_begin_,
                       word_end_});
  to.bytes_ += term;
}

}  // namespace chronos
