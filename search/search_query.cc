#include "search/search_query.h"

#include <optional>
#include <utility>

namespace chronos {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// One thing between spaces.
struct Token {
  bool is_negative = false;
  std::string_view prefix;  // "type", "stream", "tag" or empty
  std::string_view text;
  bool is_quoted = false;
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  std::optional<Token> next() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    if (rest_.empty()) return std::nullopt;
    Token token;
    if (rest_.front() == '-' && rest_.size() > 1 && !is_space(rest_[1])) {
      token.is_negative = true;
      rest_.remove_prefix(1);
    }
    for (const std::string_view prefix : {"type", "stream", "tag"}) {
      if (rest_.size() <= prefix.size() + 1 || !rest_.starts_with(prefix) || rest_[prefix.size()] != ':') continue;
      if (is_space(rest_[prefix.size() + 1])) continue;
      token.prefix = prefix;
      rest_.remove_prefix(prefix.size() + 1);
      break;
    }
    if (const size_t end = rest_.find('"', 1); rest_.front() == '"' && end != std::string_view::npos) {
      token.is_quoted = true;
      token.text = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      return token;
    }
    size_t size = 0;
    while (size < rest_.size() && !is_space(rest_[size])) size++;
    token.text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

 private:
  std::string_view rest_;
};

void add_name(SearchQuery::Names& to, const Token& token) {
  auto& names = token.prefix == "type" ? to.types : token.prefix == "stream" ? to.streams : to.tags;
  names.emplace_back(token.text);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\"-") == std::string_view::npos; }

Error nothing_to_find(const SearchQuery& query) {
  if (!query.without.empty()) {
    return {Code::kInvalidArgument, "the query only says what must not be there: add words to look for", {}};
  }
  if (!query.only.empty() || !query.never.empty()) {
    return {Code::kInvalidArgument,
            "the query has no words, only type:, stream: or tag:; add words, or use query_events for all such events",
            {}};
  }
  return {Code::kInvalidArgument, "the query has no words: say what to look for", {}};
}

}  // namespace

Result<SearchQuery> parse_query(std::string_view text) {
  SearchQuery query;
  Tokens tokens(text);
  while (const auto token = tokens.next()) {
    if (is_blank(token->text)) continue;
    if (!token->prefix.empty()) {
      add_name(token->is_negative ? query.never : query.only, *token);
    } else if (token->is_negative) {
      query.without.emplace_back(token->text);
    } else {
      query.words.append(query.words.empty() ? "" : " ").append(token->text);
      if (token->is_quoted) query.phrases.emplace_back(token->text);
    }
  }
  if (query.words.empty()) return nothing_to_find(query);
  return query;
}

}  // namespace chronos
