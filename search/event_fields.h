// Which parts of an event's data are indexed, by its type: what a store's operator chose in place of all strings.
//
//   {"Message": ["/text"], "Ticket": ["/title", "/comments"], "*": ["/note"]}
//
// "*" is every other type; without it those have all their strings indexed.  A path is a JSON Pointer (RFC 6901); all
// strings in what it leads to count, and an empty list leaves nothing of data.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/result.h"

namespace chronos {

class EventFields {
 public:
  // kInvalidArgument, saying what is wrong, for any other text.
  static Result<EventFields> parse(std::string_view json);

  bool empty() const { return paths_.empty(); }
  // Visits what is indexed of the data of an event, as JSON values.
  void for_each(const Event& event, const std::function<void(std::string_view json)>& visit) const;
  // The same text for what means the same.
  std::string text() const;

 private:
  using Path = std::vector<std::string>;  // unescaped reference tokens
  std::map<std::string, std::vector<Path>, std::less<>> paths_;  // by type
};

}  // namespace chronos
