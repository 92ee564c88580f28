#include "mcp/http_head.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace chronos {
namespace {

constexpr size_t kMaxHeaders = 100;
constexpr size_t kMaxTarget = 8000;
constexpr size_t kMaxMethod = 16;

// Headers that decide what a request means: two of them would mean two things.
constexpr std::string_view kSingle[] = {
    "host",          "content-length", "transfer-encoding",    "content-type", "authorization",
    "origin",        "mcp-session-id", "mcp-protocol-version", "mcp-method",   "mcp-name",
    "last-event-id", "expect",         "content-encoding"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<HttpRefusal> refuse(int status, std::string message) { return HttpRefusal{status, std::move(message)}; }

std::optional<HttpRefusal> read_request_line(std::string_view line, HttpHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "The request line must be METHOD, target and version, with one space between them.");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (method.size() > kMaxMethod || !is_token(method)) return refuse(400, "The request method is not a token.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.starts_with("HTTP/") && version.size() <= 10) return refuse(505, "Speak HTTP/1.1.");
    return refuse(400, "The request line must end with HTTP/1.1.");
  }
  if (target.size() > kMaxTarget) return refuse(414, "The request target is longer than 8000 bytes.");
  const bool is_visible = std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!target.starts_with('/') || !is_visible || target.find('#') != std::string_view::npos) {
    return refuse(400, "The request target must be a path that begins with '/', percent-encoded.");
  }
  head.method = method;
  const size_t question = target.find('?');
  head.path = target.substr(0, question);
  head.query = question == std::string_view::npos ? "" : target.substr(question + 1);
  head.knows_chunks = version == "HTTP/1.1";
  head.keeps_alive = head.knows_chunks;
  return std::nullopt;
}

std::optional<HttpRefusal> read_header(std::string_view line, HttpHead& head) {
  if (head.headers.size() >= kMaxHeaders) return refuse(431, "More than 100 headers.");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "A header line has no colon.");
  if (!is_token(line.substr(0, colon))) return refuse(400, "A header's name has characters that no name may have.");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return refuse(400, "A header's value has control characters.");
  }
  std::string name = lower_case(line.substr(0, colon));
  const bool is_single = std::find(std::begin(kSingle), std::end(kSingle), name) != std::end(kSingle);
  if (is_single && head.find(name) != nullptr) return refuse(400, "The header '" + name + "' was sent twice.");
  head.headers.emplace_back(std::move(name), value);
  return std::nullopt;
}

std::optional<HttpRefusal> read_length(const std::string& text, HttpHead& head) {
  constexpr size_t kMostDigits = 18;
  const bool is_number = !text.empty() && text.size() <= kMostDigits && std::all_of(text.begin(), text.end(), is_digit);
  if (!is_number) return refuse(400, "Content-Length must be a number.");
  std::from_chars(text.data(), text.data() + text.size(), head.content_length);
  return std::nullopt;
}

std::optional<HttpRefusal> read_framing(HttpHead& head, bool is_old) {
  const std::string* length = head.find("content-length");
  const std::string* encoding = head.find("transfer-encoding");
  if (length != nullptr && encoding != nullptr) {
    return refuse(400, "Content-Length and Transfer-Encoding were both sent. Send one of them.");
  }
  if (length != nullptr) {
    if (auto refusal = read_length(*length, head)) return refusal;
  }
  if (encoding != nullptr) {
    if (!equal_ignoring_case(*encoding, "chunked")) return refuse(501, "The only transfer encoding known is chunked.");
    if (is_old) return refuse(400, "HTTP/1.0 has no chunked bodies.");
    head.is_chunked = true;
  }
  const bool takes_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (takes_body && length == nullptr && encoding == nullptr) return refuse(411, "Send Content-Length, or chunks.");
  if (!takes_body && head.has_body()) return refuse(400, "A " + head.method + " request must have no body.");
  const std::string_view coding = head.header("content-encoding");
  if (!coding.empty() && coding != "identity") return refuse(415, "Send the body without a Content-Encoding.");
  return std::nullopt;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '+') {
      result += ' ';
    } else if (text[i] != '%') {
      result += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      result += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!simdjson::validate_utf8(result.data(), result.size())) return std::nullopt;
  return result;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

const std::string* HttpHead::find(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::string_view HttpHead::header(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

bool HttpHead::lists(std::string_view name, std::string_view token) const {
  for (const auto& [known, value] : headers) {
    if (known != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view item = rest.substr(0, comma);
      if (equal_ignoring_case(trimmed(item.substr(0, item.find(';'))), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

bool HttpHead::is_type(std::string_view type) const {
  const std::string_view value = header("content-type");
  return equal_ignoring_case(trimmed(value.substr(0, value.find(';'))), type);
}

size_t find_head_end(std::string_view text, size_t searched) {
  size_t at = searched > 3 ? searched - 3 : 0;  // the empty line may have begun before
  while ((at = text.find('\n', at)) != std::string_view::npos) {
    if (at == 0 || text[at - 1] != '\r') return at + 1;
    if (at >= 3 && text[at - 2] == '\n') return at + 1;
    if (at == 1) return at + 1;  // an empty line in place of a request
    at++;
  }
  return 0;
}

std::optional<HttpRefusal> read_head(std::string_view text, HttpHead& head) {
  bool is_first = true;
  while (true) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0 || text[end - 1] != '\r') {
      return refuse(400, "Lines of the head must end with CR and LF.");
    }
    const std::string_view line = text.substr(0, end - 1);
    text.remove_prefix(end + 1);
    if (line.find('\r') != std::string_view::npos) return refuse(400, "A line of the head has a CR within.");
    if (is_first) {
      if (auto refusal = read_request_line(line, head)) return refusal;
    } else if (line.empty()) {
      break;
    } else if (auto refusal = read_header(line, head)) {
      return refusal;
    }
    is_first = false;
  }
  const bool is_old = !head.keeps_alive;
  if (!is_old && head.find("host") == nullptr) return refuse(400, "The header Host is missing.");
  if (auto refusal = read_framing(head, is_old)) return refusal;
  if (const std::string* expected = head.find("expect")) {
    if (!equal_ignoring_case(*expected, "100-continue")) return refuse(417, "Only 100-continue can be expected.");
    head.expects_continue = true;
  }
  if (head.lists("connection", "close")) head.keeps_alive = false;
  if (is_old && head.lists("connection", "keep-alive")) head.keeps_alive = true;
  return std::nullopt;
}

bool ChunkCheck::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kData) {
      const size_t part = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      bytes.remove_prefix(part);
      left_ -= part;
      if (left_ == 0) state_ = State::kDataEnd;
      continue;
    }
    if (!take(bytes.front())) return false;
    bytes.remove_prefix(1);
  }
  return true;
}

bool ChunkCheck::take(char byte) {
  constexpr int kMostDigits = 12;
  const auto expect = [&](char wanted, State next) {
    state_ = next;
    return byte == wanted;
  };
  switch (state_) {
    case State::kSize: {
      if (byte == '\r' && digits_ > 0) return expect('\r', State::kSizeEnd);
      const int digit = hex_value(byte);
      if (digit < 0 || ++digits_ > kMostDigits) return false;
      left_ = left_ * 16 + static_cast<uint64_t>(digit);
      return true;
    }
    case State::kSizeEnd: digits_ = 0; return expect('\n', left_ > 0 ? State::kData : State::kLastEnd);
    case State::kDataEnd: return expect('\r', State::kLineEnd);
    case State::kLineEnd: return expect('\n', State::kSize);
    case State::kLastEnd: return expect('\r', State::kLastLineEnd);
    case State::kLastLineEnd: return expect('\n', State::kComplete);
    case State::kData:
    case State::kComplete: break;
  }
  return false;
}

size_t ChunkCheck::wanted() const {
  if (state_ == State::kComplete) return 0;
  if (state_ != State::kData) return 1;
  return static_cast<size_t>(std::min<uint64_t>(left_, size_t{1} << 20));
}

std::optional<HttpHeaders> read_query(std::string_view query) {
  HttpHeaders result;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    auto name = decoded(part.substr(0, equals));
    auto value = decoded(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    result.emplace_back(std::move(*name), std::move(*value));
  }
  return result;
}

}  // namespace chronos
