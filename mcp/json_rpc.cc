// A line is walked twice: once checked whole (core/valid_json.h), once on demand, which descends only into the
// envelope, params and _meta and skips everything else by its brackets.  Skipping is safe only because of the first
// walk: the on-demand parser does not look into what it skips.
#include "mcp/json_rpc.h"

#include <simdjson.h>

#include <algorithm>
#include <initializer_list>

#include "core/log.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

namespace ondemand = simdjson::ondemand;

// Deep enough for every client that is not an attack; it lets a line that is too deep for a tool be answered under
// its own id.
constexpr size_t kEnvelopeDepth = 1000;
constexpr size_t kMaxBatch = 1000;
// The parser holds several bytes per byte it has seen: up to this size a thread keeps it.
constexpr size_t kKeptSize = size_t{1} << 20;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Calls use(document) with the text opened on demand.
template <typename Use>
void with_document(std::string_view text, Use use) {
  const auto parse = [&](ondemand::parser& parser) {
    const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kSimdPadding);
    ondemand::document document;
    if (parser.iterate(padded).get(document) == simdjson::SUCCESS) use(document);
  };
  if (text.size() > kKeptSize) {
    ondemand::parser parser;
    return parse(parser);
  }
  thread_local ondemand::parser kept;
  parse(kept);
}

// Takes the members it was asked for out of objects, each once.
class Taker {
 public:
  struct Slot {
    std::string_view key;
    std::string_view* token;
  };

  std::string_view repeated() const { return repeated_; }

  // False when `key` is none of the slots.
  bool take(std::initializer_list<Slot> slots, std::string_view key, ondemand::value& value) {
    for (const Slot& slot : slots) {
      if (slot.key != key) continue;
      std::string_view token;
      if (simdjson::to_json_string(value).get(token) != simdjson::SUCCESS) return true;
      note(slot.key, !slot.token->empty());
      *slot.token = token;
      return true;
    }
    return false;
  }

  // Notes an object that is descended into instead of being taken.
  void note(std::string_view key, bool seen_before) {
    if (seen_before && repeated_.empty()) repeated_ = key;
  }

 private:
  std::string_view repeated_;  // the first member that came twice; one of the keys asked for
};

template <typename Visit>
void for_each_member(ondemand::object& object, Visit visit) {
  for (auto member : object) {
    std::string_view key;
    ondemand::value value;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS) return;
    if (member.value().get(value) != simdjson::SUCCESS) return;
    visit(key, value);
  }
}

bool open_object(ondemand::value& value, ondemand::object* object) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS || type != ondemand::json_type::object) return false;
  return value.get_object().get(*object) == simdjson::SUCCESS;
}

void take_meta(ondemand::object& object, RequestMeta* meta, Taker* taker) {
  for_each_member(object, [&](std::string_view key, ondemand::value& value) {
    taker->take({{"io.modelcontextprotocol/protocolVersion", &meta->protocol_version},
                 {"io.modelcontextprotocol/clientCapabilities", &meta->client_capabilities},
                 {"io.modelcontextprotocol/logLevel", &meta->log_level},
                 {"progressToken", &meta->progress_token}},
                key, value);
  });
}

void take_params(ondemand::object& object, Params* params, Taker* taker) {
  bool seen_meta = false;
  for_each_member(object, [&](std::string_view key, ondemand::value& value) {
    if (key == "_meta") {
      taker->note("_meta", seen_meta);
      seen_meta = true;
      ondemand::object meta;
      if (open_object(value, &meta)) take_meta(meta, &params->meta, taker);
      return;
    }
    taker->take({{"name", &params->name},
                 {"arguments", &params->arguments},
                 {"cursor", &params->cursor},
                 {"protocolVersion", &params->protocol_version},
                 {"capabilities", &params->capabilities},
                 {"requestId", &params->request_id},
                 {"uri", &params->uri},
                 {"level", &params->level},
                 {"ref", &params->ref},
                 {"argument", &params->argument},
                 {"context", &params->context},
                 {"notifications", &params->notifications},
                 {"taskId", &params->task_id},
                 {"inputResponses", &params->input_responses},
                 {"requestState", &params->request_state}},
                key, value);
  });
}

// The members of a message as raw tokens; "" when absent.
struct Envelope {
  std::string_view jsonrpc;
  std::string_view id;
  std::string_view method;
  std::string_view result;
  std::string_view error;
  bool has_params = false;
  bool has_bad_params = false;  // neither an object nor null
  Params params;
  Taker taker;
};

void take_envelope(ondemand::object& object, Envelope* envelope) {
  for_each_member(object, [&](std::string_view key, ondemand::value& value) {
    if (key == "params") {
      envelope->taker.note("params", envelope->has_params);
      envelope->has_params = true;
      ondemand::object params;
      if (open_object(value, &params)) {
        take_params(params, &envelope->params, &envelope->taker);
      } else {
        envelope->has_bad_params |= !value.is_null();
      }
      return;
    }
    envelope->taker.take({{"jsonrpc", &envelope->jsonrpc},
                          {"id", &envelope->id},
                          {"method", &envelope->method},
                          {"result", &envelope->result},
                          {"error", &envelope->error}},
                         key, value);
  });
}

// Long values in messages help nobody.
std::string excerpt(std::string_view token) {
  constexpr size_t kLongest = 80;
  if (token.size() <= kLongest) return std::string(token);
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(token[end]) & 0xC0) == 0x80) --end;  // never half a character
  return std::string(token.substr(0, end)) + "...";
}

Message invalid(RpcCode code, std::string_view id, std::string why) {
  Message message;
  message.id = id;
  message.error = {code, std::move(why), ""};
  return message;
}

Message judge(const Envelope& envelope) {
  const std::string_view repeated = envelope.taker.repeated();
  const std::string_view id = is_id(envelope.id) && repeated != "id" ? envelope.id : std::string_view();
  const auto bad_request = [&](std::string why) { return invalid(RpcCode::kInvalidRequest, id, std::move(why)); };
  if (!repeated.empty()) return bad_request("The member '" + std::string(repeated) + "' appears twice. Send it once.");
  if (envelope.jsonrpc != "\"2.0\"") return bad_request("The member 'jsonrpc' must be \"2.0\".");
  if (envelope.method.empty()) {
    if (envelope.result.empty() && envelope.error.empty()) {
      return bad_request("The message has no 'method'. Send a request or a notification.");
    }
    Message response;
    response.kind = Message::Kind::kResponse;
    response.id = id;
    response.result = envelope.result;
    response.response_error = envelope.error;
    return response;
  }
  std::optional<std::string> method = string_of(envelope.method);
  if (!method) return bad_request("The member 'method' must be a string, not " + excerpt(envelope.method) + ".");
  Message message;
  message.method = std::move(*method);
  message.params = envelope.params;
  if (envelope.id.empty()) {
    message.kind = Message::Kind::kNotification;
    return message;
  }
  if (id.empty()) {
    return bad_request("The member 'id' must be a string or an integer, not " + excerpt(envelope.id) + ".");
  }
  if (envelope.has_bad_params) return invalid(RpcCode::kInvalidParams, id, "The member 'params' must be an object.");
  message.kind = Message::Kind::kRequest;
  message.id = id;
  return message;
}

std::optional<RpcError> split_batch(std::string_view text, std::vector<std::string_view>* messages) {
  with_document(text, [&](ondemand::document& document) {
    ondemand::array array;
    if (document.get_array().get(array) != simdjson::SUCCESS) return;
    for (auto element : array) {
      ondemand::value value;
      std::string_view raw;
      if (element.get(value) != simdjson::SUCCESS) return;
      if (simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) return;
      messages->push_back(raw);
      if (messages->size() > kMaxBatch) return;
    }
  });
  if (messages->empty())
    return RpcError{RpcCode::kInvalidRequest, "The batch is empty. Send at least one message.", ""};
  if (messages->size() <= kMaxBatch) return std::nullopt;
  return RpcError{RpcCode::kInvalidRequest,
                  "The batch has more than " + std::to_string(kMaxBatch) + " messages. Send smaller ones.", ""};
}

}  // namespace

LineOrError read_line(std::string_view line, size_t max_depth) {
  LineOrError read;
  const std::string_view text = trim(line);
  Result<ValidJson> valid = validate_json(text, max_depth);
  if (!valid && valid.error().code == Code::kTooLarge) {
    read.line.too_deep = true;
    valid = validate_json(text, kEnvelopeDepth);
  }
  if (!valid) {
    const bool is_too_deep = valid.error().code == Code::kTooLarge;
    read.error = RpcError{is_too_deep ? RpcCode::kInvalidRequest : RpcCode::kParseError, valid.error().message, ""};
    return read;
  }
  read.line.is_batch = text.front() == '[';
  if (read.line.is_batch) {
    read.error = split_batch(text, &read.line.messages);
  } else {
    read.line.messages.push_back(text);
  }
  return read;
}

Message read_message(std::string_view text) {
  if (!is_object(text)) {
    return invalid(RpcCode::kInvalidRequest, "", "A message must be an object, not " + excerpt(text) + ".");
  }
  Envelope envelope;
  with_document(text, [&](ondemand::document& document) {
    ondemand::object object;
    if (document.get_object().get(object) == simdjson::SUCCESS) take_envelope(object, &envelope);
  });
  return judge(envelope);
}

std::optional<std::string> string_of(std::string_view token) {
  if (token.empty() || token.front() != '"') return std::nullopt;
  if (token.find('\\') == token.npos) return std::string(token.substr(1, token.size() - 2));
  return unescape_json(token);
}

bool is_object(std::string_view token) { return !token.empty() && token.front() == '{'; }

bool is_id(std::string_view token) {
  if (token.empty()) return false;
  if (token.front() == '"') return true;
  if (token.front() == '-') token.remove_prefix(1);
  return std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string result_reply(std::string_view id, std::string_view result) {
  std::string reply;
  reply.reserve(40 + id.size() + result.size());
  reply.append(R"({"jsonrpc":"2.0","id":)").append(id).append(R"(,"result":)").append(result).append("}");
  return reply;
}

std::string error_reply(std::string_view id, const RpcError& error) {
  std::string reply = R"({"jsonrpc":"2.0",)";
  if (!id.empty()) reply.append(R"("id":)").append(id).append(",");
  reply.append(R"("error":{"code":)").append(std::to_string(static_cast<int>(error.code))).append(R"(,"message":)");
  append_json_string(reply, error.message);
  if (!error.data.empty()) reply.append(R"(,"data":)").append(error.data);
  reply.append("}}");
  return reply;
}

}  // namespace chronos
