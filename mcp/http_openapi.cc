#include "mcp/http_openapi.h"

#include <nlohmann/json.hpp>

#include "mcp/http_events.h"
#include "mcp/http_mcp.h"
#include "mcp/http_tools.h"
#include "version.h"

namespace chronos {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kJson = "application/json";

Json content(const char* type, Json schema) { return {{type, {{"schema", std::move(schema)}}}}; }

Json answer(const char* description, const char* type, Json schema) {
  return {{"description", description}, {"content", content(type, std::move(schema))}};
}

// What every call may be refused with.
Json with_errors(Json responses) {
  for (const char* status : {"400", "401", "403", "404", "405", "409", "413", "415", "429", "500", "503"}) {
    responses[status] = {{"$ref", "#/components/responses/Error"}};
  }
  return responses;
}

Json parameter(const char* name, const char* description, Json schema) {
  return {{"name", name}, {"in", "query"}, {"description", description}, {"schema", std::move(schema)}};
}

Json operation(const char* id, const char* tag, const char* summary, Json responses) {
  return {{"operationId", id}, {"tags", {tag}}, {"summary", summary}, {"responses", with_errors(std::move(responses))}};
}

Json error_schema() {
  const Json code = {{"type", "string"},
                     {"enum",
                      {"invalid_argument", "not_found", "conflict", "id_reused", "too_large", "permission_denied",
                       "unauthenticated", "rate_limited", "unavailable", "corrupt", "internal"}}};
  const Json members = {{"code", code},
                        {"message", {{"type", "string"}, {"description", "What was wrong, and what to do next."}}},
                        {"retryable", {{"type", "boolean"}}},
                        {"details", {{"type", "object"}}}};
  const Json error = {{"type", "object"}, {"required", {"code", "message", "retryable"}}, {"properties", members}};
  return {{"type", "object"}, {"required", {"error"}}, {"properties", {{"error", error}}}};
}

Json error_response() { return answer("The call was refused; the code says why.", kJson, error_schema()); }

// Of /mcp: what came as far as being a message is refused by JSON-RPC, what did not as everywhere else.
Json message_error_response() {
  const Json members = {{"code", {{"type", "integer"}}}, {"message", {{"type", "string"}}}};
  const Json error = {{"type", "object"}, {"required", {"code", "message"}}, {"properties", members}};
  const Json properties = {{"jsonrpc", {{"const", "2.0"}}}, {"error", error}};
  const Json message = {{"type", "object"}, {"required", {"jsonrpc", "error"}}, {"properties", properties}};
  Json either = Json::object();
  either["anyOf"] = Json::array({message, error_schema()});
  return answer("The message was refused; the code says why.", kJson, std::move(either));
}

Json mcp_operation() {
  const Json object = {{"type", "object"}};
  Json message = operation("mcp", "mcp", "A message of MCP (Streamable HTTP)",
                           {{"200", answer("The reply, or a stream that ends with it.", kJson, object)}});
  for (Json& refused : message["responses"]) {
    if (refused.contains("$ref")) refused["$ref"] = "#/components/responses/MessageError";
  }
  message["responses"]["200"]["content"]["text/event-stream"] = {{"schema", {{"type", "string"}}}};
  message["responses"]["202"] = {{"description", "A notification was taken."}};
  message["requestBody"] = {{"required", true}, {"content", content(kJson, object)}};
  return message;
}

Json tool_operation(const Tool& tool) {
  Json input = Json::parse(tool.input_schema);
  const bool needs_arguments = input.contains("required");
  Json made = operation(std::string(tool.name).c_str(), "tools", std::string(tool.title).c_str(),
                        {{"200", answer("The answer of the tool.", kJson, Json::parse(tool.output_schema))}});
  made["description"] = tool.description;
  made["requestBody"] = {{"required", needs_arguments}, {"content", content(kJson, std::move(input))}};
  return made;
}

Json events_path() {
  const Json text = {{"type", "string"}};
  const Json fork = parameter("fork", "The fork; main when absent.", text);
  Json got = operation("read_events", "events", "History as a stream, and what is appended meanwhile",
                       {{"200", answer("One event a line.", "application/x-ndjson", text)}});
  got["responses"]["200"]["content"]["text/event-stream"] = {{"schema", text}};
  got["parameters"] = {fork, parameter("as_of", "A position or an RFC 3339 time; now when absent.", text),
                       parameter("stream", "Only events of this stream.", text),
                       parameter("since", "Only events after this position.", {{"type", "integer"}, {"minimum", 0}}),
                       parameter("follow", "Whether to go on with what is appended.",
                                 {{"type", "string"}, {"enum", {"true", "false"}}})};
  const Json counts = {{"type", "object"},
                       {"required", {"imported", "skipped"}},
                       {"properties", {{"imported", {{"type", "integer"}}}, {"skipped", {{"type", "integer"}}}}}};
  Json posted = operation("import_events", "events", "Append a stream of events, one a line, exactly once",
                          {{"200", answer("How many were appended, and how many were there before.", kJson, counts)}});
  posted["parameters"] = {fork, parameter("import_id", "Imports with another id do not know of each other.", text)};
  posted["requestBody"] = {{"required", true}, {"content", content("application/x-ndjson", text)}};
  return {{"get", std::move(got)}, {"post", std::move(posted)}};
}

Json open_operation(const char* id, const char* summary, const char* type, Json schema) {
  Json made = operation(id, "operation", summary, {{"200", answer("The answer.", type, std::move(schema))}});
  made["security"] = Json::array({Json::object()});
  return made;
}

Json tag(const char* name, const char* description) { return {{"name", name}, {"description", description}}; }

}  // namespace

std::string openapi_text(std::span<const Tool> tools, bool has_events) {
  const Json object = {{"type", "object"}};
  const Json text = {{"type", "string"}};
  const Json status = {{"type", "object"}, {"required", {"status"}}, {"properties", {{"status", text}}}};
  Json paths;
  for (const Tool& tool : tools) {
    paths[std::string(kToolsPath) + "/" + std::string(tool.name)] = {{"post", tool_operation(tool)}};
  }
  paths[std::string(kToolsPath)]["get"] = operation("list_tools", "tools", "The tools with their schemas",
                                                    {{"200", answer("The list of tools/list.", kJson, object)}});
  if (has_events) paths[std::string(kEventsPath)] = events_path();
  paths[std::string(kMcpPath)]["post"] = mcp_operation();
  paths["/health"]["get"] = open_operation("health", "Whether the server runs", kJson, status);
  paths["/ready"]["get"] = open_operation("ready", "Whether calls can be served", kJson, status);
  paths["/metrics"]["get"] = operation("metrics", "operation", "Figures for Prometheus",
                                       {{"200", answer("Text for Prometheus.", "text/plain", text)}});
  const Json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Chronos"},
        {"version", CHRONOS_VERSION},
        {"description", "An event store for AI agents: every fact kept, any past moment readable."},
        {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}}},
      {"servers", Json::array({{{"url", "/"}, {"description", "This server"}}})},
      {"security", Json::array({Json::object(), {{"bearer", Json::array()}}})},
      {"tags", Json::array({tag("tools", "What agents call, without MCP"), tag("events", "Events in bulk"),
                            tag("mcp", "The Model Context Protocol"), tag("operation", "For who runs the server")})},
      {"paths", std::move(paths)},
      {"components",
       {{"securitySchemes",
         {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"description", "A token of this server."}}}}},
        {"responses", {{"Error", error_response()}, {"MessageError", message_error_response()}}}}}};
  return document.dump();
}

}  // namespace chronos
