#include "search/tokenizer_steps.h"

#include <utf8proc.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "search/json_fields.h"

namespace chronos {
namespace {

using Step = TokenizerStep;
constexpr int kMostNested = 8;
constexpr size_t kMostSteps = 256;
constexpr size_t kMostText = 64;

// --- characters ---

using CodePoint = utf8proc_int32_t;

// The character at the front, which is taken away; U+FFFD for a byte that is none.
CodePoint take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  CodePoint c = first;
  utf8proc_ssize_t size = 1;
  if (first >= 0x80) {
    size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                            static_cast<utf8proc_ssize_t>(text.size()), &c);
    if (size < 1) {
      size = 1;
      c = 0xFFFD;
    }
  }
  text.remove_prefix(static_cast<size_t>(size));
  return c;
}

void put_character(std::string& to, CodePoint c) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(c, bytes);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool is_space(CodePoint c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  const auto category = utf8proc_category(c);
  return c == 0x85 || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool is_control(CodePoint c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CS ||
         category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CN;
}

bool is_punctuation(CodePoint c) {
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  const auto category = utf8proc_category(c);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_word(CodePoint c) {
  if (c == '_') return true;
  const auto category = utf8proc_category(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

// As BERT has them.
bool is_ideograph(CodePoint c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_all_ascii(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0x80) != 0) return false;
  }
  return true;
}

std::string mapped(std::string text, int options) {
  if (is_all_ascii(text)) return text;
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &made,
                                 static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE));
  if (size >= 0) text.assign(reinterpret_cast<const char*>(made), static_cast<size_t>(size));
  std::free(made);
  return text;
}

std::string without_accents(std::string text) {
  return mapped(std::move(text), UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK);
}

std::string lowered(std::string_view text) {
  std::string to;
  to.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = take_character(text);
    if (c < 0x80) {
      to += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    } else {
      put_character(to, utf8proc_tolower(c));
    }
  }
  return to;
}

// --- normalizers ---

std::string as_bert(std::string_view text, const Step& step) {
  std::string to;
  to.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = take_character(text);
    if (step.cleans && (c == 0 || c == 0xFFFD || is_control(c))) continue;
    if (step.cleans && is_space(c)) {
      to += ' ';
    } else if (step.parts_ideographs && is_ideograph(c)) {
      to += ' ';
      put_character(to, c);
      to += ' ';
    } else {
      put_character(to, c);
    }
  }
  if (step.strips_accents) to = without_accents(std::move(to));
  return step.lowers ? lowered(to) : to;
}

std::string with_replaced(std::string_view text, const std::string& from, const std::string& with) {
  if (from.empty()) return std::string(text);
  std::string to;
  for (;;) {
    const size_t at = text.find(from);
    to += text.substr(0, at);
    if (at == std::string_view::npos) return to;
    to += with;
    text.remove_prefix(at + from.size());
  }
}

// Runs of at least `least` spaces.
std::string with_replaced_runs(std::string_view text, size_t least, const std::string& with) {
  std::string to;
  std::string_view run = text;  // begins where the last run of spaces did
  size_t length = 0;
  while (!text.empty()) {
    const std::string_view before = text;
    const CodePoint c = take_character(text);
    if (is_space(c)) {
      if (length++ == 0) run = before;
      if (!text.empty()) continue;
    }
    if (length >= least) {
      to += with;
    } else if (length > 0) {
      const std::string_view end = is_space(c) ? text : before;
      to += run.substr(0, run.size() - end.size());
    }
    length = 0;
    if (!is_space(c)) to += before.substr(0, before.size() - text.size());
  }
  return to;
}

std::string stripped(std::string_view text, const Step& step) {
  size_t begin = 0;
  size_t end = 0;  // behind the last character that is no space
  bool has_begun = false;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t at = text.size() - rest.size();
    if (is_space(take_character(rest))) continue;
    if (!has_begun) begin = at;
    has_begun = true;
    end = text.size() - rest.size();
  }
  if (!has_begun) return step.left || step.right ? std::string() : std::string(text);
  if (!step.left) begin = 0;
  if (!step.right) end = text.size();
  return std::string(text.substr(begin, end - begin));
}

std::string apply(std::string text, const Step& step) {
  const int compatible = step.is_compatible ? UTF8PROC_COMPAT : 0;
  switch (step.kind) {
    case Step::Kind::kBert: return as_bert(text, step);
    case Step::Kind::kLowercase: return lowered(text);
    case Step::Kind::kCompose: return mapped(std::move(text), UTF8PROC_COMPOSE | compatible);
    case Step::Kind::kDecompose: return mapped(std::move(text), UTF8PROC_DECOMPOSE | compatible);
    case Step::Kind::kStripAccents: return without_accents(std::move(text));
    case Step::Kind::kReplace: return with_replaced(text, step.from, step.to);
    case Step::Kind::kReplaceSpaces: return with_replaced_runs(text, 1, step.to);
    case Step::Kind::kReplaceDoubles: return with_replaced_runs(text, 2, step.to);
    case Step::Kind::kPrepend: return text.empty() ? text : step.to + text;
    case Step::Kind::kStrip: return stripped(text, step);
    default: return text;
  }
}

// --- pre-tokenizers ---

// Cuts where `kind_of` says a character is of another kind than the one before: 0 is left out, 1 stands alone, others
// are put together.
template <typename KindOf>
void cut(std::string_view text, KindOf kind_of, std::vector<std::string>& to) {
  int before = 0;
  while (!text.empty()) {
    const std::string_view rest = text;
    const int kind = kind_of(take_character(text));
    const std::string_view character = rest.substr(0, rest.size() - text.size());
    if (kind > 1 && kind == before) {
      to.back() += character;
    } else if (kind > 0) {
      to.emplace_back(character);
    }
    before = kind;
  }
}

void cut_metaspace(std::string_view word, bool is_first, const Step& step, std::vector<std::string>& to) {
  std::string marked = with_replaced(word, " ", step.to);
  const bool prepends = step.prepend == Step::Prepend::kAlways || (step.prepend == Step::Prepend::kFirst && is_first);
  if (prepends && !marked.starts_with(step.to)) marked.insert(0, step.to);
  if (!step.splits || step.to.empty()) {
    to.push_back(std::move(marked));
    return;
  }
  size_t begin = 0;
  for (;;) {
    const size_t next = marked.find(step.to, begin + (begin < marked.size() ? 1 : 0));
    if (next == std::string::npos) break;
    if (next > begin) to.push_back(marked.substr(begin, next - begin));
    begin = next;
  }
  if (begin < marked.size()) to.push_back(marked.substr(begin));
}

void apply(const Step& step, std::string_view word, bool is_first, std::vector<std::string>& to) {
  switch (step.kind) {
    case Step::Kind::kBertWords:
      cut(word, [](CodePoint c) { return is_space(c) ? 0 : is_punctuation(c) ? 1 : 2; }, to);
      break;
    case Step::Kind::kSpaces: cut(word, [](CodePoint c) { return is_space(c) ? 0 : 2; }, to); break;
    case Step::Kind::kWordRuns:
      cut(word, [](CodePoint c) { return is_space(c) ? 0 : is_word(c) ? 2 : 3; }, to);
      break;
    case Step::Kind::kMetaspace: cut_metaspace(word, is_first, step, to); break;
    default: to.emplace_back(word);
  }
}

// --- reading ---

Error unknown(const std::string& what, const std::string& name) {
  return {Code::kInvalidArgument, "tokenizer: " + what + " '" + name + "' is not known here", {}};
}

Result<Step> read_replace(std::string_view json) {
  Step step;
  step.to = json_text(json_member(json, "content")).value_or("");
  const auto pattern = json_member(json, "pattern");
  if (const auto text = json_text(json_member(pattern, "String")); text && !text->empty()) {
    step.kind = Step::Kind::kReplace;
    step.from = *text;
    return step;
  }
  const std::string regex = json_text(json_member(pattern, "Regex")).value_or("");
  if (regex == "\\s+" || regex == " +") {
    step.kind = Step::Kind::kReplaceSpaces;
  } else if (regex == " {2,}" || regex == "\\s{2,}") {
    step.kind = Step::Kind::kReplaceDoubles;
  } else {
    return unknown("the pattern of a Replace", regex);
  }
  return step;
}

Result<Step> read_normalizer(const std::string& type, std::string_view json) {
  Step step;
  const auto flag = [json](std::string_view name, bool otherwise) {
    return json_truth(json_member(json, name)).value_or(otherwise);
  };
  if (type == "BertNormalizer") {
    step.kind = Step::Kind::kBert;
    step.cleans = flag("clean_text", true);
    step.parts_ideographs = flag("handle_chinese_chars", true);
    step.lowers = flag("lowercase", true);
    step.strips_accents = flag("strip_accents", step.lowers);
  } else if (type == "Lowercase") {
    step.kind = Step::Kind::kLowercase;
  } else if (type == "NFC" || type == "NFKC" || type == "Precompiled") {
    step.kind = Step::Kind::kCompose;
    step.is_compatible = type != "NFC";
  } else if (type == "NFD" || type == "NFKD") {
    step.kind = Step::Kind::kDecompose;
    step.is_compatible = type == "NFKD";
  } else if (type == "StripAccents") {
    step.kind = Step::Kind::kStripAccents;
  } else if (type == "Replace") {
    return read_replace(json);
  } else if (type == "Prepend") {
    step.kind = Step::Kind::kPrepend;
    step.to = json_text(json_member(json, "prepend")).value_or("");
  } else if (type == "Strip") {
    step.kind = Step::Kind::kStrip;
    step.left = flag("strip_left", true);
    step.right = flag("strip_right", true);
  } else {
    return unknown("the normalizer", type);
  }
  return step;
}

Result<Step> read_pretokenizer(const std::string& type, std::string_view json) {
  Step step;
  if (type == "BertPreTokenizer") {
    step.kind = Step::Kind::kBertWords;
  } else if (type == "WhitespaceSplit") {
    step.kind = Step::Kind::kSpaces;
  } else if (type == "Whitespace") {
    step.kind = Step::Kind::kWordRuns;
  } else if (type == "Metaspace") {
    step.kind = Step::Kind::kMetaspace;
    step.to = json_text(json_member(json, "replacement")).value_or("\xE2\x96\x81");
    step.splits = json_truth(json_member(json, "split")).value_or(true);
    const bool old = json_truth(json_member(json, "add_prefix_space")).value_or(true);
    const std::string scheme = json_text(json_member(json, "prepend_scheme")).value_or(old ? "always" : "never");
    step.prepend = scheme == "never"   ? Step::Prepend::kNever
                   : scheme == "first" ? Step::Prepend::kFirst
                                       : Step::Prepend::kAlways;
  } else {
    return unknown("the pre-tokenizer", type);
  }
  return step;
}

using ReadOne = Result<Step> (*)(const std::string& type, std::string_view json);

Result<void> read_steps(std::string_view json, std::string_view list, ReadOne read_one, int depth,
                        std::vector<Step>& to) {
  if (json == "null") return {};
  const auto type = json_text(json_member(json, "type"));
  if (!type) return unknown("a step without a type in", std::string(list));
  if (*type != "Sequence") {
    auto step = read_one(*type, json);
    if (!step) return step.error();
    if (step->from.size() > kMostText || step->to.size() > kMostText) return unknown("a text so long in", *type);
    to.push_back(*std::move(step));
    return {};
  }
  if (depth == kMostNested) return unknown("the depth of", std::string(list));
  Result<void> done;
  for_each_json_element(json_member(json, list), [&](std::string_view each) {
    done = read_steps(each, list, read_one, depth + 1, to);
    if (done && to.size() > kMostSteps) done = unknown("the length of", std::string(list));
    return done.has_value();
  });
  return done;
}

}  // namespace

Result<std::vector<TokenizerStep>> read_normalizers(std::string_view json) {
  std::vector<TokenizerStep> steps;
  if (auto done = read_steps(json, "normalizers", read_normalizer, 0, steps); !done) return done.error();
  return steps;
}

Result<std::vector<TokenizerStep>> read_pretokenizers(std::string_view json) {
  std::vector<TokenizerStep> steps;
  if (auto done = read_steps(json, "pretokenizers", read_pretokenizer, 0, steps); !done) return done.error();
  return steps;
}

std::string normalized(std::string_view text, const std::vector<TokenizerStep>& steps) {
  std::string made;
  if (is_all_ascii(text)) {
    made = text;
  } else {
    while (!text.empty()) put_character(made, take_character(text));
  }
  // A step makes a text at most some times as long: the last ones of a foolish list are left out.
  const size_t most = made.size() * 32 + 4096;
  for (const TokenizerStep& step : steps) {
    if (made.size() > most) break;
    made = apply(std::move(made), step);
  }
  return made;
}

std::vector<std::string> pretokenized(std::string_view text, const std::vector<TokenizerStep>& steps) {
  std::vector<std::string> words = {std::string(text)};
  for (const TokenizerStep& step : steps) {
    std::vector<std::string> next;
    for (size_t i = 0; i < words.size(); i++) apply(step, words[i], i == 0, next);
    words = std::move(next);
  }
  return words;
}

}  // namespace chronos
