#include "tools/address.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/time_text.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

// A position given as a number or as digits.
std::optional<uint64_t> position_in(const Json& as_of) {
  if (!as_of.is_string()) return to_integer(as_of);
  const auto& text = as_of.get_ref<const std::string&>();
  const bool digits = !text.empty() && text.size() <= 16 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  return std::stoull(text);
}

}  // namespace

Result<Address> read_address(const ArgumentsView& arguments, const char* fork_member) {
  Address address;
  address.fork = arguments.text(fork_member, "main");
  const Json* as_of = arguments.find("as_of");
  if (as_of == nullptr) return address;
  if (const auto position = position_in(*as_of)) {
    address.position = Position{*position};
    return address;
  }
  auto time = parse_time(as_of->get_ref<const std::string&>());
  if (!time) {
    return Error{Code::kInvalidArgument,
                 "as_of must be a position or an RFC 3339 time like \"2026-01-31T09:00:00Z\", got " + shown(*as_of),
                 ""};
  }
  address.time = *time;
  return address;
}

Result<View> read_view(const Store& store, const ArgumentsView& arguments) {
  const auto address = read_address(arguments, "fork");
  if (!address) return address.error();
  Address now_there;
  now_there.fork = address->fork;
  auto now = store.view(now_there);
  if (!now) return now;
  if (address->time) return now->cut(now->position_at(*address->time));
  if (!address->position) return now;
  if (*address->position <= now->head()) return now->cut(*address->position);
  const std::string head = std::to_string(now->head().value);
  return Error{Code::kInvalidArgument,
               "as_of " + std::to_string(address->position->value) + " is past the head: fork \"" + address->fork +
                   "\" ends at position " + head + ", give at most that",
               "{\"head\":" + head + "}"};
}

void write_at(JsonWriter& json, const View& view) {
  json.begin_object();
  json.key("fork").string(view.fork_name());
  json.key("position").integer(view.head().value);
  if (view.head().value > 0) json.key("recorded_at").string(format_time(view.recorded_at()));
  json.end_object();
}

}  // namespace chronos
