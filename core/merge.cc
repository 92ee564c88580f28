// How a merge is decided.
//
//      ancestor A
//   ------o-----------x-----y--->  target      x, y: foreign, the source never saw them
//         |
//         '---[1]---[2]---[3]--->  source      batches, each with the conditions it was appended under
//
// The line that would be: the target as it is, and behind it, in order, the batches that are taken.  A batch is clean
// when its conditions hold at its place in that line:
//
//   * a version, that a stream exists, that something matches: looked up in the line, the batches taken before
//   included,
//     the events of the batch itself, where the target has some, not counted.
//   * that nothing matches after P, that nothing came after P: positions mean the same in both lines only up to A. What
//     the batch could not know of is what is foreign: events of the target after A that the source has not.  So the
//     first holds when no foreign event matches, the second when there is none and no batch before is left out.
//
// Events are the same when their ids are.  A batch whose events the target has already is a duplicate; of one that it
// has in part (another fork brought a part of it) the rest is taken.  An id that names other facts on the target is a
// conflict that nothing overrides.
//
// Batches in conflict are left out, or, if the source wins, taken without the conditions that do not hold.  What is
// recorded with a batch are the conditions that held, in positions of the target, so that a later merge of the target
// judges it again.
#include "core/merge.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/json_walk.h"
#include "core/replay_match.h"
#include "core/scan.h"

namespace chronos {
namespace {

constexpr size_t kMetadataRoom = 1024;  // for what merged_from adds to an event

class Planner {
 public:
  Planner(const View& source, const View& target, const MergeRequest& request)
      : source_(source), target_(target), request_(request) {
    plan_.source = source.fork_name();
    plan_.target = target.fork_name();
    plan_.ancestor = source.common_ancestor(target).position;
    plan_.source_head = source.head();
    plan_.target_head = target.head();
    taken_.resize(plan_.source_head.value - plan_.ancestor.value);
  }

  Result<MergePlan> run() {
    for (uint64_t p = plan_.ancestor.value + 1; p <= plan_.source_head.value;) {
      const Position first{p};
      const Position last = end_of_batch(first);
      if (is_wanted(first, last)) {
        if (auto decided = decide(first, last); !decided) return decided.error();
        if (plan_.would_append > kMostMerged) return too_many();
      } else {
        left_out_ = true;
      }
      p = last.value + 1;
    }
    list_touched();
    for (const MergeStep& step : plan_.steps) {
      const bool stays_behind = step.status == MergeStep::Status::kConflict && !is_taken(step, request_.on_conflict);
      if (stays_behind && request_.on_conflict != OnConflict::kSkip) plan_.is_blocked = true;
    }
    if (plan_.is_blocked) plan_.would_append = 0;
    return std::move(plan_);
  }

 private:
  // Of a stream that the source appended to.
  struct OfStream {
    uint64_t taken = 0;   // events that come with the merge, so far
    uint64_t known = 0;   // that the target has too
    uint64_t source = 0;  // all, since the ancestor
  };
  struct Own {  // events of the batch looked at that the target has
    std::map<std::string, uint32_t, std::less<>> by_stream;
  };

  Position begin_of_batch(Position position) const {
    const Event event = source_.at(position);
    return event.commit().first_position();
  }

  // A fork made in the middle of a batch has its beginning only.
  Position end_of_batch(Position first) const {
    const Event event = source_.at(first);
    const Commit commit = event.commit();
    Position last = std::min(commit.last_position(), plan_.source_head);
    while (begin_of_batch(last) != commit.first_position()) last.value--;
    return last;
  }

  bool is_wanted(Position first, Position last) const {
    if (request_.only.empty()) return true;
    for (uint64_t p = first.value; p <= last.value; p++) {
      if (matches(request_.only, source_.at(Position{p}))) return true;
    }
    return false;
  }

  Result<void> decide(Position first, Position last) {
    MergeStep step;
    step.position = first;
    step.events = static_cast<uint32_t>(last.value - first.value + 1);
    const CommitRecord batch = source_.batch(begin_of_batch(first));
    const Commit commit(batch.record);
    Own own;
    // Where the lines part inside a batch, the target has its beginning.
    for (uint64_t p = commit.first_position().value; p < first.value; p++) {
      own.by_stream[std::string(source_.at(Position{p}).stream())]++;
    }
    const uint64_t known_before = plan_.duplicates;
    find_known(first, last, step, own);
    if (step.missing.empty() && step.taken_id.empty()) {
      step.status = MergeStep::Status::kDuplicate;
      plan_.steps.push_back(std::move(step));
      return {};
    }
    auto conditions = decode_conditions(commit.conditions());
    if (!conditions) return conditions.error();
    for (Condition& condition : *conditions) judge(std::move(condition), own, step);
    if (!step.taken_id.empty()) step.status = MergeStep::Status::kConflict;
    if (is_taken(step, request_.on_conflict)) {
      take(step);
    } else {
      left_out_ = true;
      plan_.skipped += step.events - (plan_.duplicates - known_before);
    }
    plan_.steps.push_back(std::move(step));
    return {};
  }

  // Which events the target has, by id.
  void find_known(Position first, Position last, MergeStep& step, Own& own) {
    for (uint64_t p = first.value; p <= last.value; p++) {
      const Event event = source_.at(Position{p});
      OfStream& of_stream = streams_[std::string(event.stream())];
      of_stream.source++;
      const auto found = target_.find_id(event.id());
      if (!found) {
        step.missing.push_back(Position{p});
        continue;
      }
      if (!same_facts(event, target_.at(*found))) {
        if (step.taken_id.empty()) {
          step.taken_id = event.id();
          step.found = *found;
        }
        continue;
      }
      own.by_stream[std::string(event.stream())]++;
      of_stream.known++;
      plan_.duplicates++;
    }
  }

  void take(const MergeStep& step) {
    for (const Position position : step.missing) {
      taken_[position.value - plan_.ancestor.value - 1] = true;
      streams_[std::string(source_.at(position).stream())].taken++;
    }
    plan_.would_append += step.missing.size();
  }

  // Keeps the condition in the step if it holds, and notes the first one that does not.
  void judge(Condition condition, const Own& own, MergeStep& step) {
    Version version;
    Position found;
    if (holds(condition, own, version, found)) {
      const Position before{plan_.target_head.value + plan_.would_append};
      const bool is_of_the_source = condition.position > plan_.ancestor;
      if (condition.kind == Condition::Kind::kHead || is_of_the_source) condition.position = before;
      step.conditions.push_back(std::move(condition));
      return;
    }
    if (step.status == MergeStep::Status::kConflict) return;
    step.status = MergeStep::Status::kConflict;
    step.actual_version = version;
    if (step.taken_id.empty()) step.found = found;
    step.condition = std::move(condition);
  }

  bool holds(const Condition& condition, const Own& own, Version& version, Position& found) const {
    switch (condition.kind) {
      case Condition::Kind::kStreamVersion:
      case Condition::Kind::kStreamExists: {
        const auto mine = own.by_stream.find(condition.stream);
        const auto ours = streams_.find(condition.stream);
        uint64_t count = target_.stream(condition.stream).size();
        if (ours != streams_.end()) count += ours->second.taken;
        if (mine != own.by_stream.end()) count -= mine->second;
        version = Version{static_cast<uint32_t>(count)};
        return condition.kind == Condition::Kind::kStreamExists ? count > 0 : version == condition.version;
      }
      case Condition::Kind::kSomeMatch:
        return !find_matches(target_, condition.match, Position{0}, 1).empty() || matches_taken(condition.match);
      case Condition::Kind::kNoneMatch: {
        found = first_foreign(condition.match);
        return found.value == 0;
      }
      case Condition::Kind::kHead: {
        found = first_foreign({});
        return found.value == 0 && !left_out_;
      }
    }
    return false;
  }

  bool matches_taken(const Match& match) const {
    constexpr size_t kPage = 256;
    Position after = plan_.ancestor;
    for (;;) {
      const auto page = find_matches(source_, match, after, kPage);
      for (const Position position : page) {
        if (taken_[position.value - plan_.ancestor.value - 1]) return true;
      }
      if (page.size() < kPage) return false;
      after = page.back();
    }
  }

  // The first event that matches and that the target got since the ancestor from elsewhere; 0 without one.
  Position first_foreign(const Match& match) const {
    constexpr size_t kPage = 256;
    Position after = plan_.ancestor;
    for (;;) {
      const auto page = find_matches(target_, match, after, kPage);
      for (const Position position : page) {
        if (!source_.find_id(target_.at(position).id())) return position;
      }
      if (page.size() < kPage) return Position{0};
      after = page.back();
    }
  }

  void list_touched() {
    for (const auto& [name, of_stream] : streams_) {
      const PositionList on_target = target_.stream(name);
      const uint64_t since = on_target.size() - on_target.rank(plan_.ancestor);
      const uint64_t foreign = since - std::min(since, of_stream.known);
      const uint64_t own = of_stream.source - of_stream.known;
      if (foreign > 0 && own > 0) plan_.touched.push_back({std::string(name), own, foreign});
    }
    std::sort(plan_.touched.begin(), plan_.touched.end(),
              [](const TouchedStream& a, const TouchedStream& b) { return a.stream < b.stream; });
  }

  static Error too_many() {
    return {Code::kTooLarge,
            "the merge would append more than " + std::to_string(kMostMerged) +
                " events; merge a part of them at a time with only",
            {}};
  }

  const View& source_;
  const View& target_;
  const MergeRequest& request_;
  MergePlan plan_;
  std::unordered_map<std::string, OfStream> streams_;
  std::vector<bool> taken_;  // by position of the source after the ancestor
  bool left_out_ = false;    // a batch before this one does not come with the merge
};

// The event's metadata with where it was merged from, instead of where it was merged from before.
std::string merged_metadata(const Event& event, const MergeStep& step, const std::string& source) {
  std::string text = "{";
  if (!event.metadata().empty()) {
    JsonWalk walk(ValidJson::trusted(event.metadata()));
    walk.enter();
    for (std::string_view key; walk.next_member(key);) {
      const std::string_view value = walk.take();
      if (unescape_json(key) == "merged_from") continue;
      text.append(key).append(":").append(value).append(",");
    }
  }
  text += "\"merged_from\":{\"fork\":\"" + source + "\",\"position\":" + std::to_string(event.position().value);
  if (step.status == MergeStep::Status::kConflict) text += ",\"override\":true";
  return text + "}}";
}

Result<void> add_event(BatchBuilder& builder, const Event& event, const std::string& metadata) {
  const std::string id = event.id();
  std::vector<std::string_view> tags;
  event.for_each_tag([&](std::string_view tag) { tags.push_back(tag); });
  std::vector<float> embedding(event.embedding_size());
  event.copy_embedding(embedding.data());
  NewEvent copy;
  copy.stream = event.stream();
  copy.type = event.type();
  copy.data = event.data();
  copy.metadata = metadata;
  copy.id = id;
  copy.correlation_id = event.correlation_id();
  copy.causation_id = event.causation_id();
  copy.tags = tags;
  if (event.has_valid_at()) copy.valid_at = event.valid_at();
  copy.embedding = embedding;
  return builder.add(copy);
}

// What an event brought along when it was appended fits a merge too.
Limits limits_of_merge() {
  Limits limits;
  limits.event_bytes += kMetadataRoom;
  limits.batch_bytes += limits.batch_events * kMetadataRoom;
  return limits;
}

}  // namespace

bool is_taken(const MergeStep& step, OnConflict on_conflict) {
  if (step.status == MergeStep::Status::kClean) return true;
  return step.status == MergeStep::Status::kConflict && on_conflict == OnConflict::kSourceWins && step.taken_id.empty();
}

Result<MergePlan> plan_merge(const View& source, const View& target, const MergeRequest& request) {
  return Planner(source, target, request).run();
}

Result<std::vector<Batch>> build_merge(const View& source, const MergePlan& plan, const MergeRequest& request,
                                       const Principal& principal) {
  static const Limits kLimits = limits_of_merge();
  std::vector<Batch> batches;
  size_t bytes = 0;
  BatchBuilder builder(kLimits);
  for (const MergeStep& step : plan.steps) {
    if (!is_taken(step, request.on_conflict)) continue;
    BatchHead head;
    head.fork = plan.target;
    head.principal = principal;
    head.conditions = step.conditions;
    builder.begin(std::move(head));
    for (const Position position : step.missing) {
      const Event event = source.at(position);
      if (auto added = add_event(builder, event, merged_metadata(event, step, plan.source)); !added) {
        return added.error();
      }
    }
    auto batch = builder.finish();
    if (!batch) return batch.error();
    bytes += batch->length;
    if (bytes > kMostMergedBytes) {
      return Error{Code::kTooLarge,
                   "the merge would append more than " + std::to_string(kMostMergedBytes >> 20) +
                       " MiB; merge a part at a time with only",
                   {}};
    }
    batches.push_back(*std::move(batch));
  }
  return batches;
}

}  // namespace chronos
