// chronos import and chronos export.
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "mcp/commands.h"
#include "mcp/export.h"
#include "mcp/import.h"
#include "mcp/transfer_files.h"

namespace chronos {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

double seconds_since(SteadyTime start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// One line on a terminal, rewritten ten times a second.
class ProgressLine {
 public:
  explicit ProgressLine(int input) : is_shown_(::isatty(STDERR_FILENO) == 1) {
    struct stat status{};
    if (::fstat(input, &status) == 0 && S_ISREG(status.st_mode)) total_ = static_cast<double>(status.st_size);
  }
  ~ProgressLine() {
    if (drawn_ > 0) std::fprintf(stderr, "\r\033[K");
  }

  void show(uint64_t events, uint64_t bytes) {
    constexpr double kInterval = 0.1;
    if (!is_shown_ || seconds_since(start_) < (drawn_ + 1) * kInterval) return;
    drawn_ = static_cast<int>(seconds_since(start_) / kInterval);
    std::string bar;
    if (total_ > 0) {
      constexpr int kWidth = 30;
      const double part = std::min(1.0, static_cast<double>(bytes) / total_);
      const int filled = static_cast<int>(part * kWidth);
      bar = "[" + std::string(filled, '#') + std::string(kWidth - filled, ' ') + "] " +
            std::to_string(static_cast<int>(part * 100)) + " %  ";
    }
    std::fprintf(stderr, "\r\033[K%s%llu events  %.0f/s", bar.c_str(), static_cast<unsigned long long>(events),
                 static_cast<double>(events) / seconds_since(start_));
  }

 private:
  const bool is_shown_;
  const SteadyTime start_ = std::chrono::steady_clock::now();
  double total_ = 0;
  int drawn_ = 0;
};

// Standard input, or a file that is closed in the end.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : fd_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~InputFile() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

void print_summary(const ImportReport& report, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(report.imported) / seconds : 0;
  std::fprintf(stderr, "%llu events imported in %.2f s (%.0f events/s), %llu skipped as already there%s\n",
               static_cast<unsigned long long>(report.imported), seconds, rate,
               static_cast<unsigned long long>(report.skipped),
               report.stopped ? "; interrupted, run it again to go on" : "");
}

std::string new_import_id(Random& random) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random.next()));
  return text;
}

// Blocks of half a MiB come and go by the thousand: their memory stays with the process, instead of going back to the
// system and coming again, page by page.
void keep_block_memory() {
#ifdef M_MMAP_THRESHOLD
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  ::mallopt(M_TOP_PAD, 4 << 20);
#endif
}

// What an import leaves to be sealed, the next one to open the store would have to read.
void seal_much(Store& store) {
  constexpr uint64_t kMuch = uint64_t{32} << 20;
  if (store.status().log_bytes < kMuch) return;
  if (::isatty(STDERR_FILENO) == 1) std::fputs("sealing it ...\n", stderr);
  // It is all there already, and sealing goes on by itself when the store is used.
  if (auto sealed = store.seal(); !sealed) std::fprintf(stderr, "not sealed: %s\n", sealed.error().message.c_str());
}

}  // namespace

ExitCode run_import(const CommandLine& line, Workplace place) {
  const InputFile input(line.file);
  if (input.fd() < 0) {
    return fail({Code::kNotFound, "cannot read '" + line.file + "': " + std::generic_category().message(errno), ""},
                kExitBadInput);
  }
  auto store = place.backend.local_store();
  if (!store) return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));

  keep_block_memory();
  ProgressLine progress(input.fd());
  ImportOptions options;
  options.fd = input.fd();
  options.stop_fd = place.stop.fd();
  options.source = line.file == "-" ? "standard input" : line.file;
  options.fork = line.fork;
  options.block_lines = line.batch;
  options.import_id = line.again ? new_import_id(place.random) : line.import_id;
  options.progress = [&](uint64_t events, uint64_t bytes) { progress.show(events, bytes); };
  if (line.again) std::fprintf(stderr, "to resume this import: --import-id %s\n", options.import_id.c_str());

  const SteadyTime start = std::chrono::steady_clock::now();
  std::unique_ptr<ImportTarget> target;
  const ImportHead head{line.fork, local_principal(line.actor)};
  if (*store != nullptr) {
    target = std::make_unique<StoreImportTarget>(**store, head);
  } else {
    target = std::make_unique<ForwardedImportTarget>(place.backend, head);
  }
  const ImportReport report = import_events(*target, options);
  print_summary(report, seconds_since(start));
  if (report.failure) return fail(*report.failure, exit_code_of(*report.failure, kExitBadInput));
  if (report.stopped) return kExitInterrupted;
  if (*store != nullptr) seal_much(**store);
  return kExitOk;
}

ExitCode run_export(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.data_directory); !exists)
    return fail(exists.error(), kExitUnavailable);
  auto store = place.backend.local_store();
  if (!store) return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));
  auto output = OutputFile::open(line.file);
  if (!output) return fail(output.error(), kExitFailed);

  ExportOptions options;
  options.fork = line.fork;
  options.as_of = line.as_of;
  options.stream = line.stream;
  options.since = Position{line.since_position};
  options.principal = local_principal(line.actor);
  options.stop_requested = [&] { return place.stop.came(); };
  options.write = [&](std::string_view lines) { return output->write(lines); };
  auto report = *store != nullptr ? export_events(**store, options) : export_forwarded(place.backend, options);
  if (!report) return fail(report.error(), kExitFailed);
  if (report->stopped) return kExitInterrupted;
  if (auto finished = output->finish(); !finished) return fail(finished.error(), kExitFailed);
  if (line.file != "-") {
    std::fprintf(stderr, "%llu events exported\n", static_cast<unsigned long long>(report->events));
  }
  return kExitOk;
}

}  // namespace chronos
