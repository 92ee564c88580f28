// One `where` clause of a query: {"path": "/amount", "op": ">", "value": 100} against an event's data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/valid_json.h"

namespace chronos {

// Made once per query, used for many events, from one thread.
//
// `path` is a JSON Pointer (RFC 6901); of duplicate keys the last counts.  `=`, `!=` compare any JSON value
// (numbers by value, objects without order); `<` `<=` `>` `>=` compare two numbers or two strings (by bytes), and
// are false for anything else; `contains`: a string has the substring, an array has the element, an object has the key;
// `exists`: the path is there (with value false: it is not).  A path that is not there fails every other op, `!=` too.
class FieldFilter {
 public:
  enum class Op { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kContains, kExists };

  // `value` is a JSON text; may be empty for exists.
  static Result<FieldFilter> make(std::string_view path, std::string_view op, std::string_view value);
  bool matches(ValidJson data) const;

 private:
  FieldFilter() = default;
  std::vector<std::string> path_;  // unescaped reference tokens
  Op op_ = Op::kEqual;
  std::string value_;  // padded JSON text
  size_t value_size_ = 0;
};

bool matches(const std::vector<FieldFilter>& filters, ValidJson data);

}  // namespace chronos
