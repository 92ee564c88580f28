// The blocks of an import on their way into the store: encoded in threads of their own, handed back in order.
//
//   put(block) --> [ waiting | being encoded | encoded ] --> take(): the oldest, when it is encoded
//
// Checking and encoding a line costs about as much as all the rest of an import; so the thread that finds the lines and
// puts the blocks does neither.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/event_json.h"
#include "core/result.h"
#include "core/valid_json_scan.h"
#include "mcp/import_target.h"
#include "mcp/line_window.h"

namespace chronos {

// Lines that are put as one batch.
struct ImportBlock {
  uint64_t index = 0;  // of its first line in the input, counted from 0
  std::string request_id;
  LineWindow::Kept kept;
  std::vector<LineWindow::Line> lines;  // places in the text kept

  std::string_view line(size_t i) const { return {kept.text.data() + lines[i].begin, lines[i].size}; }
};

struct TakenBlock {
  ImportBlock block;
  size_t good = 0;             // lines from its first one on that are events
  std::optional<Error> wrong;  // with the line behind them, or with the block; `encoded` is of no use then
  EncodedBlock encoded;
};

// Checks and encodes the lines of a block, in the calling thread.  Keeps its buffers; one thread.
class LineEncoder {
 public:
  // Requires: target outlives it.
  explicit LineEncoder(const ImportTarget& target)
      : encoder_(target.encoder()), decoder_(target.limits(), EventSource::kExport) {}
  TakenBlock encode(ImportBlock block);

 private:
  Result<void> add(std::string_view line);

  const std::unique_ptr<ImportTarget::Encoder> encoder_;
  JsonScan scan_;
  EventDecoder decoder_;
};

// One thread puts and takes.
class BlockEncoders {
 public:
  // Requires: target outlives it; threads >= 1.
  BlockEncoders(const ImportTarget& target, size_t threads);
  // Drops what was not taken.
  ~BlockEncoders();
  BlockEncoders(const BlockEncoders&) = delete;
  BlockEncoders& operator=(const BlockEncoders&) = delete;

  bool empty() const { return on_the_way_ == 0; }
  // A few blocks for each thread: what they hold is bounded.
  bool has_room() const { return on_the_way_ < 4 * threads_.size(); }
  // Requires: has_room().
  void put(ImportBlock block);
  // Whether take() would not wait.
  bool is_ready();
  // Requires: not empty().
  TakenBlock take();

 private:
  struct Slot {
    TakenBlock taken;
    bool is_done = false;
  };
  void run();

  const ImportTarget& target_;
  size_t on_the_way_ = 0;  // of the thread that puts and takes

  std::mutex mutex_;  // guards what follows
  std::condition_variable put_cv_;
  std::condition_variable done_cv_;
  std::deque<std::shared_ptr<Slot>> slots_;    // oldest first
  std::deque<std::shared_ptr<Slot>> waiting_;  // those of them that no thread has begun
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace chronos
