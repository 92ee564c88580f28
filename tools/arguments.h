// The arguments of a call, checked against the tool's published input schema, and read by name.
//
// What the schema says is not checked again by the reader: a getter may be asked only for what the schema allows.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/types.h"
#include "core/valid_json.h"
#include "tools/schema.h"

namespace chronos {

// An object of arguments, or a member of them that is one.  Borrows: valid as long as what it was made from.
class ArgumentsView {
 public:
  explicit ArgumentsView(const nlohmann::json& object) : object_(&object) {}

  bool has(const char* name) const { return find(name) != nullptr; }
  // Null when absent.
  const nlohmann::json* find(const char* name) const;
  // `otherwise` when absent.
  std::string text(const char* name, std::string_view otherwise = "") const;
  uint64_t integer(const char* name, uint64_t otherwise) const;
  bool flag(const char* name, bool otherwise) const;
  // An RFC 3339 time.
  Result<std::optional<Timestamp>> time(const char* name) const;
  // The member `name`, an object; an empty one when absent.
  ArgumentsView object(const char* name) const;

  const nlohmann::json& json() const { return *object_; }

 private:
  const nlohmann::json* object_;
};

// The same, owning them.
class Arguments {
 public:
  static Result<Arguments> read(const Schema& schema, ValidJson text);
  ~Arguments();
  Arguments(Arguments&&) noexcept;

  ArgumentsView view() const { return ArgumentsView(*object_); }
  const ArgumentsView* operator->() const { return &view_; }

 private:
  explicit Arguments(std::unique_ptr<const nlohmann::json> object);
  std::unique_ptr<const nlohmann::json> object_;
  ArgumentsView view_;
};

// The JSON of checked text.  kInvalidArgument where nlohmann reads less than the check lets pass.
Result<nlohmann::json> parse_arguments(std::string_view text);

// A checked integer of an argument: 3 and 3.0 alike.
uint64_t to_integer(const nlohmann::json& value);

}  // namespace chronos
