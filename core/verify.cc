#include "core/verify.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/damage.h"
#include "core/log_format.h"

namespace chronos {
namespace {

constexpr size_t kMostProblems = 100;
constexpr uint64_t kStep = 10'000;  // events between two reports

class HistoryCheck {
 public:
  explicit HistoryCheck(HistoryReport& report) : report_(report) {}
  // Damage that is told already.
  void known(const std::string& what) { told_.insert(what); }

  // Checks the events of `view` after `from`.  False when `go_on` ended it.
  bool check(const View& view, Position from, const std::function<bool(uint64_t events)>& go_on) {
    view_ = &view;
    versions_.clear();
    types_.clear();
    tags_.clear();
    is_damaged_ = false;
    last_time_ = Timestamp{0};
    if (from.value > 0) guarded(from, [&] { last_time_ = view.at(from).recorded_at(); });
    for (uint64_t p = from.value + 1; p <= view.head().value; p++) {
      guarded(Position{p}, [&] { check_event(view.at(Position{p}), Position{p}); });
      report_.events++;
      if (report_.events % kStep == 0 && !go_on(report_.events)) return false;
    }
    // The last event of a stream may be among those that cannot be read.
    if (is_damaged_) return true;
    for (const auto& [stream, version] : versions_) {
      guarded(view.head(), [&] { check_length(stream, version); });
    }
    return true;
  }

 private:
  // Damage is a problem like others, told once for each place.
  template <typename Check>
  void guarded(Position at, Check check) {
    try {
      check();
    } catch (const Damage& damage) {
      is_damaged_ = true;
      if (told_.insert(damage.error().message).second) problem(at, damage.error().message);
    }
  }

  void check_length(const std::string& stream, uint32_t version) {
    const size_t indexed = view_->stream(stream).size();
    if (indexed == version) return;
    problem(view_->head(), "stream '" + stream + "' has version " + std::to_string(version) + " but " +
                               std::to_string(indexed) + " events in the index");
  }

  void check_event(const Event& event, Position expected) {
    if (event.head().ordinal == 0) {
      report_.records++;
      const Commit commit = event.commit();
      const RecordHeader& header = commit.header();
      // An excerpt was made of bytes that were checked when they were read.
      const bool is_excerpt = commit.head().is_excerpt != 0;
      if (!is_excerpt && check_record(reinterpret_cast<const char*>(&header), record_length(header)) == 0) {
        problem(expected, "record " + std::to_string(header.lsn) + " is damaged in memory: its checksum is wrong");
      }
      if (event.recorded_at() < last_time_) problem(expected, "was recorded before the event before it");
      last_time_ = event.recorded_at();
    }
    if (event.position() != expected) {
      problem(expected, "says it is at position " + std::to_string(event.position().value));
    }
    check_version(event, expected);
    const auto of_type = [this](std::string_view name) { return view_->type(name); };
    const auto of_tag = [this](std::string_view name) { return view_->tag(name); };
    if (!is_indexed(types_, event.type(), expected, of_type))
      problem(expected, "is missing from the index of its type");
    event.for_each_tag([&](std::string_view tag) {
      if (!is_indexed(tags_, tag, expected, of_tag)) problem(expected, "is missing from the index of its tag");
    });
  }

  // Lists of names that come often are kept: reading on in one costs less than looking it up.
  using Lists = std::unordered_map<std::string, PositionList>;
  template <typename LookUp>
  static bool is_indexed(Lists& lists, std::string_view name, Position position, LookUp look_up) {
    constexpr size_t kMostKept = 256;
    const auto known = lists.find(std::string(name));
    if (known != lists.end()) return holds(known->second, position);
    PositionList list = look_up(name);
    const bool is_there = holds(list, position);
    if (lists.size() < kMostKept) lists.emplace(name, std::move(list));
    return is_there;
  }

  static bool holds(const PositionList& list, Position position) {
    const size_t rank = list.rank(position);
    return rank > 0 && list[rank - 1] == position;
  }

  void check_version(const Event& event, Position at) {
    const PositionList stream = view_->stream(event.stream());
    const size_t rank = stream.rank(at);
    if (rank == 0 || stream[rank - 1] != at) {
      problem(at, "is missing from the index of its stream");
    } else if (event.version().value != rank) {
      problem(at,
              "has version " + std::to_string(event.version().value) + " where " + std::to_string(rank) + " was due");
    }
    versions_[std::string(event.stream())] = event.version().value;
  }

  void problem(Position at, std::string what) {
    if (report_.problems.size() < kMostProblems) report_.problems.push_back({view_->fork_name(), at, std::move(what)});
  }

  HistoryReport& report_;
  const View* view_ = nullptr;
  Timestamp last_time_;
  bool is_damaged_ = false;
  Lists types_;
  Lists tags_;
  std::unordered_set<std::string> told_;  // of damage
  std::unordered_map<std::string, uint32_t> versions_;
};

}  // namespace

bool verify_files(const std::vector<std::shared_ptr<const SealedSegment>>& segments, HistoryReport& report,
                  const std::function<bool(double done)>& go_on) {
  constexpr uint64_t kPages = 1024;  // between two reports
  uint64_t total = 0;
  uint64_t done = 0;
  for (const auto& segment : segments) total += segment->file().pages();
  for (const auto& segment : segments) {
    const SealedFile& file = segment->file();
    for (uint64_t page = 0; page < file.pages(); page++, done++) {
      try {
        file.check_page(page);
      } catch (const Damage& damage) {
        if (report.problems.size() < kMostProblems) {
          report.problems.push_back(
              {segment->fork_name(), Position{segment->base().value + 1}, damage.error().message});
        }
      }
      if (done % kPages == 0 && go_on && !go_on(static_cast<double>(done) / static_cast<double>(total))) {
        report.complete = false;
        return false;
      }
    }
  }
  return true;
}

void verify_views(const std::vector<View>& views, HistoryReport& report,
                  const std::function<bool(double done)>& go_on) {
  uint64_t total = 0;
  for (const View& view : views) total += view.own_events();
  HistoryCheck check(report);
  for (const HistoryProblem& problem : report.problems) check.known(problem.what);
  const auto tell = [&](uint64_t events) {
    return go_on == nullptr || go_on(total == 0 ? 1.0 : static_cast<double>(events) / static_cast<double>(total));
  };
  for (const View& view : views) {
    if (check.check(view, Position{view.head().value - view.own_events()}, tell)) continue;
    report.complete = false;
    break;
  }
}

}  // namespace chronos
