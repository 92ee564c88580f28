// The bytes of a connection: the end of a head is where it is, however it arrives; what is accepted says one thing; the
// chunks of a body are the same in one piece and byte by byte.
#include "mcp/http_event_log.h"
#include "mcp/http_gate.h"
#include "mcp/http_head.h"
#include "mcp/http_header_rules.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace chronos;

// How many bytes of `text` are a chunked body; 0 when none.
size_t chunked_size(std::string_view text) {
  ChunkCheck check;
  size_t at = 0;
  while (!check.is_complete() && at < text.size()) {
    if (!check.take(text.substr(at, 1))) return 0;
    at++;
  }
  return check.is_complete() ? at : 0;
}

void check_chunks(std::string_view text) {
  const size_t size = chunked_size(text);
  ChunkCheck check;
  size_t at = 0;
  bool is_good = true;
  while (is_good && check.wanted() > 0 && at < text.size()) {
    const std::string_view part = text.substr(at, check.wanted());
    is_good = check.take(part);
    at += part.size();
  }
  CHECK((is_good && check.is_complete()) == (size > 0));
  if (size > 0) CHECK(at == size);
}

void check_accepted(const HttpHead& head) {
  CHECK(head.path.starts_with('/'));
  CHECK(!(head.is_chunked && head.find("content-length") != nullptr));
  CHECK(!head.has_body() || head.method == "POST" || head.method == "PUT" || head.method == "PATCH");
  for (const auto& [name, value] : head.headers) {
    CHECK(name == lower_case(name));
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    static_cast<void>(decoded_header(value));
    static_cast<void>(read_event_id(value));
  }
  static_cast<void>(read_query(head.query));
  const HttpGate gate({true, {}, {}});
  if (!gate.check(head)) CHECK(is_loopback_name(host_name(head.header("host"))));
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const size_t end = find_head_end(text, 0);
  size_t searched = 0;
  size_t found = 0;
  for (size_t cut = 0; cut <= size && found == 0; cut += 1 + size / 64) {
    found = find_head_end(text.substr(0, cut), searched);
    searched = cut;
  }
  if (found != 0) CHECK(found == end);
  if (end == 0) {
    check_chunks(text);
    return 0;
  }
  HttpHead head;
  if (const auto refusal = read_head(text.substr(0, end), head)) {
    CHECK(refusal->status >= 400 && !refusal->message.empty());
  } else {
    check_accepted(head);
  }
  check_chunks(text.substr(end));
  return 0;
}
