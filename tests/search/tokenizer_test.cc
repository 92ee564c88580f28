// Tokens of texts by small vocabularies, worked out by hand, and files that are no tokenizer.
#include "search/tokenizer.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/small_model.h"

namespace chronos::test {
namespace {

using Tokens = std::vector<uint32_t>;

std::unique_ptr<Tokenizer> parsed(std::string_view json) {
  auto made = Tokenizer::parse(json);
  if (!made) FAIL(made.error().message);
  return *std::move(made);
}

std::string problem(std::string_view json) {
  auto made = Tokenizer::parse(json);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Code::kInvalidArgument);
  return made.error().message;
}

std::string with_model(const std::string& model) { return "{\"model\":" + model + "}"; }
std::string with_steps(const std::string& normalizer, const std::string& pretokenizer) {
  return "{\"normalizer\":" + normalizer + ",\"pre_tokenizer\":" + pretokenizer +
         R"(,"model":{"type":"WordPiece","vocab":{"a":0,"b":1,"-":2,"B":3,"_":4,"a b":5}}})";
}

}  // namespace

TEST_CASE("WordPiece takes the longest pieces, and leaves out unknown words", "[search][embedder]") {
  const auto tokenizer = parsed(kWordPieceTokenizer);
  CHECK(tokenizer->size() == 10);
  CHECK(tokenizer->tokens("cat dog", 10) == Tokens{2, 3});
  CHECK(tokenizer->tokens("Cats,DOGFISH  [x]\n", 10) == Tokens{2, 4, 7, 3, 5});
  CHECK(tokenizer->tokens("caf\xC3\xA9", 10) == Tokens{6});                    // without the accent
  CHECK(tokenizer->tokens("cat\xE4\xB8\xAD" "cat", 10) == Tokens{2, 8, 2});    // an ideograph stands alone
  CHECK(tokenizer->tokens("catx bird", 10).empty());
  CHECK(tokenizer->tokens("catssssssssss", 10).empty());  // a word of 13 characters
  CHECK(tokenizer->tokens("cat cat cat", 2) == Tokens{2, 2});
  CHECK(tokenizer->tokens("cat \xFF\xC3 dog", 10) == Tokens{2, 3});
  CHECK(tokenizer->tokens("", 10).empty());
}

TEST_CASE("Unigram takes the most likely pieces", "[search][embedder]") {
  const auto tokenizer = parsed(kUnigramTokenizer);
  CHECK(tokenizer->tokens("Cat", 10) == Tokens{1});
  CHECK(tokenizer->tokens("cats  dogs", 10) == Tokens{1, 7, 6, 7});
  CHECK(tokenizer->tokens("xdog", 10) == Tokens{4, 5});  // x is unknown, and left out
  SECTION("a model without a number for unknown words") {
    std::string without(kUnigramTokenizer);
    without.replace(without.find("\"unk_id\": 0,"), 12, "\"unk_id\": null,");
    CHECK(parsed(without)->tokens("xdog cat", 10) == Tokens{4, 5, 1});
  }
  SECTION("words that are not split go together") {
    std::string whole(kUnigramTokenizer);
    whole.replace(whole.find("\"split\": true"), 13, "\"split\": false");
    CHECK(parsed(whole)->tokens("cat dog", 10) == Tokens{1, 6});
  }
}

TEST_CASE("the way with the highest sum is found among all ways", "[search][embedder]") {
  for (const uint64_t seed : test_seeds(1, 20)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    std::string vocabulary;
    std::vector<std::pair<std::string, double>> pieces;
    for (int i = 0; i < 12; i++) {
      std::string piece;
      for (uint64_t n = chance.between(1, 3); n > 0; n--) piece += static_cast<char>('a' + chance.below(3));
      bool is_new = true;
      for (const auto& [other, score] : pieces) is_new = is_new && other != piece;
      if (!is_new) continue;
      pieces.emplace_back(piece, -static_cast<double>(chance.below(64)) / 8);
      if (!vocabulary.empty()) vocabulary += ",";
      vocabulary += "[\"" + piece + "\"," + std::to_string(pieces.back().second) + "]";
    }
    const auto tokenizer = parsed(with_model("{\"type\":\"Unigram\",\"vocab\":[" + vocabulary + "]}"));
    std::string text;
    for (uint64_t n = chance.between(1, 9); n > 0; n--) text += static_cast<char>('a' + chance.below(3));
    // Of every way, unknown characters at a price that no way with pieces pays.
    double best = -1e9;
    const auto walk = [&](const auto& self, size_t at, double sum) -> void {
      if (at == text.size()) best = std::max(best, sum);
      if (at == text.size()) return;
      self(self, at + 1, sum - 1000);
      for (const auto& [piece, score] : pieces) {
        if (text.compare(at, piece.size(), piece) == 0) self(self, at + piece.size(), sum + score);
      }
    };
    walk(walk, 0, 0);
    double found = 0;
    size_t covered = 0;
    for (const uint32_t token : tokenizer->tokens(text, 100)) {
      found += pieces[token].second;
      covered += pieces[token].first.size();
    }
    if (best > -500) {
      REQUIRE(covered == text.size());
      REQUIRE(found == Approx(best));
    }
  }
}

TEST_CASE("the steps before words are looked up", "[search][embedder]") {
  const auto tokens = [](const std::string& normalizer, const std::string& pretokenizer, std::string_view text) {
    return parsed(with_steps(normalizer, pretokenizer))->tokens(text, 20);
  };
  CHECK(tokens("null", R"({"type":"Whitespace"})", "a-b B") == Tokens{0, 2, 1, 3});
  CHECK(tokens("null", R"({"type":"WhitespaceSplit"})", "a b\tB a-b") == Tokens{0, 1, 3});
  CHECK(tokens(R"({"type":"Lowercase"})", R"({"type":"WhitespaceSplit"})", "A B") == Tokens{0, 1});
  CHECK(tokens(R"({"type":"Replace","pattern":{"String":"-"},"content":" "})", R"({"type":"WhitespaceSplit"})",
               "a-b") == Tokens{0, 1});
  CHECK(tokens(R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "})", "null", "a \t\n b") == Tokens{5});
  CHECK(tokens(R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "})", "null", "a   b") == Tokens{5});
  CHECK(tokens(R"({"type":"Strip","strip_left":true,"strip_right":true})", "null", "  a b ") == Tokens{5});
  CHECK(tokens(R"({"type":"Prepend","prepend":"a "})", "null", "b") == Tokens{5});
  CHECK(tokens(R"({"type":"NFKC"})", "null", "\xEF\xBD\x81") == Tokens{0});  // a wide a
  CHECK(tokens(R"({"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]})", "null",
               "\xC3\xA1") == Tokens{0});
  CHECK(tokens("null", R"({"type":"Metaspace","replacement":"_","prepend_scheme":"never"})", "a b") == Tokens{0});
}

TEST_CASE("what is no tokenizer is refused with what is wrong", "[search][embedder]") {
  CHECK(problem("").find("no JSON") != std::string::npos);
  CHECK(problem("[1,").find("no JSON") != std::string::npos);
  CHECK(problem("[]").find("model ''") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"BPE","vocab":{}})")).find("'BPE'") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"Unigram"})")).find("must be a list") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"Unigram","vocab":{"a":0}})")).find("must be a list") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"Unigram","vocab":[["a"]]})")).find("must be a list") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"Unigram","vocab":[]})")).find("empty") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"WordPiece","vocab":null})")).find("must be an object") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"WordPiece","vocab":{"a":-1}})")).find("must be an object") != std::string::npos);
  CHECK(problem(with_model(R"({"type":"WordPiece","vocab":{"a":1e15}})")).find("must be") != std::string::npos);
  CHECK(problem(with_steps(R"({"type":"Nmt"})", "null")).find("'Nmt'") != std::string::npos);
  CHECK(problem(with_steps("7", "null")).find("without a type") != std::string::npos);
  CHECK(problem(with_steps("null", R"({"type":"ByteLevel"})")).find("'ByteLevel'") != std::string::npos);
  CHECK(problem(with_steps(R"({"type":"Replace","pattern":{"Regex":"(a+)+"},"content":""})", "null"))
            .find("'(a+)+'") != std::string::npos);
  CHECK(problem(with_steps(R"({"type":"Prepend","prepend":")" + std::string(100, 'x') + "\"}", "null"))
            .find("so long") != std::string::npos);
  std::string deep = R"({"type":"Lowercase"})";
  for (int i = 0; i < 12; i++) deep = R"({"type":"Sequence","normalizers":[)" + deep + "]}";
  CHECK(problem(with_steps(deep, "null")).find("depth") != std::string::npos);
}

}  // namespace chronos::test
