// complete_names: for the protocol, which completes what a user types.  At a bounded cost: names of streams and types
// are looked for in the newest events only, newest first.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/protocol_tools.h"

namespace chronos {
namespace {

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["kind", "prefix"],
  "properties": {
    "kind": {
      "type": "string", "enum": ["stream", "fork", "type", "position"], "description": "What kind of name it is."},
    "prefix": {"type": "string", "description": "How it begins."},
    "fork": {"type": "string", "description": "Where to look, main when absent."}}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["names", "more"],
  "properties": {
    "names": {"type": "array", "description": "At most 100 of them.", "items": {"type": "string"}},
    "more": {"type": "boolean", "description": "Whether there may be others."}}})";

constexpr size_t kMostNames = 100;
constexpr uint64_t kMostEvents = 10'000;

struct Names {
  std::vector<std::string> found;
  bool more = false;

  void add(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return;
    if (found.size() == kMostNames) {
      more = true;
    } else {
      found.emplace_back(name);
    }
  }
};

Names names_of_events(const View& view, bool of_types, std::string_view prefix) {
  Names names;
  std::set<std::string, std::less<>> seen;
  uint64_t position = view.head().value;
  const uint64_t last = position > kMostEvents ? position - kMostEvents : 0;
  // A name that was typed in full is known however old it is.
  const bool is_known = of_types ? !view.type(prefix).empty() : !view.stream(prefix).empty();
  if (is_known && !prefix.empty()) {
    seen.emplace(prefix);
    names.add(prefix, prefix);
  }
  for (; position > last && !names.more; position--) {
    const Event event = view.at(Position{position});
    const std::string_view name = of_types ? event.type() : event.stream();
    if (name.starts_with(prefix) && seen.emplace(name).second) names.add(name, prefix);
  }
  names.more |= last > 0;
  return names;
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(kInput);
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const std::string kind = arguments->view().text("kind");
  const std::string prefix = arguments->view().text("prefix");
  Names names;
  if (kind == "fork") {
    for (const ForkInfo& fork : context.store->forks()) names.add(fork.name, prefix);
  } else {
    Address address;
    address.fork = arguments->view().text("fork", "main");
    const auto view = context.store->view(address);
    if (view && kind == "position") names.add(std::to_string(view->head().value), prefix);
    if (view && kind != "position") names = names_of_events(*view, kind == "type", prefix);
  }
  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("names").begin_array();
  for (const std::string& name : names.found) json.string(name);
  json.end_array();
  json.key("more").boolean(names.more);
  json.end_object();
  return answer;
}

}  // namespace

Tool complete_names_tool() {
  return Tool{.name = "complete_names",
              .title = "Complete a name",
              .description = "Names of streams, forks or types that begin with a prefix.",
              .input_schema = kInput,
              .output_schema = kOutput,
              .call = call};
}

}  // namespace chronos
