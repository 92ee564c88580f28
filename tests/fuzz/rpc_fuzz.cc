// One incoming line of the protocol: taken apart without a crash; each message is of one kind, ids are parts of the
// line, and every reply we would write is JSON.
#include <nlohmann/json.hpp>

#include "mcp/json_rpc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  const test::FuzzInput input(bytes, size);
  const auto read = read_line(input.text(), 64);
  if (read.error) {
    CHECK(nlohmann::json::accept(error_reply("", *read.error)));
    return 0;
  }
  for (const std::string_view text : read.line.messages) {
    const Message message = read_message(text);
    CHECK((message.kind == Message::Kind::kRequest) <= !message.id.empty());
    if (!message.id.empty()) {
      CHECK(is_id(message.id));
      CHECK(message.id.data() >= input.text().data());
      CHECK(message.id.data() + message.id.size() <= input.text().data() + size);
      CHECK(nlohmann::json::accept(result_reply(message.id, "{}")) || message.id.size() > 300);
    }
    if (message.kind == Message::Kind::kInvalid) CHECK(!message.error.message.empty());
  }
  return 0;
}
