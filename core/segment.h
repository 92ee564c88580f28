// A run of one fork's own events that follow each other, with its indexes: what views are made of.
//
// Events are numbered within it from 0 ("local").  Readers may use it from any thread and never wait.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/event.h"
#include "core/local_list.h"
#include "core/log_format.h"
#include "core/types.h"

namespace chronos {

// What events are found by. Of correlation and causation ids only a hash is kept.
enum class Index : uint8_t { kStreams, kTypes, kTags, kCorrelations, kCausations };

constexpr bool is_hashed(Index index) { return index == Index::kCorrelations || index == Index::kCausations; }

// A name and its hash, which every segment asked needs.
struct HashedName {
  explicit HashedName(std::string_view text) : name(text), hash(hash_bytes(text)) {}
  HashedName(std::string_view text, uint64_t known_hash) : name(text), hash(known_hash) {}
  std::string_view name;
  uint64_t hash;
};

class Segment {
 public:
  // Its first event is at base + 1.
  Segment(std::string fork_name, Position base) : fork_name_(std::move(fork_name)), base_(base) {}
  virtual ~Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  const std::string& fork_name() const { return fork_name_; }
  Position base() const { return base_; }
  // How many of its events readers may see.
  virtual uint32_t published_events() const = 0;
  // Requires: local < published_events(), or the sequencer staged it.
  virtual Event event(uint32_t local) const = 0;

  // The events under a name; empty without one.
  virtual LocalList find(Index index, HashedName name) const = 0;
  // The stream's version in the fork after the first `count` events; nothing when the segment does not know the stream.
  // The sequencer only.
  virtual std::optional<Version> stream_version(HashedName stream, uint32_t count) const = 0;
  // Every name of the index, in order of first appearance; of a hashed one, the four bytes of key_of_id.
  using NameVisitor = std::function<void(std::string_view name, const LocalList& events)>;
  virtual void for_each_name(Index index, const NameVisitor& visit) const = 0;

  static constexpr uint32_t kNone = UINT32_MAX;
  // The event, among the first `count`, with this id; kNone without one.
  virtual uint32_t find_id(HashedName id, uint32_t count) const = 0;
  // How many of the first `count` events were recorded at or before `time`.
  virtual uint32_t count_until(Timestamp time, uint32_t count) const = 0;
  // The record of the commit whose first event this is, laid out as in the log.
  virtual CommitRecord commit_record(uint32_t first_local) const = 0;

  // The batch that a request made, laid out as in the log; null without one.  One in memory knows none: the sequencer
  // keeps those.
  virtual CommitRecord find_request(HashedName) const { return {}; }
  virtual bool holds_requests() const { return false; }

  // Memory taken by what is not events.
  virtual size_t index_bytes() const = 0;

  static uint32_t key_of_id(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

 private:
  const std::string fork_name_;
  const Position base_;
};

}  // namespace chronos
