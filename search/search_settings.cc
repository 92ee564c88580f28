#include "search/search_settings.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace chronos {
namespace {

std::optional<float> number(std::string_view text, float least, float most) {
  float value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value >= least && value <= most ? std::optional(value) : std::nullopt;
}

Error wrong(std::string_view name, std::string_view value, const std::string& expected) {
  return {Code::kInvalidArgument,
          std::string(name) + " must be " + expected + ", got '" + std::string(value.substr(0, 60)) + "'",
          {}};
}

Result<void> set_number(std::string_view name, std::string_view value, float most, float& to) {
  const auto given = number(value, 0, most);
  if (!given) return wrong(name, value, "a number between 0 and " + std::to_string(static_cast<int>(most)));
  to = *given;
  return {};
}

Result<void> set_language(std::string_view value, AnalyzerOptions& to) {
  AnalyzerOptions options;
  options.language = value;
  if (const auto analyzer = Analyzer::make(options); !analyzer) return analyzer.error();
  to.language = value;
  return {};
}

void set_stop_words(std::string_view value, AnalyzerOptions& to) {
  to.drops_stop_words = value != "none";
  to.stop_words.clear();
  if (value == "none" || value == "default") return;
  for (size_t at = 0; at < value.size();) {
    const size_t end = std::min(value.find_first_of(" ,\n\t", at), value.size());
    if (end > at) to.stop_words.emplace(value.substr(at, end - at));
    at = end + 1;
  }
}

Result<void> set(std::string_view name, std::string_view value, SearchSettings& to) {
  if (name == "search.language") return set_language(value, to.analyzer);
  if (name == "search.stop_words") {
    set_stop_words(value, to.analyzer);
    return {};
  }
  if (name == "search.k1") return set_number(name, value, 10, to.bm25.k1);
  if (name == "search.b") return set_number(name, value, 1, to.bm25.b);
  if (name == "search.neighbours") return set_number(name, value, 1, to.neighbours);
  if (name == "search.embedder") {
    auto embedder = parse_embedder_setting(value);
    if (!embedder) return embedder.error();
    to.embedder = *std::move(embedder);
    return {};
  }
  if (name == "search.word_weight") {
    float weight = 0;
    if (auto done = set_number(name, value, 1, weight); !done) return done;
    to.word_weight = weight;
    return {};
  }
  if (name == "search.fusion") {
    if (value != "scores" && value != "ranks") return wrong(name, value, "scores or ranks");
    to.fuses_ranks = value == "ranks";
    return {};
  }
  if (name == "search.fields") {
    auto fields = EventFields::parse(value);
    if (!fields) return fields.error();
    to.analyzer.fields = *std::move(fields);
    return {};
  }
  std::string known;
  for (const SearchSetting& setting : known_search_settings()) {
    known += (known.empty() ? "" : ", ") + std::string(setting.name);
  }
  return Error{Code::kInvalidArgument, "there is no setting '" + std::string(name) + "'; known: " + known, {}};
}

}  // namespace

const std::vector<SearchSetting>& known_search_settings() {
  static const std::vector<SearchSetting> kKnown = {
      {"search.language", "english", "the language whose endings are taken off words, or none"},
      {"search.stop_words", "default", "words that are not indexed: default (English ones), none, or a list of them"},
      {"search.k1", "0.9", "how much it counts that an event has a word often, 0 to 10"},
      {"search.b", "0.4", "how much long texts are held back, 0 to 1"},
      {"search.neighbours", "0.2", "how much neighbours in a stream count in mode hybrid, 0 to 1"},
      {"search.embedder", "none", "the model that makes vectors of events: none, static:DIRECTORY or openai:URL#MODEL"},
      {"search.word_weight", "", "how much words count beside vectors, 0 to 1; 0.7 with a static model, else 0.5"},
      {"search.fusion", "scores", "what of words and vectors is added up: scores, or ranks"},
      {"search.fields", "",
       R"(what of data is indexed by type, all strings when not set, as in {"Message":["/text"],"*":["/note"]})"},
  };
  return kKnown;
}

Result<void> check_search_setting(std::string_view name, std::string_view value) {
  SearchSettings ignored;
  const auto& known = known_search_settings();
  const bool is_known =
      std::any_of(known.begin(), known.end(), [&](const SearchSetting& each) { return each.name == name; });
  if (is_known && value.empty()) return {};
  return set(name, value, ignored);
}

SearchSettings read_search_settings(const std::map<std::string, std::string>& settings) {
  SearchSettings read;
  for (const auto& [name, value] : settings) static_cast<void>(set(name, value, read).has_value());
  return read;
}

}  // namespace chronos
