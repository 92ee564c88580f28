// An event as one value of a key-value store, and the keys it is found by, for the peers that are such stores.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/peers/frame.h"

namespace chronos::bench {

struct PackedHead {
  uint64_t time_us;
  uint32_t version;
  uint32_t stream, type, data, metadata;  // lengths, of what follows
};

// Big-endian, so that keys sort by number.
template <typename Number>
void append_sorted(std::string& to, Number number) {
  for (size_t shift = sizeof number * 8; shift > 0; shift -= 8) to += static_cast<char>(number >> (shift - 8));
}

inline void pack(const PeerEvent& event, std::string& to) {
  const PackedHead head{event.time_us,
                        event.version,
                        static_cast<uint32_t>(event.stream.size()),
                        static_cast<uint32_t>(event.type.size()),
                        static_cast<uint32_t>(event.data.size()),
                        static_cast<uint32_t>(event.metadata.size())};
  to.assign(reinterpret_cast<const char*>(&head), sizeof head);
  to.append(event.stream).append(event.type).append(event.data).append(event.metadata);
}

struct Unpacked : LineFields {
  uint64_t time_us = 0;
  uint64_t version = 0;
};

inline Unpacked unpack(std::string_view value) {
  PackedHead head;
  std::memcpy(&head, value.data(), sizeof head);
  Unpacked event;
  size_t at = sizeof head;
  const auto next = [&](uint32_t length) { return value.substr((at += length) - length, length); };
  event.stream = next(head.stream);
  event.type = next(head.type);
  event.data = next(head.data);
  event.metadata = next(head.metadata);
  event.time_us = head.time_us;
  event.version = head.version;
  return event;
}

inline void copy(const Unpacked& event, Copies& to) { to.add(event, {event.version, event.time_us}); }

}  // namespace chronos::bench
