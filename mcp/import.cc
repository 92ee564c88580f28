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
// Speed: the calling thread finds lines, validates, decodes, encodes and stages; another one makes durable what is
// staged (mcp/import_target.h).  Per event of 375 bytes validating takes most of it, about 200 ns.
#include "mcp/import.h"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "core/content_chain.h"
#include "core/event_json.h"
#include "core/valid_json.h"
#include "mcp/line_window.h"

namespace chronos {
namespace {

constexpr size_t kMaxBlockLines = 8192;
// A block has at most this many bytes, or one line.  May grow in a later version, never shrink: it bounds what is
// looked for when resuming.
constexpr size_t kMaxBlockBytes = size_t{512} << 10;

// What is deeper is not even looked at; the decoder tells which field is deeper than the limit.
constexpr size_t kParsedDepth = 1000;

class Import {
 public:
  Import(ImportTarget& target, const ImportOptions& options)
      : target_(target),
        options_(options),
        block_lines_(std::bit_floor(std::clamp<size_t>(options.block_lines, 1, kMaxBlockLines))),
        window_({options.fd, options.stop_fd}, ContentChain{}.then(options.import_id).then(options.fork),
                {kMaxBlockLines, kMaxBlockBytes}),
        decoder_(target.limits(), EventSource::kExport) {}

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
  bool stop_requested() const;
  Result<size_t> known_block();
  size_t next_block() const;
  Result<bool> put_block(size_t lines);
  Result<void> add_line(size_t i);
  std::string request_id(size_t lines) const;
  // The lines that can be used now: up to a bad one.
  size_t available() const { return std::min(window_.size(), static_cast<size_t>(first_bad_ - index_)); }
  bool fits(size_t lines) const {
    return lines <= available() && index_ % lines == 0 && (lines == 1 || window_.bytes(lines) <= kMaxBlockBytes);
  }
  Error at_line(uint64_t number, const Error& error) const {
    return Error{error.code, options_.source + ":" + std::to_string(number) + ": " + error.message, error.details};
  }

  ImportTarget& target_;
  const ImportOptions& options_;
  const size_t block_lines_;
  LineWindow window_;
  EventDecoder decoder_;
  ImportReport report_;
  uint64_t index_ = 0;               // of the window's first line, counted from 0
  uint64_t first_bad_ = UINT64_MAX;  // index of the bad line
  std::optional<Error> bad_line_;
};

Result<void> Import::put_all() {
  bool resuming = true;
  while (true) {
    if (auto filled = window_.fill(); !filled && !bad_line_) {
      bad_line_ = at_line(window_.next_number(), filled.error());
      first_bad_ = index_ + window_.size();
    }
    report_.stopped = stop_requested();
    if (available() == 0 || report_.stopped) return {};
    size_t lines = 0;
    if (resuming) {
      auto known = known_block();
      if (!known) return known.error();
      lines = *known;
    }
    if (lines > 0) {
      report_.skipped += lines;
    } else {
      lines = next_block();
      auto put = put_block(lines);
      if (!put && first_bad_ < index_ + lines) continue;  // cut again, before the bad line
      if (!put) return put.error();
      resuming = *put;
      (resuming ? report_.skipped : report_.imported) += lines;
    }
    window_.drop(lines);
    index_ += lines;
    if (options_.progress) options_.progress(report_.imported + report_.skipped, window_.bytes_read());
  }
}

bool Import::stop_requested() const {
  pollfd stop = {options_.stop_fd, POLLIN, 0};
  return options_.stop_fd >= 0 && ::poll(&stop, 1, 0) > 0;
}

// How many lines from here on are one block that the store has; 0 when it has none that begins here.
Result<size_t> Import::known_block() {
  for (size_t lines = kMaxBlockLines; lines > 0; lines /= 2) {
    if (!fits(lines)) continue;
    auto known = target_.knows(request_id(lines));
    if (!known) return known.error();
    if (*known) return lines;
  }
  return size_t{0};
}

size_t Import::next_block() const {
  size_t lines = block_lines_;
  while (!fits(lines)) lines /= 2;
  return lines;
}

// True when the store had it.
Result<bool> Import::put_block(size_t lines) {
  target_.begin(request_id(lines));
  for (size_t i = 0; i < lines; i++) {
    auto added = add_line(i);
    if (added) continue;
    bad_line_ = at_line(window_.line(i).number, added.error());
    first_bad_ = index_ + i;
    return added.error();
  }
  auto put = target_.commit();
  if (put) return put;
  const Error& error = put.error();
  const std::string where = "in the " + std::to_string(lines) + " events from here: ";
  return at_line(window_.line(0).number, Error{error.code, where + error.message, error.details});
}

Result<void> Import::add_line(size_t i) {
  auto json = validate_json(window_.text(i), kParsedDepth);
  if (!json) return json.error();
  auto event = decoder_.decode(*json);
  if (!event) return event.error();
  return target_.add(*event);
}

std::string Import::request_id(size_t lines) const {
  return "import:" + std::to_string(index_ + 1) + "+" + std::to_string(lines) + ":" +
         window_.line(lines - 1).chain.hex();
}

}  // namespace

ImportReport import_events(ImportTarget& target, const ImportOptions& options) { return Import(target, options).run(); }

}  // namespace chronos
