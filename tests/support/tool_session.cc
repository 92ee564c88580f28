#include "tests/support/tool_session.h"

#include <atomic>

#include "core/log.h"
#include "tests/support/catch.h"
#include "tools/schema.h"

namespace chronos::test {

using Json = nlohmann::json;

class ToolSession::SecondsClock final : public Clock {
 public:
  Timestamp now() override { return Timestamp{seconds_++ * 1'000'000}; }

 private:
  std::atomic<int64_t> seconds_{1'767'225'600};
};

namespace {

void close(Json& schema) {
  if (!schema.is_object()) return;
  if (schema.contains("properties")) {
    if (!schema.contains("additionalProperties")) schema["additionalProperties"] = false;
    for (auto& property : schema["properties"]) close(property);
  }
  if (schema.contains("items")) close(schema["items"]);
}

Result<std::string> run(CallContext& context, std::string_view tool, std::string_view arguments) {
  const Tool* found = find_tool(tool);
  REQUIRE(found != nullptr);
  std::string padded(arguments);
  padded.append(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(padded).substr(0, arguments.size()), 1000);
  REQUIRE(checked);
  return found->call(context, *checked);
}

void check_answer(std::string_view tool, const std::string& answer) {
  CHECK(answer.find('\n') == std::string::npos);
  const Json parsed = Json::parse(answer, nullptr, false);
  REQUIRE(parsed.is_object());
  const auto fits = Schema(closed_schema(find_tool(tool)->output_schema)).check(parsed, "answer");
  INFO(tool << " answered " << answer.substr(0, 2000));
  if (!fits) FAIL(fits.error().message);
}

}  // namespace

std::string closed_schema(std::string_view schema) {
  Json parsed = Json::parse(schema);
  close(parsed);
  return parsed.dump();
}

ToolSession::ToolSession() : clock_(std::make_unique<SecondsClock>()) { reopen(); }
ToolSession::~ToolSession() = default;

void ToolSession::reopen() {
  search_.reset();
  store_.reset();
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk_;
  options.clock = clock_.get();
  auto opened = Store::open(options);
  if (!opened) FAIL(opened.error().message);
  store_ = *std::move(opened);
  search_ = std::make_unique<SearchIndex>(
      *store_, SearchIndexOptions{.directory = "/store/search", .disk = &disk_, .in_background = false});
  context_ = CallContext{.store = store_.get(),
                         .principal = local_principal("tester"),
                         .cancelled = {},
                         .progress = {},
                         .search = search_.get()};
}

std::string ToolSession::call_text(std::string_view tool, std::string_view arguments) {
  const auto answer = run(context_, tool, arguments);
  INFO(tool << " " << arguments.substr(0, 500));
  if (!answer) FAIL(answer.error().message);
  check_answer(tool, *answer);
  return *answer;
}

Json ToolSession::call(std::string_view tool, const Json& arguments) {
  return Json::parse(call_text(tool, arguments.dump()));
}

Error ToolSession::refused_text(std::string_view tool, std::string_view arguments) {
  const Position before = store_->view({})->head();
  const auto answer = run(context_, tool, arguments);
  INFO(tool << " " << arguments.substr(0, 500));
  if (answer) FAIL("accepted: " << answer->substr(0, 500));
  CHECK(store_->view({})->head() == before);
  const Json error = Json::parse(error_json(answer.error()), nullptr, false);
  REQUIRE(error.is_object());
  CHECK(error["error"]["code"] == std::string(code_name(answer.error().code)));
  CHECK(!answer.error().message.empty());
  CHECK(answer.error().message.find('\n') == std::string::npos);
  return answer.error();
}

Error ToolSession::refused(std::string_view tool, const Json& arguments) {
  return refused_text(tool, arguments.dump());
}

uint64_t ToolSession::append(std::string_view stream, std::string_view type, const Json& data, const Json& more) {
  Json event = {{"stream", stream}, {"type", type}, {"data", data}};
  event.update(more);
  return call("append_events", {{"events", Json::array({event})}})["last_position"];
}

}  // namespace chronos::test
