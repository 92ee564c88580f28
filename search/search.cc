#include "search/search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "search/fusion.h"
#include "search/neighbours.h"
#include "search/query_vectors.h"
#include "search/text_conditions.h"

namespace chronos {
namespace {

constexpr std::string_view kKeyword = "keyword";
constexpr std::string_view kNeighbours = "neighbours";
constexpr std::string_view kVector = "vector";

// The best of one list.
struct Candidates {
  std::string_view list;
  std::vector<ScoredEvent> events;  // best first
};

// Hits in this order, each with what the lists say of it.
std::vector<SearchHit> hits_of(const std::vector<ScoredEvent>& order, const std::vector<Candidates>& lists) {
  std::vector<SearchHit> hits;
  std::unordered_map<uint64_t, size_t> known;
  for (const ScoredEvent& event : order) {
    known.emplace(event.position.value, hits.size());
    hits.push_back({event.position, event.score, {}, 0});
  }
  for (const Candidates& list : lists) {
    for (SearchHit& hit : hits) hit.parts.push_back({list.list, 0, 0});
    for (size_t i = 0; i < list.events.size(); i++) {
      const auto hit = known.find(list.events[i].position.value);
      if (hit != known.end()) hits[hit->second].parts.back() = {list.list, i + 1, list.events[i].score};
    }
  }
  return hits;
}

void sort_hits(std::vector<SearchHit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const SearchHit& a, const SearchHit& b) {
    return comes_before({a.position, a.score}, {b.position, b.score});
  });
}

// Down to half of the score, at the moment of the view: what is old is not wrong.
void fade(const View& view, double half_life_days, std::vector<SearchHit>& hits) {
  constexpr double kDay = 86'400e6;  // microseconds
  for (SearchHit& hit : hits) {
    const double age = static_cast<double>(view.recorded_at().value - view.at(hit.position).recorded_at().value);
    hit.score *= static_cast<float>(0.5 + 0.5 * std::exp2(-age / kDay / half_life_days));
  }
  sort_hits(hits);
}

std::vector<std::string> term_set(const Terms& terms) {
  std::vector<std::string> set;
  set.reserve(terms.size());
  for (size_t i = 0; i < terms.size(); i++) set.emplace_back(terms[i]);
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  return set;
}

// Nine of ten terms that either has are terms of both.
bool say_the_same(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string_view> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size() * 10 >= (a.size() + b.size() - both.size()) * 9;
}

void collapse(TextIndex& index, const View& view, std::vector<SearchHit>& hits) {
  std::vector<std::vector<std::string>> kept;
  size_t count = 0;
  for (const SearchHit& hit : hits) {
    std::vector<std::string> terms = term_set(index.analyze(view.at(hit.position)));
    const auto same = std::find_if(kept.begin(), kept.end(),
                                   [&](const std::vector<std::string>& each) { return say_the_same(each, terms); });
    if (same != kept.end()) {
      hits[static_cast<size_t>(same - kept.begin())].duplicates++;
      continue;
    }
    kept.push_back(std::move(terms));
    hits[count++] = hit;
  }
  hits.resize(count);
}

// A search of one view, whose events are indexed.
class Search {
 public:
  Search(TextIndex& text, const SearchSettings& settings, const View& view, const SearchRequest& request)
      : text_(text), settings_(settings), view_(view), request_(request) {}

  // `word_weight` beside vectors when the settings say nothing.
  Result<SearchAnswer> run(const std::vector<TextPiece>& pieces, const QueryVectors& vectors, float word_weight);

 private:
  SelectionRules rules() const {
    SelectionRules rules = request_.rules;
    rules.only = request_.query.only;
    rules.never = request_.query.never;
    return rules;
  }
  // What the lists of words say, the last one having taken the one before it into account.
  std::vector<Candidates> by_words(const KeywordSearch& keyword, const EventSelection& selection,
                                   const KeywordSearch::Filter& filter) const;
  std::vector<ScoredEvent> with_vectors(const KeywordSearch& keyword, const Candidates& words,
                                        const Candidates& near, const VectorSearch& vectors, float word_weight) const;

  TextIndex& text_;
  const SearchSettings& settings_;
  const View& view_;
  const SearchRequest& request_;
};

std::vector<Candidates> Search::by_words(const KeywordSearch& keyword, const EventSelection& selection,
                                         const KeywordSearch::Filter& filter) const {
  std::vector<Candidates> lists;
  lists.push_back({kKeyword, keyword.best(request_.depth, filter, selection.first(), selection.last())});
  if (request_.mode != SearchMode::kHybrid || settings_.neighbours == 0) return lists;
  const auto near = [&](Position position) {
    return position >= selection.first() && position <= selection.last() && (filter == nullptr || filter(position));
  };
  std::vector<ScoredEvent> smoothed =
      smooth(view_, keyword, lists[0].events, settings_.neighbours, request_.depth, near);
  lists.push_back({kNeighbours, std::move(smoothed)});
  return lists;
}

// Both lists as one; each is asked for the scores of what the other found.
std::vector<ScoredEvent> Search::with_vectors(const KeywordSearch& keyword, const Candidates& words,
                                              const Candidates& near, const VectorSearch& vectors,
                                              float word_weight) const {
  std::unordered_map<uint64_t, float> smoothed;
  if (words.list == kNeighbours) {
    std::vector<ScoredEvent> found;
    found.reserve(near.events.size());
    for (const ScoredEvent& event : near.events) found.push_back({event.position, keyword.score(event.position)});
    for (const ScoredEvent& event : smooth(view_, keyword, found, settings_.neighbours, SIZE_MAX, nullptr)) {
      smoothed.emplace(event.position.value, event.score);
    }
  }
  const auto word_score = [&](Position position) -> std::optional<float> {
    if (words.list != kNeighbours) return keyword.score(position);
    const auto known = smoothed.find(position.value);
    return known == smoothed.end() ? 0.0F : known->second;
  };
  const auto vector_score = [&](Position position) { return vectors.score(position); };
  FusionOptions options;
  options.by = settings_.fuses_ranks ? FusionOptions::By::kRanks : FusionOptions::By::kScores;
  options.word_weight = settings_.word_weight.value_or(word_weight);
  options.most = request_.depth;
  return fuse({words.events, word_score}, {near.events, vector_score}, options);
}

Result<SearchAnswer> Search::run(const std::vector<TextPiece>& pieces, const QueryVectors& vectors,
                                 float word_weight) {
  const Terms terms = text_.analyze(request_.query.words);
  const bool asks_words = request_.mode != SearchMode::kVector && !terms.empty();
  if (!asks_words && !vectors.search) {
    return Error{Code::kInvalidArgument,
                 "the query has only words that are not indexed, as 'the' or 'of': add words that say more",
                 {}};
  }
  const KeywordSearch keyword(pieces, terms, settings_.bm25);
  const EventSelection selection(view_, rules());
  const TextConditions conditions(text_, view_, pieces, request_.query);
  KeywordSearch::Filter filter;
  if (!selection.is_span() || !conditions.empty()) {
    filter = [&](Position position) { return selection.has(position) && conditions.hold(position); };
  }
  std::vector<Candidates> lists;
  if (asks_words) lists = by_words(keyword, selection, filter);
  std::vector<ScoredEvent> order;
  if (asks_words) order = lists.back().events;
  SearchAnswer answer;
  if (vectors.search) {
    VectorSelection near_from{selection.first(), selection.last(), selection.bits(), nullptr};
    if (!selection.is_bits() || !conditions.empty()) near_from.filter = filter;
    Candidates near{kVector, vectors.search->best(request_.depth, near_from)};
    order = asks_words ? with_vectors(keyword, lists.back(), near, *vectors.search, word_weight) : near.events;
    answer.is_approximate = vectors.search->is_approximate();
    lists.push_back(std::move(near));
  }
  answer.notes = vectors.notes;
  answer.indexed_to = view_.head();
  for (const Candidates& list : lists) {
    answer.used.push_back(list.list);
    answer.is_deep = answer.is_deep || list.events.size() == request_.depth;
  }
  answer.hits = hits_of(order, lists);
  if (request_.half_life_days) fade(view_, *request_.half_life_days, answer.hits);
  if (request_.collapses) collapse(text_, view_, answer.hits);
  for (const KeywordSearch::Term& term : keyword.terms()) answer.terms.push_back(term.text);
  for (const SearchHit& hit : answer.hits) answer.matched.push_back(keyword.matched(hit.position));
  return answer;
}

}  // namespace

Result<SearchAnswer> search(SearchIndex& index, const View& view, const SearchRequest& request,
                            const SearchGoesOn& goes_on) {
  const std::shared_ptr<TextIndex> text = index.text();
  const std::shared_ptr<SearchVectors> vectors = index.vectors();
  const SearchSettings settings = index.settings();
  if (!request.waits) {
    const std::vector<TextPiece> pieces = text->covered(view);
    const uint64_t events = pieces.empty() ? 0 : pieces.back().segment->base().value + pieces.back().cut;
    const View indexed = view.cut(Position{events});
    const auto asked = query_vectors(*vectors, indexed, request, goes_on);
    if (!asked) return asked.error();
    return Search(*text, settings, indexed, request).run(pieces, *asked, vectors->word_weight());
  }
  const auto pieces = text->cover(view, goes_on);
  if (!pieces) return Error{Code::kUnavailable, "cancelled while it waited for the index: search again", {}};
  const auto asked = query_vectors(*vectors, view, request, goes_on);
  if (!asked) return asked.error();
  return Search(*text, settings, view, request).run(*pieces, *asked, vectors->word_weight());
}

}  // namespace chronos
