// Calls that tests about forks make again and again, through the tools.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/tool_session.h"

namespace chronos::test {

using Json = nlohmann::json;

// One batch of one event; `more` are further arguments of append_events, like conditions.
inline Json append_in(ToolSession& session, const std::string& fork, const std::string& stream,
                      const Json& more = Json::object(), const Json& event_members = Json::object()) {
  Json event = {{"stream", stream}, {"type", "Set"}, {"data", {{"in", fork}}}};
  event.update(event_members);
  Json arguments = {{"fork", fork}, {"events", Json::array({event})}};
  arguments.update(more);
  return session.call("append_events", arguments);
}

inline Json conditions(const Json& condition) { return {{"conditions", Json::array({condition})}}; }

inline Json make_fork(ToolSession& session, const std::string& name, const Json& more = Json::object()) {
  Json arguments = {{"name", name}};
  arguments.update(more);
  return session.call("create_fork", arguments);
}

// Previews, which must give a token, and commits.
inline Json merge_now(ToolSession& session, Json arguments) {
  arguments["preview_token"] = session.call("merge_fork", arguments).at("preview_token");
  return session.call("merge_fork", arguments);
}

}  // namespace chronos::test
