// The resources of a store as URIs:
//
//   chronos://FORK/streams/NAME            a stream now
//   chronos://FORK@POSITION/streams/NAME   a stream as it was then: for ever the same
//   chronos://FORK/events/POSITION         one event
//   guide://TOPIC                          a guide page
//
// Every part is percent-encoded (RFC 6570, level 1): what is not a letter, a digit, or one of "-._~".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chronos {

struct ResourceUri {
  enum class Kind { kStream, kEvent, kGuide };
  Kind kind = Kind::kStream;
  std::string fork;
  std::optional<uint64_t> position;
  std::string name;  // of the stream, or the topic
};

// Nothing for any other text.
std::optional<ResourceUri> parse_resource_uri(std::string_view uri);

}  // namespace chronos
