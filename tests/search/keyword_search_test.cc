// Keyword search over any segments, cut anywhere, against the formula applied to the texts one by one: bit for bit.
#include "search/keyword_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "search/length_code.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"

namespace chronos::test {
namespace {

using Text = std::vector<std::string>;

// Of words whose frequency falls with their number.
Text random_text(Chance& chance, uint64_t most_words) {
  Text text;
  const uint64_t length = chance.between(0, most_words);
  for (uint64_t i = 0; i < length; i++) {
    const uint64_t word = chance.below(chance.below(chance.below(300) + 1) + 1);
    text.push_back("w" + std::to_string(word));
  }
  return text;
}

std::string joined(const Text& text) {
  std::string all;
  for (const std::string& word : text) all += word + " ";
  return all;
}

class Corpus {
 public:
  Corpus() : analyzer_(*Analyzer::make({.language = "none", .drops_stop_words = false})) {}

  Terms terms(const Text& text) {
    Terms terms;
    analyzer_->add(joined(text), terms);
    return terms;
  }
  void add(Text text) { texts.push_back(std::move(text)); }

  std::shared_ptr<const TextSegment> segment(size_t begin, size_t end) {
    TextSegmentBuilder builder(Position{begin});
    for (size_t i = begin; i < end; i++) builder.add(terms(texts[i]));
    auto made = keep_in_memory(builder.finish());
    REQUIRE(made != nullptr);
    return made;
  }

  // What the first `count` texts score, the slow way.
  std::vector<float> scores(const Text& query, size_t count, Bm25 bm25) {
    double length = 0;
    for (size_t i = 0; i < count; i++) length += length_of(length_code(texts[i].size()));
    const double average = length == 0 ? 1 : length / static_cast<double>(count);
    std::vector<std::string> terms;
    std::map<std::string, uint32_t> in_query;
    for (const std::string& word : query) {
      if (in_query[word]++ == 0) terms.push_back(word);
    }
    std::vector<std::pair<float, std::string>> weighed;
    for (const std::string& term : terms) {
      double have = 0;
      for (size_t i = 0; i < count; i++) have += frequency(i, term) > 0 ? 1 : 0;
      const double all = static_cast<double>(count);
      const double weight = in_query[term] * std::log(1.0 + (all - have + 0.5) / (have + 0.5));
      weighed.emplace_back(static_cast<float>(weight), term);
    }
    std::stable_sort(weighed.begin(), weighed.end(), [](auto& a, auto& b) { return a.first > b.first; });
    std::vector<float> scores(count);
    for (const auto& [weight, term] : weighed) {
      for (size_t i = 0; i < count; i++) {
        const uint32_t f = std::min<uint32_t>(255, frequency(i, term));
        if (f == 0) continue;
        const double relative = length_of(length_code(texts[i].size())) / average;
        const auto norm = static_cast<float>(bm25.k1 * (1.0 - bm25.b + bm25.b * relative));
        const auto count_of_term = static_cast<float>(f);
        const float share = count_of_term * (bm25.k1 + 1.0F) / (count_of_term + norm);
        scores[i] += weight * share;
      }
    }
    return scores;
  }

  std::vector<Text> texts;

 private:
  uint32_t frequency(size_t i, const std::string& term) const {
    return static_cast<uint32_t>(std::count(texts[i].begin(), texts[i].end(), term));
  }
  std::unique_ptr<Analyzer> analyzer_;
};

std::vector<ScoredEvent> best_of(const std::vector<float>& scores, size_t most, const KeywordSearch::Filter& filter) {
  std::vector<ScoredEvent> all;
  for (size_t i = 0; i < scores.size(); i++) {
    const Position position{i + 1};
    if (scores[i] > 0 && (!filter || filter(position))) all.push_back({position, scores[i]});
  }
  std::sort(all.begin(), all.end(), comes_before);
  all.resize(std::min(all.size(), most));
  return all;
}

// Segments of random sizes over the whole corpus, some of them merged from smaller ones, and cut at `count`.
std::vector<TextPiece> random_pieces(Chance& chance, Corpus& corpus, size_t count) {
  std::vector<TextPiece> pieces;
  for (size_t begin = 0; begin < count;) {
    size_t end = begin;
    std::vector<std::shared_ptr<const TextSegment>> parts;
    for (uint64_t n = chance.between(1, 4); n > 0 && end < corpus.texts.size(); n--) {
      const size_t from = end;
      end = std::min(corpus.texts.size(), from + chance.between(1, chance.below(400) + 1));
      parts.push_back(corpus.segment(from, end));
    }
    const auto segment = parts.size() == 1 ? parts.front() : keep_in_memory(TextSegmentBuilder::merge(parts));
    pieces.push_back({segment, static_cast<uint32_t>(std::min(end, count) - begin)});
    begin = end;
  }
  return pieces;
}

}  // namespace

TEST_CASE("keyword search is the formula, bit for bit, whatever the segments and the bound", "[search][model]") {
  for (const uint64_t seed : test_seeds(1, 30)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    Corpus corpus;
    const uint64_t size = chance.between(1, 1500);
    const uint64_t most_words = chance.between(1, 60);
    for (uint64_t i = 0; i < size; i++) corpus.add(random_text(chance, most_words));
    const Bm25 bm25 = chance.percent(50) ? Bm25{} : Bm25{1.2F, 0.75F};
    for (int round = 0; round < 8; round++) {
      const size_t count = chance.between(1, size);
      const Text query = random_text(chance, 8);
      const KeywordSearch search(random_pieces(chance, corpus, count), corpus.terms(query), bm25);
      const std::vector<float> scores = corpus.scores(query, count, bm25);
      const uint64_t part = chance.between(1, 5);
      KeywordSearch::Filter filter;
      if (part > 1) filter = [part](Position position) { return position.value % part == 0; };
      const size_t most = chance.between(1, 30);
      REQUIRE(search.events() == count);
      REQUIRE(search.best(most, filter) == best_of(scores, most, filter));
      for (int i = 0; i < 20; i++) {
        const uint64_t position = chance.between(1, count);
        REQUIRE(search.score(Position{position}) == scores[position - 1]);
        REQUIRE(search.matched(Position{position}).empty() == (scores[position - 1] == 0));
      }
    }
  }
}

TEST_CASE("keyword search of a segment of several windows leaves nothing out", "[search][model]") {
  const uint64_t seed = test_seeds(9, 1).front();
  INFO("CHRONOS_SEED=" << seed);
  Chance chance(seed);
  Corpus corpus;
  constexpr size_t kTexts = 20'000;
  for (size_t i = 0; i < kTexts; i++) corpus.add(random_text(chance, 5));
  const auto segment = corpus.segment(0, kTexts);
  for (int round = 0; round < 6; round++) {
    const auto count = static_cast<uint32_t>(round % 2 == 0 ? kTexts : chance.between(9000, kTexts));
    Text query = random_text(chance, 6);
    query.push_back("w" + std::to_string(chance.below(200)));
    const KeywordSearch search({{segment, count}}, corpus.terms(query), Bm25{});
    const size_t most = chance.between(1, 12);
    REQUIRE(search.best(most, {}) == best_of(corpus.scores(query, count, Bm25{}), most, {}));
  }
}

TEST_CASE("keyword search of rare terms, whose windows are wide, leaves nothing out", "[search][model]") {
  const uint64_t seed = test_seeds(11, 1).front();
  INFO("CHRONOS_SEED=" << seed);
  Chance chance(seed);
  Corpus corpus;
  constexpr size_t kTexts = 80'000;
  for (size_t i = 0; i < kTexts; i++) corpus.add(chance.percent(2) ? random_text(chance, 20) : Text{});
  const auto segment = corpus.segment(0, kTexts);
  for (int round = 0; round < 6; round++) {
    const auto count = static_cast<uint32_t>(round % 2 == 0 ? kTexts : chance.between(40'000, kTexts));
    const Text query = random_text(chance, 6);
    const KeywordSearch search({{segment, count}}, corpus.terms(query), Bm25{});
    const size_t most = chance.between(1, 12);
    REQUIRE(search.best(most, {}) == best_of(corpus.scores(query, count, Bm25{}), most, {}));
  }
}

// All of them score the same, so every one after the first is as good as what is known.
TEST_CASE("of events that score the same the first ones are found", "[search]") {
  Corpus corpus;
  for (int i = 0; i < 300; i++) corpus.add({"same", "words", "again"});
  const KeywordSearch search({{corpus.segment(0, 100), 100}, {corpus.segment(100, 300), 200}},
                             corpus.terms({"again", "same", "words"}), Bm25{});
  const auto found = search.best(7, {});
  REQUIRE(found.size() == 7);
  for (size_t i = 0; i < found.size(); i++) CHECK(found[i].position == Position{i + 1});
}

TEST_CASE("a filter may search itself, and may throw", "[search]") {
  Corpus corpus;
  for (int i = 0; i < 300; i++) corpus.add({"word", i % 3 == 0 ? "third" : "other"});
  const auto segment = corpus.segment(0, 300);
  const KeywordSearch search({{segment, 300}}, corpus.terms({"word", "third"}), Bm25{});
  const KeywordSearch others({{segment, 300}}, corpus.terms({"other"}), Bm25{});
  const auto expected = best_of(corpus.scores({"word", "third"}, 300, Bm25{}), 5, {});
  const KeywordSearch::Filter searches = [&](Position) { return others.best(1, {}).size() == 1; };
  CHECK(search.best(5, searches) == expected);
  const KeywordSearch::Filter throws = [](Position) -> bool { throw std::runtime_error("no"); };
  CHECK_THROWS_AS(search.best(5, throws), std::runtime_error);
  CHECK(search.best(5, {}) == expected);
}

TEST_CASE("a merged segment is the one made at once, byte for byte", "[search]") {
  Chance chance(5);
  Corpus corpus;
  for (int i = 0; i < 900; i++) corpus.add(random_text(chance, 30));
  const std::vector<std::shared_ptr<const TextSegment>> parts = {corpus.segment(0, 1), corpus.segment(1, 400),
                                                                 corpus.segment(400, 401), corpus.segment(401, 900)};
  TextSegmentBuilder whole(Position{0});
  for (const Text& text : corpus.texts) whole.add(corpus.terms(text));
  CHECK(TextSegmentBuilder::merge(parts) == whole.finish());
}

TEST_CASE("several terms are found as each of them is", "[search][index]") {
  Chance chance(6);
  Corpus corpus;
  for (int i = 0; i < 200; i++) corpus.add(random_text(chance, 30));
  const auto segment = corpus.segment(0, 200);
  for (const size_t count : {0, 1, 15, 16, 17, 50}) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < count; i++) texts.push_back("w" + std::to_string(chance.below(400)));
    const std::vector<std::string_view> terms(texts.begin(), texts.end());
    std::vector<std::optional<TextSegment::Postings>> found(count);
    segment->find(terms, found);
    for (size_t i = 0; i < count; i++) {
      const auto alone = segment->find(terms[i]);
      REQUIRE(found[i].has_value() == alone.has_value());
      if (alone) CHECK((found[i]->at == alone->at && found[i]->size == alone->size));
    }
  }
}

TEST_CASE("what is no segment is not opened", "[search]") {
  Corpus corpus;
  corpus.add({"a"});
  TextSegmentBuilder builder(Position{0});
  builder.add(corpus.terms({"a"}));
  std::string bytes = builder.finish();
  CHECK(TextSegment::open("", nullptr) == nullptr);
  CHECK(TextSegment::open(std::string_view(bytes).substr(0, bytes.size() - 8), nullptr) == nullptr);
  bytes[0] = 'X';
  CHECK(TextSegment::open(bytes, nullptr) == nullptr);
}

TEST_CASE("length codes are exact for short texts, and never more than the length", "[search]") {
  for (uint32_t length = 0; length < 100'000; length++) {
    const uint32_t told = length_of(length_code(length));
    REQUIRE(told <= length);
    if (length <= 64) REQUIRE(told == length);
    if (length < 90'000) REQUIRE(told * 1.05 + 1 >= length);
  }
}

}  // namespace chronos::test
