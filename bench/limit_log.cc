#include "bench/limit_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "bench/measure.h"

namespace chronos::bench {

#ifdef __SSE4_2__
uint32_t limit_checksum(uint32_t so_far, std::string_view bytes) {
  uint64_t sum = static_cast<uint32_t>(~so_far);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    sum = _mm_crc32_u64(sum, word);
  }
  auto narrow = static_cast<uint32_t>(sum);
  for (; left > 0; at++, left--) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return ~narrow;
}
#else
// As many steps a byte as the instruction takes: eight bytes a multiplication.
uint32_t limit_checksum(uint32_t so_far, std::string_view bytes) {
  uint64_t sum = so_far + 0x9e3779b97f4a7c15u;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    sum = (sum ^ word) * 0xbf58476d1ce4e5b9u;
    sum ^= sum >> 32;
  }
  for (; left > 0; at++, left--) sum = (sum ^ static_cast<unsigned char>(*at)) * 0x94d049bb133111ebu;
  return static_cast<uint32_t>(sum ^ (sum >> 32));
}
#endif

uint64_t LimitNames::hash(std::string_view name) {
  const uint64_t sum = uint64_t{limit_checksum(0, name)} << 32 | name.size();
  return (sum ^ (sum >> 29)) * 0xbf58476d1ce4e5b9u;
}

uint32_t LimitNames::find(std::string_view name, uint64_t hash) const {
  const uint32_t tag = static_cast<uint32_t>(hash >> 32) | 1;
  for (size_t i = hash;; i++) {
    const Slot& slot = slots_[i & (slots_.size() - 1)];
    if (slot.tag == 0) return kNone;
    if (slot.tag == tag && this->name(slot.number) == name) return slot.number;
  }
}

uint32_t LimitNames::add(std::string_view name) {
  const uint64_t hash = LimitNames::hash(name);
  const uint32_t known = find(name, hash);
  if (known != kNone) return known;
  if ((size() + 1) * 2 > slots_.size()) {
    slots_.assign(slots_.size() * 2, {});
    for (uint32_t i = 0; i < size(); i++) put(LimitNames::hash(this->name(i)), i);
  }
  text_.append(name);
  begins_.push_back(text_.size());
  const auto number = static_cast<uint32_t>(size() - 1);
  put(hash, number);
  return number;
}

void LimitNames::put(uint64_t hash, uint32_t number) {
  size_t i = hash;
  while (slots_[i & (slots_.size() - 1)].tag != 0) i++;
  slots_[i & (slots_.size() - 1)] = {static_cast<uint32_t>(hash >> 32) | 1, number};
}

namespace {

uint32_t record_checksum(uint32_t payload, const LimitLog::Head& head) {
  return limit_checksum(payload, {reinterpret_cast<const char*>(&head) + 4, sizeof head - 4});
}

}  // namespace

LimitLog::LimitLog(const Options& options) : options_(options) {
  std::filesystem::remove_all(options_.directory);
  std::filesystem::create_directories(options_.directory);
  open_segment(0);
  current_ = fresh();
  writer_ = std::thread([this] { run_writer(); });
}

LimitLog::~LimitLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  to_writer_.notify_all();
  writer_.join();
  for (const char* map : maps_) munmap(const_cast<char*>(map), kSegment);
  for (const int file : segments_) close(file);
  std::filesystem::remove_all(options_.directory);
}

uint64_t LimitLog::append(const LimitEvent& event, uint32_t payload_checksum, std::unique_lock<std::mutex>* held) {
  const uint32_t stream = names_.add(event.stream);
  if (stream == streams_.size()) {
    streams_.emplace_back();
    append_name(1, event.stream, stream, held);
  }
  const uint32_t type = types_.add(event.type);
  if (type == known_types_) {
    known_types_++;
    append_name(2, event.type, type, held);
  }
  const size_t length = event.data.size() + event.metadata.size();
  make_room(sizeof(Head) + length, held);
  const uint64_t index = places_.size();
  char* at = current_->bytes.get() + current_->used;
  Head head{0,
            static_cast<uint32_t>(length),
            stream,
            static_cast<uint32_t>(streams_[stream].size() + 1),
            index * 1000,
            static_cast<uint32_t>(event.data.size()),
            static_cast<uint16_t>(type),
            0};
  std::memcpy(at + sizeof head, event.data.data(), event.data.size());
  std::memcpy(at + sizeof head + event.data.size(), event.metadata.data(), event.metadata.size());
  head.checksum = record_checksum(payload_checksum, head);
  std::memcpy(at, &head, sizeof head);
  places_.push_back(current_->base + current_->used);
  times_.push_back(head.time);
  streams_[stream].push_back(static_cast<uint32_t>(index));
  current_->used += sizeof head + length;
  current_->events = index + 1;
  return index + 1;
}

void LimitLog::append_name(uint16_t kind, std::string_view name, uint32_t number, std::unique_lock<std::mutex>* held) {
  make_room(sizeof(Head) + name.size(), held);
  char* at = current_->bytes.get() + current_->used;
  Head head{0, static_cast<uint32_t>(name.size()), number, 0, 0, 0, 0, kind};
  head.checksum = record_checksum(limit_checksum(0, name), head);
  std::memcpy(at, &head, sizeof head);
  std::memcpy(at + sizeof head, name.data(), name.size());
  current_->used += sizeof head + name.size();
}

void LimitLog::make_room(size_t bytes, std::unique_lock<std::mutex>* held) {
  if (current_->used + bytes <= kBuffer) [[likely]]
    return;
  if (held != nullptr) return hand_over(*held);
  std::unique_lock lock(mutex_);
  hand_over(lock);
}

void LimitLog::wait_durable(std::unique_lock<std::mutex>& held, uint64_t events) {
  if (!options_.sync) return;
  wanted_ = std::max(wanted_, events);
  to_writer_.notify_one();
  durable_changed_.wait(held, [&] { return durable_ >= events; });
}

void LimitLog::finish() {
  std::unique_lock lock(mutex_);
  wanted_ = places_.size();
  to_writer_.notify_one();
  durable_changed_.wait(lock, [&] { return durable_ >= places_.size(); });
}

std::unique_ptr<LimitLog::Buffer> LimitLog::fresh() {
  std::unique_ptr<Buffer> buffer;
  if (free_.empty()) {
    buffer = std::make_unique<Buffer>();
  } else {
    buffer = std::move(free_.back());
    free_.pop_back();
  }
  // No buffer lies in two segments.
  if (next_base_ / kSegment != (next_base_ + kBuffer - 1) / kSegment)
    next_base_ = (next_base_ / kSegment + 1) * kSegment;
  buffer->base = next_base_;
  buffer->used = 0;
  return buffer;
}

void LimitLog::seal() {
  next_base_ = current_->base + current_->used;
  queue_.push_back(std::move(current_));
  current_ = fresh();
}

void LimitLog::hand_over(std::unique_lock<std::mutex>& held) {
  seal();
  to_writer_.notify_one();
  from_writer_.wait(held, [&] { return queue_.size() < options_.buffers; });
}

void LimitLog::open_segment(size_t number) {
  const std::string path = options_.directory + "/" + std::to_string(number);
  const int file = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) die("cannot create " + path);
  segments_.push_back(file);
  if (!options_.sync) return;
  const int directory = open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fsync(directory);
  close(directory);
}

void LimitLog::write(const Buffer& buffer) {
  const size_t number = buffer.base / kSegment;
  while (segments_.size() <= number) open_segment(segments_.size());
  for (size_t done = 0; done < buffer.used;) {
    const ssize_t n = pwrite(segments_[number], buffer.bytes.get() + done, buffer.used - done,
                             static_cast<off_t>(buffer.base % kSegment + done));
    if (n <= 0) die("cannot write to " + options_.directory);
    done += static_cast<size_t>(n);
  }
  written_ += buffer.used;
}

void LimitLog::write_and_sync(const std::vector<std::unique_ptr<Buffer>>& group) {
  size_t before = group.front()->base / kSegment;
  for (const auto& buffer : group) {
    const size_t number = buffer->base / kSegment;
    if (number != before && options_.sync && fdatasync(segments_[before]) != 0) die("cannot sync");
    write(*buffer);
    before = number;
  }
  if (options_.sync && fdatasync(segments_[before]) != 0) die("cannot sync");
}

void LimitLog::run_writer() {
  std::vector<std::unique_ptr<Buffer>> group;
  std::unique_lock lock(mutex_);
  for (;;) {
    to_writer_.wait(lock, [&] { return stopping_ || !queue_.empty() || (wanted_ > durable_ && current_->used > 0); });
    if (queue_.empty() && wanted_ > durable_ && current_->used > 0) seal();
    if (queue_.empty()) {
      if (stopping_) return;
      continue;
    }
    group.swap(queue_);
    const uint64_t events = group.back()->events;
    from_writer_.notify_all();
    lock.unlock();
    write_and_sync(group);
    lock.lock();
    for (auto& buffer : group) free_.push_back(std::move(buffer));
    group.clear();
    durable_ = std::max(durable_, events);
    durable_changed_.notify_all();
  }
}

void LimitLog::map() {
  for (const int file : segments_) {
    if (ftruncate(file, kSegment) != 0) die("cannot grow a segment");
    void* map = mmap(nullptr, kSegment, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    if (map == MAP_FAILED) die("cannot map a segment");
    maps_.push_back(static_cast<const char*>(map));
  }
}

size_t LimitLog::scan() const {
  std::vector<std::vector<uint32_t>> streams;
  std::vector<uint64_t> places;
  std::vector<uint64_t> times;
  for (size_t i = 0; i < maps_.size(); i++) {
    for (size_t at = 0; at + sizeof(Head) <= kSegment;) {
      const auto* head = reinterpret_cast<const Head*>(maps_[i] + at);
      if (head->length == 0) break;
      const std::string_view payload(maps_[i] + at + sizeof(Head), head->length);
      if (record_checksum(limit_checksum(0, payload), *head) != head->checksum) die("a record is not what was written");
      if (head->kind == 1) streams.emplace_back();
      if (head->kind == 0) {
        streams[head->stream].push_back(static_cast<uint32_t>(places.size()));
        places.push_back(i * kSegment + at);
        times.push_back(head->time);
      }
      at += sizeof(Head) + head->length;
    }
  }
  return places.size();
}

}  // namespace chronos::bench
