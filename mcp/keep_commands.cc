// chronos verify, salvage, backup, restore.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "core/log.h"
#include "core/salvage.h"
#include "core/store_files.h"
#include "mcp/commands.h"
#include "mcp/transfer_files.h"
#include "tools/tool.h"

namespace chronos {
namespace {

ExitCode print(std::string text) {
  text += '\n';
  if (auto written = write_all(STDOUT_FILENO, text); !written) return fail(written.error(), kExitFailed);
  return kExitOk;
}

// The exit code when the store cannot be had.
ExitCode without_store(const Error& error) { return fail(error, exit_code_of(error, kExitUnavailable)); }

std::string counted(uint64_t number, const char* what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

// What is going on, on standard error: rewritten on a terminal, elsewhere a line every ten seconds.
class WorkLine {
 public:
  WorkLine() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~WorkLine() {
    if (is_drawn_ && is_terminal_) std::fprintf(stderr, "\r\033[K");
  }
  WorkLine(const WorkLine&) = delete;
  WorkLine& operator=(const WorkLine&) = delete;

  void show(const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + (is_terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
    is_drawn_ = true;
    std::fprintf(stderr, is_terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
  }
  void show_share(const char* what, double done) {
    show(std::string(what) + ": " + std::to_string(static_cast<int>(done * 100)) + " %");
  }

 private:
  const bool is_terminal_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

Result<nlohmann::json> ask(const CommandLine& line, Workplace place, const Tool* tool, const std::string& text) {
  std::string arguments = text;
  arguments.reserve(arguments.size() + kSimdPadding);
  ToolCall call;
  call.tool = tool;
  call.arguments = ValidJson::trusted(arguments);
  call.principal = local_principal(line.actor);
  auto answer = place.backend.call(call);
  if (!answer) return answer.error();
  return nlohmann::json::parse(*answer, nullptr, false);
}

// --- verify ---

ExitCode report_problems(const HistoryReport& report) {
  std::string text;
  for (const HistoryProblem& problem : report.problems) {
    text +=
        "fork " + problem.fork + ", position " + std::to_string(problem.position.value) + ": " + problem.what + '\n';
  }
  const bool ok = report.problems.empty();
  text += std::to_string(report.events) + " events in " + std::to_string(report.records) + " records checked: ";
  text += ok ? (report.complete ? "all whole" : "whole as far as it went (interrupted)") : "problems found";
  if (const ExitCode printed = print(text); printed != kExitOk) return printed;
  if (!ok) return kExitCorrupt;
  return report.complete ? kExitOk : kExitInterrupted;
}

// By the process that has the store.
ExitCode verify_forwarded(const CommandLine& line, Workplace place) {
  const auto json = ask(line, place, find_tool("verify_history"), "{}");
  if (!json) return without_store(json.error());
  std::string text;
  for (const auto& problem : json->value("problems", nlohmann::json::array())) text += problem.dump() + '\n';
  const bool ok = json->value("ok", false);
  static_cast<void>(
      print(text + std::to_string(json->value("events", uint64_t{0})) +
            " events checked by the process that has the store open: " + (ok ? "all whole" : "problems found")));
  return ok ? kExitOk : kExitCorrupt;
}

// Of a store that does not open: everything that is wrong with its files, not only what was met first.
ExitCode verify_files_of(const CommandLine& line, Workplace place, const Error& why) {
  static_cast<void>(fail(why, kExitCorrupt));
  auto files = StoreFiles::open(place.disk, line.data_directory);
  if (!files) return files.error().message == why.message ? kExitCorrupt : without_store(files.error());
  WorkLine work;
  (*files)->check_pages([&](double done) {
    work.show_share("checking the files", done);
    return !place.stop.came();
  });
  std::string text;
  for (const std::string& damage : (*files)->damages()) text += damage + '\n';
  static_cast<void>(print(text + "the store does not open; " + counted((*files)->damages().size(), "damaged place") +
                          " found in its files; save what is intact: chronos salvage " + line.data_directory +
                          " --to NEW"));
  return kExitCorrupt;
}

// --- salvage ---

std::string told(const SalvageReport& report, const std::string& to) {
  std::string text;
  for (const std::string& damage : report.damages) text += "damaged: " + damage + '\n';
  for (const LostEvents& lost : report.lost) {
    const bool is_one = lost.first == lost.last;
    text += "lost: fork " + lost.fork + ", position" + (is_one ? " " : "s ") + std::to_string(lost.first.value) +
            (is_one ? "" : " to " + std::to_string(lost.last.value)) + ": " + lost.what + '\n';
  }
  text +=
      counted(report.events, "event") + " in " + counted(report.forks, "fork") + " saved in " + to + ", " +
      (report.lost_events == 0 ? std::string("none known to be lost") : counted(report.lost_events, "event") + " lost");
  if (!report.complete) text += "; interrupted: the new store is not complete";
  return text;
}

StoreOptions new_store(const CommandLine& line, Workplace place) {
  StoreOptions options;
  options.directory = line.to;
  options.disk = &place.disk;
  options.clock = &place.clock;
  options.random = &place.random;
  options.max_memory = line.max_memory;
  return options;
}

SalvageProgress progress_of(WorkLine& work, const char* what, Workplace place) {
  return [&work, what, place](uint64_t events) {
    work.show(std::string(what) + ": " + std::to_string(events) + " events");
    return !place.stop.came();
  };
}

ExitCode check_restored(Workplace place) {
  auto store = place.backend.local_store();
  if (!store) return without_store(store.error());
  if (*store == nullptr) return kExitOk;
  WorkLine work;
  return report_problems((*store)->verify([&](double done) {
    work.show_share("checking what was restored", done);
    return !place.stop.came();
  }));
}

}  // namespace

ExitCode run_verify(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.data_directory); !exists) return without_store(exists.error());
  auto store = place.backend.local_store();
  if (!store && store.error().code == Code::kCorrupt) return verify_files_of(line, place, store.error());
  if (!store) return without_store(store.error());
  if (*store == nullptr) return verify_forwarded(line, place);
  const StoreStatus status = (*store)->status();
  if (!status.recovery_report.empty()) static_cast<void>(print("on opening: " + status.recovery_report));
  HistoryReport report;
  {
    WorkLine work;
    report = (*store)->verify([&](double done) {
      work.show_share("checking the history", done);
      return !place.stop.came();
    });
  }
  return report_problems(report);
}

ExitCode run_salvage(const CommandLine& line, Workplace place) {
  WorkLine work;
  const auto report = salvage(line.data_directory, new_store(line, place), progress_of(work, "saving", place));
  if (!report) return fail(report.error(), exit_code_of(report.error(), kExitFailed));
  if (const ExitCode printed = print(told(*report, line.to)); printed != kExitOk) return printed;
  if (!report->complete) return kExitInterrupted;
  return report->is_whole() ? kExitOk : kExitCorrupt;
}

ExitCode run_backup(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.data_directory); !exists) return without_store(exists.error());
  if (auto store = place.backend.local_store(); !store) return without_store(store.error());
  // The process that has the store may be at work elsewhere.
  std::error_code failed;
  const std::string to = std::filesystem::absolute(line.to, failed).lexically_normal().string();
  if (failed)
    return fail({Code::kInvalidArgument, "'" + line.to + "' is no directory: " + failed.message(), ""}, kExitFailed);
  const std::string arguments =
      nlohmann::json({{"to", to}}).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto answer = ask(line, place, find_admin_tool("backup_store"), arguments);
  if (!answer) return fail(answer.error(), exit_code_of(answer.error(), kExitFailed));
  const auto number = [&](const char* name) { return answer->value(name, uint64_t{0}); };
  return print("backed up main up to position " + std::to_string(number("position")) + ": " +
               counted(number("events"), "event") + " of all forks, " + std::to_string(number("bytes")) + " bytes in " +
               counted(number("segments"), "file") + ", in " + to);
}

ExitCode run_restore(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.from); !exists) return without_store(exists.error());
  if (!line.to_position) {
    auto restored = restore_all(place.disk, line.from, line.to);
    if (!restored) return fail(restored.error(), exit_code_of(restored.error(), kExitFailed));
    return check_restored(place);
  }
  {
    WorkLine work;
    const auto report = restore_to(line.from, new_store(line, place), Position{*line.to_position},
                                   progress_of(work, "restoring", place));
    if (!report) return fail(report.error(), exit_code_of(report.error(), kExitFailed));
  }
  const ExitCode checked = check_restored(place);
  if (checked != kExitOk) return checked;
  return print("main was restored up to position " + std::to_string(*line.to_position) +
               "; forks of the backup are left out");
}

}  // namespace chronos
