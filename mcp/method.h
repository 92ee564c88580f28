// The methods a client may call: one table, one row each, one file for each group of them.  A row's function answers at
// once, or leaves work to be run on another thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/connection.h"
#include "mcp/json_rpc.h"
#include "mcp/offer.h"
#include "mcp/request.h"
#include "mcp/revision.h"
#include "mcp/server_texts.h"
#include "mcp/subscriptions.h"
#include "mcp/task_table.h"

namespace chronos {

struct MethodContext {
  const Message& message;
  Era era;
  ClientCapabilities client;
  Connection& connection;
  const ServerTexts& texts;
  Offer& offer;
  Subscriptions& subscriptions;
  TaskTable& tasks;
  bool in_batch;
};

// Statuses of HTTP that an answer can have.
inline constexpr int kHttpOk = 200;
inline constexpr int kHttpAccepted = 202;
inline constexpr int kHttpBadRequest = 400;
inline constexpr int kHttpNotFound = 404;

// An outcome, or work that has still to find it.
struct Answer {
  Outcome outcome;
  Work work;  // may refer to the bytes of the message, and to what the context refers to
  RunKind kind = RunKind::kRead;
  bool can_ask = false;  // its outcome may be questions
  int status = kHttpOk;

  static Answer done(std::string result) { return {Outcome::of(std::move(result)), nullptr}; }
  static Answer refused(RpcCode code, std::string why, int status = kHttpOk, std::string data = "") {
    return {Outcome::failed(code, std::move(why), std::move(data)), nullptr, RunKind::kRead, false, status};
  }
  // -32021: the client has not declared what the request needs.
  static Answer missing(Capability capability);
  static Answer run(Work work, RunKind kind = RunKind::kRead, bool can_ask = false) {
    return {Outcome(), std::move(work), kind, can_ask};
  }
};

struct Method {
  std::string_view name;
  bool legacy;  // offered to requests of that era
  bool modern;
  bool (*is_offered)(const Catalog& catalog);  // null: always
  Answer (*answer)(const MethodContext& context);
};

// Null when the era has no such method, or nothing of the catalog is behind it.
const Method* find_method(std::string_view name, Era era, const Catalog& catalog);

// mcp/lifecycle.cc
Answer answer_initialize(const MethodContext& context);
Answer answer_ping(const MethodContext& context);
Answer answer_discover(const MethodContext& context);
// mcp/lists.cc
Answer answer_tools_list(const MethodContext& context);
Answer answer_resources_list(const MethodContext& context);
Answer answer_templates_list(const MethodContext& context);
Answer answer_prompts_list(const MethodContext& context);
// mcp/tools_call.cc
Answer answer_tools_call(const MethodContext& context);
// mcp/resources.cc
Answer answer_resources_read(const MethodContext& context);
Answer answer_resources_subscribe(const MethodContext& context);
Answer answer_resources_unsubscribe(const MethodContext& context);
// mcp/prompts.cc
Answer answer_prompts_get(const MethodContext& context);
// mcp/complete.cc
Answer answer_complete(const MethodContext& context);
// mcp/logging.cc
Answer answer_set_level(const MethodContext& context);
// mcp/listen.cc
Answer answer_listen(const MethodContext& context);
// mcp/tasks.cc
Answer answer_tasks_get(const MethodContext& context);
Answer answer_tasks_update(const MethodContext& context);
Answer answer_tasks_cancel(const MethodContext& context);

}  // namespace chronos
