#include "mcp/denied_log.h"

#include <algorithm>
#include <utility>

#include "core/time_text.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

constexpr int kMostProcesses = 8;
constexpr size_t kMostTextBytes = 200;

// Whatever bytes came, cut: control characters and what is not ASCII become '?', so that a line stays a line, and
// whoever reads it in a terminal is safe.
std::string plain(std::string_view text) {
  std::string kept(text.substr(0, kMostTextBytes));
  for (char& c : kept) {
    if (c < ' ' || c > '~') c = '?';
  }
  return kept;
}

void put(std::string& line, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  line += ",\"";
  line += key;
  line += "\":";
  append_json_string(line, plain(text));
}

}  // namespace

DeniedLog::DeniedLog(Disk& disk, std::string directory, Clock& clock)
    : disk_(disk), directory_(std::move(directory)), clock_(clock) {}

void DeniedLog::note(const DeniedCall& call) {
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.now();
  if (!may_write(now)) {
    skipped_++;
    return;
  }
  std::string line = "{\"at\":\"" + format_time(now) + "\",\"status\":" + std::to_string(call.status);
  put(line, "code", call.code);
  put(line, "principal", call.principal);
  put(line, "peer", call.peer);
  put(line, "method", call.method);
  put(line, "path", call.path);
  put(line, "tool", call.tool);
  put(line, "reason", call.reason);
  if (skipped_ > 0) line += ",\"not_written_before\":" + std::to_string(skipped_);
  append(line + "}\n");
}

bool DeniedLog::may_write(Timestamp now) {
  const double passed = static_cast<double>(std::max<int64_t>(0, now.value - refilled_.value)) / 1e6;
  lines_ = std::min(kBurst, lines_ + passed * kLinesPerSecond);
  refilled_ = now;
  if (lines_ < 1) return false;
  lines_ -= 1;
  return true;
}

std::string DeniedLog::path(std::string_view suffix) const {
  return directory_ + "/" + name_ + std::string(suffix) + ".ndjson";
}

// The name is that of the first process; another one that serves the same directory takes the next.
bool DeniedLog::open_file() {
  for (int process = 1; process <= kMostProcesses && lock_ == nullptr; process++) {
    name_ = process == 1 ? "denied" : "denied-" + std::to_string(process);
    auto lock = disk_.lock(directory_ + "/" + name_ + ".lock");
    if (lock) lock_ = std::move(*lock);
  }
  if (lock_ == nullptr) return false;
  auto file = disk_.open(path(""), OpenMode::kReadWrite);
  if (!file && file.error().code == Code::kNotFound) file = disk_.open(path(""), OpenMode::kCreate);
  if (!file) return false;
  const auto size = (*file)->size();
  if (!size) return false;
  file_ = std::move(*file);
  size_ = *size;
  return true;
}

bool DeniedLog::rotate() {
  file_.reset();
  return disk_.rename(path(""), path(".1")).has_value() && open_file();
}

void DeniedLog::append(std::string_view line) {
  bool is_open = file_ != nullptr || open_file();
  if (is_open && size_ + line.size() > kFileBytes) is_open = rotate();
  if (!is_open || !file_->write(size_, {&line, 1})) {
    skipped_++;
    return;
  }
  size_ += line.size();
  skipped_ = 0;
}

}  // namespace chronos
