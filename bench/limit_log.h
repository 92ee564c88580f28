// The smallest honest event store: what is left when everything but the work itself is taken out of one.
//
// A record is a head, the data and the metadata, with a checksum; it goes into a buffer, buffers go to a thread that
// writes and syncs all of them there are (group commit).  In memory: where each record begins, its time, and the
// positions of each stream.  No conditions, no forks, no repeated requests, no check of JSON that is not visited.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace chronos::bench {

struct LimitEvent {
  std::string_view stream;
  std::string_view type;
  std::string_view data;
  std::string_view metadata;
};

// CRC-32C where the processor has it.
uint32_t limit_checksum(uint32_t so_far, std::string_view bytes);

// Names to numbers 0, 1, 2 ...: open addressing, the names in one string.
class LimitNames {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t find(std::string_view name) const { return find(name, hash(name)); }
  uint32_t add(std::string_view name);  // the number it has, or gets
  std::string_view name(uint32_t number) const {
    return std::string_view(text_).substr(begins_[number], begins_[number + 1] - begins_[number]);
  }
  size_t size() const { return begins_.size() - 1; }

 private:
  struct Slot {
    uint32_t tag = 0;  // 0: free
    uint32_t number = 0;
  };
  static uint64_t hash(std::string_view name);
  uint32_t find(std::string_view name, uint64_t hash) const;
  void put(uint64_t hash, uint32_t number);

  std::vector<Slot> slots_ = std::vector<Slot>(1024);  // a power of two
  std::string text_;
  std::vector<size_t> begins_ = {0};
};

class LimitLog {
 public:
  struct Options {
    std::string directory;
    bool sync = true;
    size_t buffers = 8;  // of 1 MiB, in flight at most
  };
  struct Head {
    uint32_t checksum;
    uint32_t length;  // of data and metadata
    uint32_t stream;
    uint32_t version;
    uint64_t time;
    uint32_t data_length;
    uint16_t type;
    uint16_t kind;  // 0 an event, 1 a stream's name, 2 a type's name
  };
  static_assert(sizeof(Head) == 32);

  explicit LimitLog(const Options& options);  // the directory is emptied
  ~LimitLog();
  LimitLog(const LimitLog&) = delete;
  LimitLog& operator=(const LimitLog&) = delete;

  // Of the payload: the part of the checksum that needs no lock.
  static uint32_t payload_checksum(const LimitEvent& event) {
    return limit_checksum(limit_checksum(0, event.data), event.metadata);
  }
  // Returns how many events there are now.  Requires: `held` is mutex() locked, or null from the only appender.
  uint64_t append(const LimitEvent& event, uint32_t payload_checksum, std::unique_lock<std::mutex>* held);
  std::mutex& mutex() { return mutex_; }
  void wait_durable(std::unique_lock<std::mutex>& held, uint64_t events);
  // Everything is written, and durable when asked for.
  void finish();

  uint64_t bytes_written() const { return written_; }
  size_t size() const { return places_.size(); }

  // Reads: after finish() and map().
  void map();
  const Head* at(uint64_t index) const {
    const uint64_t place = places_[index];
    return reinterpret_cast<const Head*>(maps_[place / kSegment] + place % kSegment);
  }
  const std::vector<uint32_t>& stream(std::string_view name) const { return streams_[names_.find(name)]; }
  std::string_view stream_name(const Head& head) const { return names_.name(head.stream); }
  std::string_view type_name(const Head& head) const { return types_.name(head.type); }
  uint64_t time(uint64_t index) const { return times_[index]; }
  // Reads everything back: checks the checksums, rebuilds the index.  Returns the events found.
  size_t scan() const;

 private:
  static constexpr size_t kSegment = size_t{64} << 20;
  static constexpr size_t kBuffer = size_t{1} << 20;
  struct Buffer {
    std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kBuffer);
    size_t used = 0;
    uint64_t base = 0;
    uint64_t events = 0;  // after the last one in it
  };

  void append_name(uint16_t kind, std::string_view name, uint32_t number, std::unique_lock<std::mutex>* held);
  void make_room(size_t bytes, std::unique_lock<std::mutex>* held);
  std::unique_ptr<Buffer> fresh();
  void seal();
  void hand_over(std::unique_lock<std::mutex>& held);
  void open_segment(size_t number);
  void write(const Buffer& buffer);
  void write_and_sync(const std::vector<std::unique_ptr<Buffer>>& group);
  void run_writer();

  Options options_;
  std::mutex mutex_;
  std::condition_variable to_writer_, from_writer_, durable_changed_;
  std::unique_ptr<Buffer> current_;
  std::vector<std::unique_ptr<Buffer>> queue_, free_;
  uint64_t next_base_ = 0;
  uint64_t durable_ = 0;  // events
  uint64_t wanted_ = 0;
  uint64_t written_ = 0;
  bool stopping_ = false;
  std::vector<int> segments_;
  std::vector<const char*> maps_;
  LimitNames names_, types_;
  size_t known_types_ = 0;
  std::vector<std::vector<uint32_t>> streams_;
  std::vector<uint64_t> places_, times_;
  std::thread writer_;
};

}  // namespace chronos::bench
