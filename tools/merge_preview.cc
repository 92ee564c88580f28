#include "tools/merge_preview.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "tools/conditions.h"
#include "tools/fork_text.h"
#include "tools/json_writer.h"

namespace chronos {
namespace {

// About as many tokens as a page of events has; conditions can be long.
constexpr size_t kMostBytes = size_t{32} << 10;

using Status = MergeStep::Status;

std::string_view status_name(Status status) {
  switch (status) {
    case Status::kClean: return "clean";
    case Status::kConflict: return "conflict";
    case Status::kDuplicate: return "duplicate";
  }
  return "";
}

// What stands against the condition on the target.
void write_found(JsonWriter& json, const MergeStep& step, Position target_head) {
  json.begin_object();
  if (!step.taken_id.empty()) {
    json.key("id").string(step.taken_id);
    json.key("position").integer(step.found.value);
  } else {
    switch (step.condition->kind) {
      case Condition::Kind::kStreamVersion:
      case Condition::Kind::kStreamExists: json.key("actual_version").integer(step.actual_version.value); break;
      case Condition::Kind::kNoneMatch: json.key("first_match").integer(step.found.value); break;
      case Condition::Kind::kSomeMatch: break;
      case Condition::Kind::kHead:
        json.key("head").integer(target_head.value);
        if (step.found.value > 0) json.key("position").integer(step.found.value);
        break;
    }
  }
  json.end_object();
}

std::string step_text(const MergeStep& step, Position target_head) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("position").integer(step.position.value);
  json.key("events").integer(step.events);
  json.key("status").string(status_name(step.status));
  if (step.status != Status::kDuplicate && step.missing.size() < step.events) {
    json.key("new_events").integer(step.missing.size());
  }
  if (step.status == Status::kConflict) {
    if (step.condition) {
      json.key("condition");
      write_condition(json, *step.condition);
    }
    if (step.condition || !step.taken_id.empty()) {
      json.key("found");
      write_found(json, step, target_head);
    }
  }
  json.end_object();
  return text;
}

// The texts of the steps that are listed, by their number.
std::map<size_t, std::string> choose_steps(const MergePlan& plan, uint64_t limit) {
  std::map<size_t, std::string> chosen;
  size_t bytes = 0;
  for (const bool conflicts : {true, false}) {
    for (size_t i = 0; i < plan.steps.size(); i++) {
      if ((plan.steps[i].status == Status::kConflict) != conflicts) continue;
      if (chosen.size() == limit) return chosen;
      std::string text = step_text(plan.steps[i], plan.target_head);
      bytes += text.size();
      if (!chosen.empty() && bytes > kMostBytes) return chosen;
      chosen.emplace(i, std::move(text));
    }
  }
  return chosen;
}

void write_batches(JsonWriter& json, const MergePlan& plan, uint64_t limit) {
  const auto chosen = choose_steps(plan, limit);
  json.key("batches").begin_array();
  for (const auto& [number, text] : chosen) json.next() += text;
  json.end_array();
  if (chosen.size() == plan.steps.size()) return;
  json.key("more_batches").integer(plan.steps.size() - chosen.size());
  json.key("totals").begin_object();
  for (const Status status : {Status::kClean, Status::kConflict, Status::kDuplicate}) {
    const auto has_it = [&](const MergeStep& step) { return step.status == status; };
    json.key(status_name(status)).integer(std::count_if(plan.steps.begin(), plan.steps.end(), has_it));
  }
  json.end_object();
}

void write_touched(JsonWriter& json, const MergePlan& plan, uint64_t limit) {
  json.key("touched_on_both").begin_array();
  const size_t listed = std::min<size_t>(plan.touched.size(), limit);
  for (size_t i = 0; i < listed; i++) {
    json.begin_object();
    json.key("stream").string(plan.touched[i].stream);
    json.key("source_events").integer(plan.touched[i].source_events);
    json.key("target_events").integer(plan.touched[i].target_events);
    json.end_object();
  }
  json.end_array();
  if (listed < plan.touched.size()) json.key("more_touched").integer(plan.touched.size() - listed);
}

}  // namespace

std::string preview_text(const Store& store, const MergePlan& plan, uint64_t limit, const std::string& token) {
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  if (!token.empty()) json.key("preview_token").string(token);
  write_batches(json, plan, limit);
  write_touched(json, plan, limit);
  json.key("would_append").integer(plan.would_append);
  if (plan.skipped > 0 && !plan.is_blocked) json.key("skipped").integer(plan.skipped);
  if (plan.duplicates > 0) json.key("duplicates").integer(plan.duplicates);
  json.key("at");
  write_address(json, store, plan.target, plan.target_head);
  json.end_object();
  return answer;
}

}  // namespace chronos
