// What every peer is asked: the same workload, the same figures, the same names of figures as chronos_bench.
//
// A peer program is a Peer handed to run_peer().  The frame times; a Peer only carries out.  An event is one row,
// key, entry or message with stream, version, type, time, data and metadata, found again by its position and by its
// stream; what a store needs for that (indexes, second keys) is part of its appends and of its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/workload.h"
#include "core/state.h"

namespace chronos::bench {

struct PeerEvent : LineFields {
  uint64_t position = 0;  // 1, 2, ... in the workload's order
  uint32_t version = 0;   // 1, 2, ... in its stream
  uint64_t time_us = 0;   // one millisecond after the event before it
};

// The moment of an event.
uint64_t time_of(uint64_t position);

struct PeerSetting {
  std::string directory;  // scratch, on the disk to be measured; a server's data is in it
  std::string address;    // of a server
  double seconds = 3;     // for each measurement that could go on
};

// The events a read returned, copied out field by field, as a caller would keep them.
class Copies {
 public:
  struct Numbers {
    uint64_t version = 0;
    uint64_t time_us = 0;
  };
  void clear();
  void add(const LineFields& fields, Numbers numbers);
  size_t count() const { return count_; }
  size_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  size_t count_ = 0;
};

// The state of a stream, folded from its events' data as Chronos does it: JSON Merge Patch (core/state.h).
class StateFold {
 public:
  StateFold();
  void clear();
  void add(std::string_view data);  // copied
  size_t count() const { return count_; }
  std::string to_json() const { return state_.to_json(); }

 private:
  std::unique_ptr<char[]> memory_;
  size_t used_ = 0;
  size_t count_ = 0;
  State state_;
};

// One of several that append at the same time, each from its own thread.
class PeerProducer {
 public:
  virtual ~PeerProducer() = default;
  // One batch.  Returns when the store says that it has it, as durable as the peer was started.
  virtual void append(std::span<const PeerEvent> events) = 0;
};

class PeerReads {
 public:
  virtual ~PeerReads() = default;
  virtual void point(uint64_t position, Copies& to) = 0;
  virtual void last(const std::string& stream, Copies& to) = 0;
  virtual void whole(const std::string& stream, Copies& to) = 0;
  virtual void as_of(const std::string& stream, uint64_t time_us, StateFold& to) = 0;
};

class Peer {
 public:
  struct Start {
    bool durable;
    unsigned producers;
    size_t batch;
  };
  virtual ~Peer() = default;
  // An empty store.  False when it has no such durability.
  virtual bool start(const Start& start) = 0;
  // What else there is to say about a configuration: "method=copy", or nothing.
  virtual std::string detail(const Start&) const { return {}; }
  virtual std::unique_ptr<PeerProducer> producer() = 0;
  // The bytes on the disk after whatever the store itself can do to make them fewer.
  virtual uint64_t compact() = 0;
  // Closes and opens again; nanoseconds until it can be read.  Nothing for a server: who started it measures that.
  virtual std::optional<uint64_t> reopen() { return {}; }
  virtual std::unique_ptr<PeerReads> reads() = 0;
};

using MakePeer = std::function<std::unique_ptr<Peer>(const PeerSetting& setting)>;
// main() of a peer program.
int run_peer(int argc, char** argv, const std::string& name, const MakePeer& make);

}  // namespace chronos::bench
