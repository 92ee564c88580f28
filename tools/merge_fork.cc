// merge_fork: what a fork has, replayed on another one; first as a preview, then for good.
//
// The preview's token holds the heads the preview was made for and a digest of what was asked, and nothing is kept in
// the store: the engine compares the heads when it commits.  The token itself is never refused for being old, so that
// a call that is sent again with its request_id reaches the engine, which knows that it was carried out.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/arguments.h"
#include "tools/conditions.h"
#include "tools/cursor.h"
#include "tools/fork_text.h"
#include "tools/json_writer.h"
#include "tools/merge_preview.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDescription =
    "Brings what was appended in a fork into another fork, its parent unless into says otherwise: each batch is "
    "replayed under the conditions it was appended with. Call it twice. Without preview_token it writes nothing and "
    "says what would happen to each batch: clean, conflict (with the condition that does not hold and what was found) "
    "or duplicate (there already), and which streams both sides changed. Look at those even when all is clean. Then "
    "call it with the preview_token and otherwise the same arguments to commit, all of it or nothing: if the target "
    "has moved meanwhile the answer is the error conflict with a new preview. There is no preview_token when a "
    "conflict stands in the way: with on_conflict skip such batches stay behind, with source_wins they are appended "
    "all the same and say so, or append in the fork what settles it. The fork lives on, merging it again adds only "
    "what is new. Do not use it to read what a fork changed, compare shows states and events.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["fork"],
  "properties": {
    "fork": {"type": "string", "minLength": 1, "maxLength": 256, "description": "The fork to merge."},
    "into": {
      "type": "string", "minLength": 1, "maxLength": 256,
      "description": "The fork that gets the events, the parent of fork when absent."},
    "on_conflict": {
      "type": "string", "enum": ["abort", "skip", "source_wins"],
      "description": "abort (default) merges nothing when a batch is in conflict, skip leaves such batches behind,
        source_wins appends them without the condition that does not hold and records that."},
    "only": {"description": "Merge only batches with an event that matches any of these.", @match},
    "preview_token": {
      "type": "string", "minLength": 1, "maxLength": 256,
      "description": "From the preview with otherwise the same arguments: commits what it showed."},
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 1000,
      "description": "Batches listed by a preview, those in conflict first of all. 50 when absent."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["at"],
  "properties": {
    "preview_token": {
      "type": "string",
      "description": "Of a preview: commits it. Absent when a conflict keeps everything from being merged."},
    "batches": {
      "type": "array", "description": "Of a preview: the batches of the fork, in order.",
      "items": {
        "type": "object", "required": ["position", "events", "status"],
        "properties": {
          "position": {"description": "Of its first event, in the fork.", @position},
          "events": {"description": "How many it has.", @count},
          "status": {
            "type": "string", "enum": ["clean", "conflict", "duplicate"],
            "description": "clean can be appended, duplicate is there already."},
          "new_events": {"description": "Those the target has not, when it has some of them.", @count},
          "condition": {"type": "object", "description": "The first of its conditions that does not hold."},
          "found": {
            "type": "object", "description": "What stands against it in the target.",
            "properties": {
              "actual_version": {"description": "The stream's version.", @count},
              "first_match": {"description": "The first event that matches.", @position},
              "head": {
                "description": "The head. Without position: a batch before this one stays behind.", @position},
              "id": {"type": "string", "description": "An event id that another event has."},
              "position": {"description": "The event in the way.", @position}}}}}},
    "more_batches": {"description": "How many batches are not listed.", @count},
    "totals": {
      "type": "object", "description": "All batches by status, when not all are listed.",
      "properties": {
        "clean": {"description": "Clean ones.", @count},
        "conflict": {"description": "Those in conflict.", @count},
        "duplicate": {"description": "Duplicates.", @count}}},
    "touched_on_both": {
      "type": "array", "description": "Streams both sides appended to since they parted, by name.",
      "items": {
        "type": "object", "required": ["stream", "source_events", "target_events"],
        "properties": {
          "stream": {"type": "string", "description": "The stream."},
          "source_events": {"description": "Events of the fork.", @count},
          "target_events": {"description": "Events of the target.", @count}}}},
    "more_touched": {"description": "How many such streams are not listed.", @count},
    "would_append": {"description": "Events a commit appends.", @count},
    "first_position": {"description": "Of a commit: the first event's, in the target.", @position},
    "last_position": {"description": "The last event's.", @position},
    "appended": {"description": "Of a commit: events appended.", @count},
    "skipped": {"description": "Events of batches in conflict that stay behind.", @count},
    "duplicates": {"description": "Events the target has already.", @count},
    "replayed": {
      "type": "boolean", "description": "True when this had been merged before and nothing was added."},
    "at": {"description": "The target, as it was when this was decided or is after the merge.", @address}}})";

constexpr uint64_t kDefaultLimit = 50;
constexpr size_t kTokenNumbers = 2;  // the heads of source and target

struct Call {
  MergeRequest request;
  uint64_t limit = kDefaultLimit;
  uint64_t question = 0;
};

// What was asked, whatever the way of asking.
uint64_t digest_of(const ArgumentsView& arguments) {
  Json question = arguments.json();
  for (const char* name : {"preview_token", "request_id"}) question.erase(name);
  if (!question.contains("on_conflict")) question["on_conflict"] = "abort";
  return question_digest("merge_fork", ArgumentsView(question));
}

Result<Call> read_call(const ArgumentsView& arguments) {
  Call call;
  call.request.source = arguments.text("fork");
  call.request.target = arguments.text("into");
  const std::string on_conflict = arguments.text("on_conflict");
  if (on_conflict == "skip") call.request.on_conflict = OnConflict::kSkip;
  if (on_conflict == "source_wins") call.request.on_conflict = OnConflict::kSourceWins;
  if (const Json* only = arguments.find("only")) {
    auto match = read_match(*only, "only");
    if (!match) return match.error();
    call.request.only = *std::move(match);
  }
  call.limit = arguments.integer("limit", kDefaultLimit);
  call.question = digest_of(arguments);
  return call;
}

Result<std::string> preview(const Store& store, const Call& call) {
  const auto plan = store.plan_merge(call.request);
  if (!plan) return plan.error();
  std::string token;
  if (!plan->is_blocked) token = make_cursor({plan->source_head.value, plan->target_head.value}, call.question);
  return preview_text(store, *plan, call.limit, token);
}

// An agent whose preview is out of date gets the next one at once.
Error with_new_preview(const Store& store, const Call& call, Error error) {
  if (error.code != Code::kConflict) return error;
  const auto renewed = preview(store, call);
  if (!renewed) return error;
  error.message += " (details.preview is a new one)";
  // Beside what the engine told, which is an object with members, or nothing.
  std::string details = error.details.empty() ? "{" : error.details.substr(0, error.details.size() - 1) + ",";
  error.details = std::move(details) + "\"preview\":" + *renewed + "}";
  return error;
}

Result<std::string> commit(CallContext& context, const Call& call, const ArgumentsView& arguments) {
  const auto heads = read_cursor(arguments.text("preview_token"), kTokenNumbers, call.question);
  if (!heads) {
    return Error{Code::kInvalidArgument,
                 "the preview_token does not belong to this merge: send it as it was given, with the same fork, into, "
                 "on_conflict and only as the preview, or leave it out for a new preview",
                 ""};
  }
  Store::MergeCommit wanted;
  wanted.request = call.request;
  wanted.source_head = Position{(*heads)[0]};
  wanted.target_head = Position{(*heads)[1]};
  wanted.principal = context.principal;
  wanted.request_id = arguments.text("request_id");
  const auto merged = context.store->merge(wanted);
  if (!merged) return with_new_preview(*context.store, call, merged.error());
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  if (merged->appended > 0) {
    json.key("first_position").integer(merged->first_position.value);
    json.key("last_position").integer(merged->last_position.value);
  }
  json.key("appended").integer(merged->appended);
  json.key("skipped").integer(merged->skipped);
  json.key("duplicates").integer(merged->duplicates);
  if (merged->replayed) json.key("replayed").boolean(true);
  json.key("at");
  write_address(json, *context.store, merged->target,
                merged->appended > 0 ? merged->last_position : wanted.target_head);
  json.end_object();
  return answer;
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto read = read_call(arguments->view());
  if (!read) return read.error();
  if (!arguments->view().has("preview_token")) return preview(*context.store, *read);
  return commit(context, *read, arguments->view());
}

}  // namespace

Tool merge_fork_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "merge_fork",
              .title = "Merge a fork",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
