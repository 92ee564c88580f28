// What is typed into a search, taken apart and found in a text: an accepted query has words, nothing in it is longer
// than what was typed, and the words are found in what was typed.
#include <memory>
#include <vector>

#include "core/valid_json.h"
#include "search/search_query.h"
#include "search/snippet.h"
#include "tests/fuzz/fuzz.h"

namespace {

size_t bytes_of(const std::vector<std::string>& texts) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return bytes;
}

size_t bytes_of(const chronos::SearchQuery::Names& names) {
  return bytes_of(names.types) + bytes_of(names.streams) + bytes_of(names.tags);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  if (size > 4096) return 0;
  const test::FuzzInput input(bytes, size);
  const auto query = parse_query(input.text());
  if (!query) {
    CHECK(!query.error().message.empty());
    return 0;
  }
  CHECK(!query->words.empty());
  CHECK(query->words.size() + bytes_of(query->without) + bytes_of(query->only) + bytes_of(query->never) <= size);
  CHECK(bytes_of(query->phrases) <= query->words.size());

  static const std::unique_ptr<Analyzer> kAnalyzer = *Analyzer::make({});
  Terms terms;
  kAnalyzer->add(query->words, terms);
  std::vector<std::string> wanted;
  for (size_t i = 0; i < terms.size() && i < 8; i++) wanted.emplace_back(terms[i]);
  std::string json = "{\"a\":";
  append_json_string(json, input.text());
  json += '}';
  json.reserve(json.size() + kSimdPadding);
  if (!validate_json(json, 4)) return 0;  // it was no UTF-8
  const std::string piece = snippet(*kAnalyzer, json, wanted);
  CHECK(piece.size() <= 6 * size + 16);
  if (!wanted.empty()) CHECK(!piece.empty());
  return 0;
}
