// An expected failure is a value.  Result<T> holds either a T or an Error, with the names of C++23's
// std::expected, which the compilers we support do not have yet.
//
//   Result<View> view = store.view(address);
//   if (!view) return view.error();
//   use(*view);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/check.h"

namespace chronos {

// The codes of the contract, section 7.  Every error a user sees carries exactly one of them.
enum class Code {
  kInvalidArgument,   // the request itself is wrong: fix it, then send it again
  kNotFound,          // the thing named does not exist at that address
  kConflict,          // a condition did not hold: look at what changed, decide again
  kIdReused,          // a request_id or event id was used before with other content
  kTooLarge,          // over a limit told by describe_store
  kPermissionDenied,  // known caller, not allowed
  kUnauthenticated,   // unknown caller
  kRateLimited,       // too many calls; wait
  kUnavailable,       // the store cannot do it now (read-only after a fault, busy, cancelled)
  kCorrupt,           // bytes on disk are not what was written
  kInternal,          // a bug in Chronos
};

// The code as users see it: "invalid_argument", "not_found", ...
std::string_view code_name(Code code);

// Whether the same request may succeed later without being changed.
bool is_retryable(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;  // one sentence: what was wrong, the value received, what to do next
  std::string details;  // a JSON object as text, or empty
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(const T& value) : state_(std::in_place_index<0>, value) {}
  Result(T&& value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    CHECK(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace chronos
