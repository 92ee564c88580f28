// change_settings: how the store is searched.  An operator's call (admin_tools in tools/tool.h).
#include <string>

#include "search/search_index.h"
#include "search/search_settings.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Shows the settings of search, and changes one when a name is given. They are kept with the store. When what is "
    "indexed of a text changes, the index is made again in the background, and a search waits for what it needs of it.";

// request_id as in every call that writes; setting the same twice is the same.
constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Which one to change."},
    "value": {"type": "string", "maxLength": 65536, "description": "Its value, back to the default when absent."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["settings"],
  "properties": {
    "warning": {"type": "string", "description": "What does not work with it now, if anything."},
    "settings": {
      "type": "array", "description": "All of them.",
      "items": {
        "type": "object", "required": ["name", "value", "what"],
        "properties": {
          "name": {"type": "string", "description": "Its name."},
          "value": {"type": "string", "description": "Its value."},
          "is_default": {"type": "boolean", "description": "True when it was not set."},
          "what": {"type": "string", "description": "What it means."}}}}}})";

// What a model that does not answer says; fails for one that cannot be used.
Result<std::string> try_out(const CallContext& context, const std::string& name, const std::string& value) {
  if (name != "search.embedder" || context.search == nullptr || context.principal.role != Role::kAdmin) {
    return std::string();
  }
  const auto setting = parse_embedder_setting(value);
  if (!setting) return setting.error();
  auto said = context.search->try_embedder(*setting, {});
  if (!said) {
    return Error{said.error().code, "search.embedder was not changed: " + said.error().message, {}};
  }
  if (said->empty()) return said;
  return "the model does not answer now: " + *said + "; until it does, new events are found by words alone";
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const std::string name = arguments->view().text("name");
  const std::string value = arguments->view().text("value");
  std::string warning;
  if (!name.empty()) {
    if (auto checked = check_search_setting(name, value); !checked) return checked.error();
    auto tried = try_out(context, name, value);
    if (!tried) return tried.error();
    warning = *std::move(tried);
    if (auto done = context.store->change_setting(name, value, context.principal); !done) return done.error();
    if (context.search != nullptr) context.search->text();  // which begins to follow it
  }
  const auto settings = context.store->settings();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  if (!warning.empty()) json.key("warning").string(warning);
  json.key("settings").begin_array();
  for (const SearchSetting& known : known_search_settings()) {
    const auto set = settings.find(std::string(known.name));
    json.begin_object().key("name").string(known.name);
    json.key("value").string(set == settings.end() ? known.otherwise : std::string_view(set->second));
    if (set == settings.end()) json.key("is_default").boolean(true);
    json.key("what").string(known.what).end_object();
  }
  json.end_array().end_object();
  return answer;
}

}  // namespace

Tool change_settings_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "change_settings",
              .title = "Settings of search",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
