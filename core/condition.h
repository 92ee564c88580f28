// What an append may demand of history, and the MATCH that conditions, queries and merges share
// (contract, sections 3 and 4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

// Matches an event that fulfils every member given.
struct MatchItem {
  std::vector<std::string> types;    // any of
  std::vector<std::string> tags;     // all of
  std::vector<std::string> streams;  // any of
  std::string stream_prefix;

  bool empty() const { return types.empty() && tags.empty() && streams.empty() && stream_prefix.empty(); }
  bool matches(const Event& event) const;
  bool operator==(const MatchItem&) const = default;
};

// Any item may match.  An empty Match is "no filter" in a query and an error in a condition.
using Match = std::vector<MatchItem>;
bool matches(const Match& match, const Event& event);

struct Condition {
  enum class Kind : uint8_t {
    kStreamVersion = 1,  // stream has exactly this version
    kStreamExists = 2,   // stream has at least one event
    kNoneMatch = 3,      // no event after `position` matches
    kSomeMatch = 4,      // at least one event matches
    kHead = 5,           // the fork's head is exactly `position`
  };
  Kind kind = Kind::kStreamVersion;
  std::string stream;
  Version version;
  Match match;
  Position position;
  bool operator==(const Condition&) const = default;
};

// The conditions as they are kept with their commit, and back.  kCorrupt when the bytes are not from encode_conditions.
std::string encode_conditions(const std::vector<Condition>& conditions);
Result<std::vector<Condition>> decode_conditions(std::string_view bytes);

// Wrong conditions told before anything is done: empty MATCH or item, bad names, positions beyond 2^53 - 1.
Result<void> check_conditions(const std::vector<Condition>& conditions);
// The same for one MATCH that was given, in a condition or a query; `what` names it in the message.
Result<void> check_match(const std::string& what, const Match& match);

}  // namespace chronos
