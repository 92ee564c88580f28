#include "tools/arguments.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/time_text.h"

namespace chronos {

using Json = nlohmann::json;

Result<Json> parse_arguments(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    return Error{Code::kInvalidArgument, "the arguments are not a JSON object that can be read: send plain JSON", ""};
  }
  return parsed;
}

uint64_t to_integer(const Json& value) {
  return value.is_number_float() ? static_cast<uint64_t>(value.get<double>()) : value.get<uint64_t>();
}

const Json* ArgumentsView::find(const char* name) const {
  const auto found = object_->find(name);
  return found == object_->end() ? nullptr : &*found;
}

std::string ArgumentsView::text(const char* name, std::string_view otherwise) const {
  const Json* found = find(name);
  return found == nullptr ? std::string(otherwise) : found->get<std::string>();
}

uint64_t ArgumentsView::integer(const char* name, uint64_t otherwise) const {
  const Json* found = find(name);
  return found == nullptr ? otherwise : to_integer(*found);
}

bool ArgumentsView::flag(const char* name, bool otherwise) const {
  const Json* found = find(name);
  return found == nullptr ? otherwise : found->get<bool>();
}

Result<std::optional<Timestamp>> ArgumentsView::time(const char* name) const {
  const Json* found = find(name);
  if (found == nullptr) return std::optional<Timestamp>();
  auto parsed = parse_time(found->get_ref<const std::string&>());
  if (!parsed) {
    return Error{Code::kInvalidArgument,
                 std::string(name) + " must be an RFC 3339 time like 2026-01-31T09:00:00Z, got " + shown(*found), ""};
  }
  return std::optional<Timestamp>(*parsed);
}

ArgumentsView ArgumentsView::object(const char* name) const {
  static const Json kEmpty = Json::object();
  const Json* found = find(name);
  return ArgumentsView(found == nullptr ? kEmpty : *found);
}

Arguments::Arguments(std::unique_ptr<const Json> object) : object_(std::move(object)), view_(*object_) {}
Arguments::~Arguments() = default;
Arguments::Arguments(Arguments&&) noexcept = default;

Result<Arguments> Arguments::read(const Schema& schema, ValidJson text) {
  auto parsed = parse_arguments(text.text());
  if (!parsed) return parsed.error();
  auto checked = schema.check(*parsed);
  if (!checked) return checked.error();
  return Arguments(std::make_unique<const Json>(*std::move(parsed)));
}

}  // namespace chronos
