#include "core/verify.h"

#include <string>
#include <unordered_map>

#include "core/log_format.h"

namespace chronos {
namespace {

constexpr size_t kMostProblems = 100;
constexpr uint64_t kStep = 10'000;  // events between two reports

class HistoryCheck {
 public:
  explicit HistoryCheck(HistoryReport& report) : report_(report) {}

  // Checks the events of `view` after `from`.  False when `go_on` ended it.
  bool check(const View& view, Position from, const std::function<bool(uint64_t events)>& go_on) {
    view_ = &view;
    versions_.clear();
    last_time_ = from.value == 0 ? Timestamp{0} : view.at(from).recorded_at();
    for (uint64_t p = from.value + 1; p <= view.head().value; p++) {
      check_event(view.at(Position{p}), Position{p});
      report_.events++;
      if (report_.events % kStep == 0 && !go_on(report_.events)) return false;
    }
    for (const auto& [stream, version] : versions_) {
      const size_t indexed = view.stream(stream).size();
      if (indexed != version) {
        problem(view.head(), "stream '" + stream + "' has version " + std::to_string(version) + " but " +
                                 std::to_string(indexed) + " events in the index");
      }
    }
    return true;
  }

 private:
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
    const PositionList type = view_->type(event.type());
    const size_t rank = type.rank(expected);
    if (rank == 0 || type[rank - 1] != expected) problem(expected, "is missing from the index of its type");
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
  std::unordered_map<std::string, uint32_t> versions_;
};

}  // namespace

HistoryReport verify_views(const std::vector<View>& views, const std::function<bool(double done)>& go_on) {
  uint64_t total = 0;
  for (const View& view : views) total += view.own_events();
  HistoryReport report;
  HistoryCheck check(report);
  const auto tell = [&](uint64_t events) {
    return go_on == nullptr || go_on(total == 0 ? 1.0 : static_cast<double>(events) / static_cast<double>(total));
  };
  for (const View& view : views) {
    if (check.check(view, Position{view.head().value - view.own_events()}, tell)) continue;
    report.complete = false;
    break;
  }
  return report;
}

}  // namespace chronos
