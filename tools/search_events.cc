// search_events: events by words, as of any moment, in any fork.  Pages are cut from one list of at most kMostDepth
// hits; the cursor holds the moment, how deep that list is, and the hits that were shown.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "search/search.h"
#include "search/snippet.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/conditions.h"
#include "tools/cursor.h"
#include "tools/event_text.h"
#include "tools/json_writer.h"
#include "tools/page_size.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDescription =
    "Finds events by words, best first, now or as of any past moment, in any fork. Use it when you do not know the "
    "stream or type, or look for what was said or meant. Use query_events instead for all events of a stream, type or "
    "time. In the query: words in any order, \"a phrase\" that must be there, -word that must not, and type: stream: "
    "tag: to narrow, e.g. refund \"payment failed\" -test type:OrderPaid. mode keyword scores by words alone, hybrid "
    "(default) lets neighbours in a stream count too, and vectors where the store has a model: used says so. Hits have "
    "a snippet with the words found between **. An answer that was cut has next_cursor and says why in cut. Searching "
    "finds words in the strings of data, in types, streams and tags, not numbers. Topic searching of guide has "
    "examples.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "query": {
      "type": "string", "minLength": 1, "maxLength": 4096,
      "description": "What to look for, e.g. refund \"payment failed\" -test type:OrderPaid."},
    "vector": {
      "type": "array", "minItems": 1, "maxItems": 8192, "items": {"type": "number"},
      "description": "Compared with the vectors of events, made by the same model. Otherwise query is, by the store."},
    "mode": {
      "type": "string", "enum": ["hybrid", "keyword", "vector"],
      "description": "hybrid (default): all the store has. keyword: words alone. vector: vectors alone."},
    "match": {
      "description": "Only events that match any of these items. An item matches what fits all its members.",
      @match},
    "since": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Recorded at this RFC 3339 time or later."},
    "until": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Recorded at this RFC 3339 time or earlier."},
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 100, "description": "Hits per page, 10 when absent."},
    "exact": {
      "type": "boolean", "description": "Compare with every vector, however many there are. Words are always exact."},
    "collapse": {
      "type": "boolean", "description": "Leave out hits that say nearly the same as one before them."},
    "half_life_days": {
      "type": "number", "minimum": 0.001, "maximum": 100000,
      "description": "Let old events score less: a quarter less at this age, never less than half. Age at as_of."},
    "explain": {
      "type": "boolean", "description": "Say of each hit which words it has, and its rank and score in each list."},
    "wait": {
      "type": "boolean",
      "description": "false: do not wait for events that are not indexed yet, indexed_to says how far it goes."},
    "max_tokens": {
      "type": "integer", "minimum": 100, "maximum": 2000000,
      "description": "About how long a page may be, 8000 when absent and detail is summary."},
    @detail, @fork, @as_of, @cursor}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["hits", "indexed_to", "used", "at"],
  "properties": {
    "hits": {
      "type": "array", "description": "The events found, best first.",
      "items": {
        "type": "object", "required": ["score", "event"],
        "properties": {
          "score": {"type": "number", "description": "Higher is better. Compare within one answer only."},
          "event": {"description": "The event.", @event},
          "snippet": {"type": "string", "description": "Where in data, with the words found between **."},
          "duplicates": {"description": "How many hits that say nearly the same were left out.", @count},
          "matched": {
            "type": "array", "items": {"type": "string"}, "description": "Words of the query that it has, as indexed."},
          "parts": {
            "type": "array", "description": "What each list says of it.",
            "items": {
              "type": "object", "required": ["list"],
              "properties": {
                "list": {"type": "string", "description": "One of used."},
                "rank": {"type": "integer", "minimum": 1, "description": "Its place there, if it has one."},
                "score": {"type": "number", "description": "Its score there, if it has a place."}}}}}}},
    "indexed_to": {"description": "Events up to this position were searched.", @position},
    "used": {
      "type": "array", "items": {"type": "string"},
      "description": "What the order comes from: keyword, neighbours (of events in their stream), vector."},
    "notes": {
      "type": "array", "items": {"type": "string"}, "description": "What could not be done as asked for, and why."},
    "approximate": {
      "type": "boolean", "description": "True when an event with a near vector may have been missed. exact finds all."},
    @next_cursor,
    "cut": {
      "type": "string", "enum": ["limit", "max_tokens", "bytes", "depth"],
      "description": "Why this is not all. depth means the search goes no deeper: narrow it down."},
    @at}})";

constexpr uint64_t kMostDepth = 1000;
constexpr uint64_t kDepthPerHit = 10;

// Which hits to show: of a list of so many, from one on.
struct Place {
  View view;
  uint64_t depth = 0;
  uint64_t shown = 0;
};
Result<Place> read_place(const Store& store, const ArgumentsView& arguments, uint64_t limit, uint64_t question) {
  auto view = read_view(store, arguments);
  if (!view) return view.error();
  if (!arguments.has("cursor")) {
    const uint64_t depth = std::clamp<uint64_t>(limit * kDepthPerHit, 100, kMostDepth);
    return Place{*std::move(view), depth, 0};
  }
  const auto numbers = read_cursor(arguments.text("cursor"), 3, question);
  if (!numbers) return numbers.error();
  auto then = pinned(*view, (*numbers)[0]);
  if (!then) return then.error();
  return Place{*std::move(then), std::min(kMostDepth, (*numbers)[1]), (*numbers)[2]};
}

Result<SearchMode> read_mode(const ArgumentsView& arguments) {
  const std::string mode = arguments.text("mode", "hybrid");
  return mode == "keyword" ? SearchMode::kKeyword : mode == "vector" ? SearchMode::kVector : SearchMode::kHybrid;
}

Result<SearchRequest> read_request(const ArgumentsView& arguments) {
  SearchRequest request;
  const auto mode = read_mode(arguments);
  if (!mode) return mode.error();
  request.mode = *mode;
  if (const Json* vector = arguments.find("vector")) {
    for (const Json& number : *vector) request.vector.push_back(static_cast<float>(number.get<double>()));
  }
  request.exact = arguments.flag("exact", false);
  if (arguments.has("query")) {
    auto query = parse_query(arguments.text("query"));
    if (!query) return query.error();
    request.query = *std::move(query);
  } else if (request.vector.empty()) {
    return Error{Code::kInvalidArgument, "the argument query is missing: give the words to look for", {}};
  }
  if (const Json* match = arguments.find("match")) {
    auto read = read_match(*match, "match");
    if (!read) return read.error();
    request.rules.match = *std::move(read);
  }
  for (const auto& [name, to] : {std::pair{"since", &request.rules.since}, {"until", &request.rules.until}}) {
    const auto time = arguments.time(name);
    if (!time) return time.error();
    *to = *time;
  }
  request.waits = arguments.flag("wait", true);
  request.collapses = arguments.flag("collapse", false);
  if (const Json* days = arguments.find("half_life_days")) request.half_life_days = days->get<double>();
  return request;
}

struct Page {
  uint64_t end = 0;      // the hits before it have been shown
  std::string_view cut;  // empty: there is nothing more
};

class HitWriter {
 public:
  HitWriter(const View& view, const SearchAnswer& answer, Analyzer& analyzer, const ArgumentsView& arguments)
      : view_(view),
        answer_(answer),
        analyzer_(analyzer),
        detail_(read_detail(arguments)),
        explains_(arguments.flag("explain", false)),
        size_(page_size(arguments)) {}

  Page write(JsonWriter& json, uint64_t begin, uint64_t limit) {
    constexpr size_t kRoomForTheRest = 300;
    const uint64_t hits = answer_.hits.size();
    Page page{std::min(begin, hits), ""};
    json.begin_array();
    for (; page.end < hits; page.end++) {
      if (page.end == begin + limit) {
        page.cut = "limit";
        break;
      }
      std::string text;
      JsonWriter hit(text);
      write_hit(hit, page.end);
      if (page.end > begin && json.size() + text.size() + kRoomForTheRest > size_.most_bytes) {
        page.cut = size_.cut;
        break;
      }
      json.next() += text;
    }
    json.end_array();
    if (page.end == hits && answer_.is_deep) page.cut = "depth";
    return page;
  }

 private:
  void write_hit(JsonWriter& json, size_t i) {
    const SearchHit& hit = answer_.hits[i];
    const Event event = view_.at(hit.position);
    json.begin_object();
    json.key("score").number(hit.score);
    json.key("event");
    append_event(json.next(), event, detail_);
    std::vector<std::string> terms;
    for (const size_t term : answer_.matched[i]) terms.push_back(answer_.terms[term]);
    const std::string piece = snippet(analyzer_, event.data(), terms);
    if (!piece.empty()) json.key("snippet").string(piece);
    if (hit.duplicates > 0) json.key("duplicates").integer(hit.duplicates);
    if (explains_) explain(json, hit, terms);
    json.end_object();
  }

  static void explain(JsonWriter& json, const SearchHit& hit, const std::vector<std::string>& terms) {
    json.key("matched").begin_array();
    for (const std::string& term : terms) json.string(term);
    json.end_array();
    json.key("parts").begin_array();
    for (const HitPart& part : hit.parts) {
      json.begin_object().key("list").string(part.list);
      if (part.rank > 0) json.key("rank").integer(part.rank).key("score").number(part.score);
      json.end_object();
    }
    json.end_array();
  }

  const View& view_;
  const SearchAnswer& answer_;
  Analyzer& analyzer_;
  const Detail detail_;
  const bool explains_;
  const PageSize size_;
};

// Tells how far the index is, and stops when the caller does.
SearchGoesOn waiting_in(const CallContext& context) {
  return [&context, most = uint64_t{0}](uint64_t left) mutable {
    most = std::max(most, left);
    if (context.progress != nullptr) {
      context.progress(static_cast<double>(most - left), static_cast<double>(most), "indexing events");
    }
    return !context.cancelled.stop_requested();
  };
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  auto request = read_request(arguments->view());
  if (!request) return request.error();
  const uint64_t question = question_digest("search_events", arguments->view());
  const uint64_t limit = arguments->view().integer("limit", 10);
  const auto place = read_place(*context.store, arguments->view(), limit, question);
  if (!place) return place.error();
  request->depth = place->depth;
  request->stop = context.cancelled;
  const auto found = search(*context.search, place->view, *request, waiting_in(context));
  if (!found) return found.error();

  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("hits");
  const std::shared_ptr<TextIndex> index = context.search->text();
  std::unique_ptr<Analyzer> analyzer = index->take_analyzer();
  const Page page = HitWriter(place->view, *found, *analyzer, arguments->view()).write(json, place->shown, limit);
  index->give_back(std::move(analyzer));
  json.key("indexed_to").integer(found->indexed_to.value);
  json.key("used").begin_array();
  for (const std::string_view list : found->used) json.string(list);
  json.end_array();
  if (!found->notes.empty()) {
    json.key("notes").begin_array();
    for (const std::string& note : found->notes) json.string(note);
    json.end_array();
  }
  if (found->is_approximate) json.key("approximate").boolean(true);
  if (!page.cut.empty() && page.cut != "depth") {
    json.key("next_cursor").string(make_cursor({place->view.head().value, place->depth, page.end}, question));
  }
  if (!page.cut.empty()) json.key("cut").string(page.cut);
  json.key("at");
  write_at(json, place->view);
  json.end_object();
  return answer;
}

}  // namespace

Tool search_events_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "search_events",
              .title = "Search events",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
