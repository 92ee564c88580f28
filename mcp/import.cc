// Exactly once, without keeping any state beside the store.
//
// The input is cut into blocks, each one batch with a request id made of its content: of the import's id, the fork, the
// block's first line and length, and the running hash of everything from the first line of the input to the end of the
// block.  The store never commits a request id twice, so the same blocks cut again are harmless, and blocks are
// put in order, so that after any crash what is there is the first k blocks.
//
// The cut must survive a file that has grown (its former last block was short), another --batch and a bad line that was
// mended.  So a block's length is always a power of two, and it begins at a multiple of its length:
//
//   lines 0 ......... 1023 | 1024 ..... 1279 | 1280 .. 1311 | 1312-1315      1,316 lines, --batch 1024
//         1024                   256               32             4
//
// Whatever cut an earlier run made, the block that begins at line i has one of at most 14 lengths (kMaxBlockBytes
// leaves fewer), and each would have its own id.  To resume, the store is asked about these ids, longest first: the one
// it knows is skipped, unread; when it knows none, line i is the first that is new, and from there on nothing is
// asked any more.  A copy of the file whose beginning was changed has other ids: it is another input.
//
// The same lines on purpose once more: another import id.
//
// Speed: the calling thread finds lines and stages blocks in order; others check and encode the blocks to come
// (mcp/block_encoders.h), and one makes durable what is staged (mcp/import_target.h).  A line that is wrong is met when
// blocks behind it are already on their way: they are dropped, the lines before it in its block are cut once more.
#include "mcp/import.h"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

#include "core/content_chain.h"
#include "core/log.h"
#include "mcp/block_encoders.h"
#include "mcp/line_window.h"

namespace chronos {
namespace {

constexpr size_t kMaxBlockLines = 8192;
// A block has at most this many bytes, or one line.  May grow in a later version, never shrink: it bounds what is
// looked for when resuming.
constexpr size_t kMaxBlockBytes = size_t{512} << 10;

// More have nothing to do: the calling thread takes about a third of the time of one.
constexpr unsigned kMostEncoders = 4;

size_t encoders_here() { return std::clamp(std::thread::hardware_concurrency(), 1U, kMostEncoders); }

class Import {
 public:
  Import(ImportTarget& target, const ImportOptions& options)
      : target_(target),
        options_(options),
        block_lines_(std::bit_floor(std::clamp<size_t>(options.block_lines, 1, kMaxBlockLines))),
        window_({options.fd, options.stop_fd}, ContentChain{}.then(options.import_id).then(options.fork),
                {kMaxBlockLines, kMaxBlockBytes}),
        encoders_(target, encoders_here()) {}

  ImportReport run() {
    auto done = put_all();
    auto durable = target_.finish();
    if (!durable) {
      report_.failure = durable.error();
    } else if (!done) {
      report_.failure = done.error();
    } else if (!report_.stopped) {
      report_.failure = std::move(bad_line_);
    }
    report_.bytes_read = window_.bytes_read();
    return std::move(report_);
  }

 private:
  Result<void> put_all();
  Result<void> fill();
  Result<bool> put_next();
  Result<bool> send_block();
  Result<void> commit_next();
  Result<void> commit_before_wrong(const TakenBlock& taken);
  Result<void> commit(EncodedBlock encoded, const ImportBlock& block);
  bool stop_requested() const;
  Result<size_t> known_block();
  ImportBlock cut(size_t lines) const;
  std::string request_id(uint64_t index, size_t lines, const ContentChain& chain) const;
  bool fits(size_t lines) const {
    return lines <= window_.size() && index_ % lines == 0 && (lines == 1 || window_.bytes(lines) <= kMaxBlockBytes);
  }
  Error at_line(uint64_t number, const Error& error) const {
    return Error{error.code, options_.source + ":" + std::to_string(number) + ": " + error.message, error.details};
  }

  ImportTarget& target_;
  const ImportOptions& options_;
  const size_t block_lines_;
  LineWindow window_;
  BlockEncoders encoders_;
  ImportReport report_;
  uint64_t index_ = 0;  // of the window's first line, counted from 0
  bool resuming_ = true;
  std::optional<Error> bad_line_;  // what comes before it is put, nothing after it
};

Result<void> Import::put_all() {
  while (true) {
    if (auto filled = fill(); !filled) return filled;
    report_.stopped = stop_requested();
    if (report_.stopped) return {};
    const auto more = put_next();
    if (!more) return more.error();
    if (!*more) return {};
  }
}

// Where the input lets us wait, as a pipe may, what was read before is put first.
Result<void> Import::fill() {
  if (bad_line_) return {};
  while (!encoders_.empty() && !window_.is_full() && !window_.has_input()) {
    if (auto put = commit_next(); !put || bad_line_) return put;
  }
  if (auto filled = window_.fill(); !filled) bad_line_ = at_line(window_.next_number(), filled.error());
  return {};
}

// One step: sends the next block to be encoded, or puts the oldest.  False when there is nothing left to do.
Result<bool> Import::put_next() {
  const bool can_send = encoders_.has_room() && (!resuming_ || encoders_.empty()) && !encoders_.is_ready();
  if (window_.size() > 0 && can_send) return send_block();
  if (encoders_.empty()) return false;
  if (auto put = commit_next(); !put) return put.error();
  return true;
}

Result<bool> Import::send_block() {
  size_t lines = 0;
  if (resuming_) {
    auto known = known_block();
    if (!known) return known.error();
    lines = *known;
  }
  if (lines > 0) {
    report_.skipped += lines;
    if (options_.progress) options_.progress(report_.imported + report_.skipped, window_.bytes_read());
  } else {
    resuming_ = false;
    lines = block_lines_;
    while (!fits(lines)) lines /= 2;
    encoders_.put(cut(lines));
  }
  window_.drop(lines);
  index_ += lines;
  return true;
}

ImportBlock Import::cut(size_t lines) const {
  ImportBlock block;
  block.index = index_;
  block.request_id = request_id(index_, lines, window_.line(lines - 1).chain);
  block.lines.reserve(lines);
  for (size_t i = 0; i < lines; i++) block.lines.push_back(window_.line(i));
  block.kept = window_.keep(lines);
  const size_t begin = block.lines.front().begin;
  for (LineWindow::Line& line : block.lines) line.begin -= begin;
  return block;
}

Result<void> Import::commit_next() {
  TakenBlock taken = encoders_.take();
  if (taken.wrong) return commit_before_wrong(taken);
  return commit(std::move(taken.encoded), taken.block);
}

Result<void> Import::commit(EncodedBlock encoded, const ImportBlock& block) {
  const size_t lines = block.lines.size();
  const auto put = target_.commit(std::move(encoded));
  if (!put) {
    const std::string where = "in the " + std::to_string(lines) + " events from here: ";
    const Error& error = put.error();
    return at_line(block.lines.front().number, Error{error.code, where + error.message, error.details});
  }
  resuming_ = resuming_ || *put;
  (*put ? report_.skipped : report_.imported) += lines;
  if (options_.progress) options_.progress(report_.imported + report_.skipped, window_.bytes_read());
  return {};
}

// Nothing behind the wrong line is put.
Result<void> Import::commit_before_wrong(const TakenBlock& taken) {
  const std::vector<LineWindow::Line>& lines = taken.block.lines;
  bad_line_ = at_line(lines[std::min(taken.good, lines.size() - 1)].number, *taken.wrong);
  while (!encoders_.empty()) encoders_.take();
  window_.drop(window_.size());
  if (taken.good == lines.size()) return {};
  LineEncoder encoder(target_);
  for (size_t begin = 0; begin < taken.good;) {
    const uint64_t index = taken.block.index + begin;
    size_t size = block_lines_;
    while (size > taken.good - begin || index % size != 0) size /= 2;
    ImportBlock part;
    part.index = index;
    part.request_id = request_id(index, size, lines[begin + size - 1].chain);
    part.kept = taken.block.kept;
    part.lines.assign(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                      lines.begin() + static_cast<std::ptrdiff_t>(begin + size));
    TakenBlock encoded = encoder.encode(std::move(part));
    if (encoded.wrong) return at_line(encoded.block.lines.front().number, *encoded.wrong);
    if (auto put = commit(std::move(encoded.encoded), encoded.block); !put) return put;
    begin += size;
  }
  return {};
}

bool Import::stop_requested() const {
  pollfd stop = {options_.stop_fd, POLLIN, 0};
  return options_.stop_fd >= 0 && ::poll(&stop, 1, 0) > 0;
}

// How many lines from here on are one block that the store has; 0 when it has none that begins here.
Result<size_t> Import::known_block() {
  for (size_t lines = kMaxBlockLines; lines > 0; lines /= 2) {
    if (!fits(lines)) continue;
    auto known = target_.knows(request_id(index_, lines, window_.line(lines - 1).chain));
    if (!known) return known.error();
    if (*known) return lines;
  }
  return size_t{0};
}

std::string Import::request_id(uint64_t index, size_t lines, const ContentChain& chain) const {
  return "import:" + std::to_string(index + 1) + "+" + std::to_string(lines) + ":" + chain.hex();
}

}  // namespace

ImportReport import_events(ImportTarget& target, const ImportOptions& options) { return Import(target, options).run(); }

}  // namespace chronos
