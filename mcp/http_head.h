// The head of an HTTP/1.x request: what is before its body, taken apart strictly.
//
// Anything that two readers could take for different requests (a proxy and we) is refused: two lengths, a length beside
// chunks, folded lines, bare line feeds, control characters.  Values stay as they were sent, nothing is decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chronos {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpHead {
  std::string method;
  std::string path;     // begins with '/'; percent-encoding is left in place
  std::string query;    // after the '?', or ""
  HttpHeaders headers;  // names in lower case, values without blanks around them
  uint64_t content_length = 0;
  bool is_chunked = false;
  bool keeps_alive = true;
  bool knows_chunks = true;  // HTTP/1.0 does not
  bool expects_continue = false;

  bool has_body() const { return is_chunked || content_length > 0; }
  // The value of the first header of that name (in lower case); nullptr when there is none.
  const std::string* find(std::string_view name) const;
  // The same as text, "" when there is none.
  std::string_view header(std::string_view name) const;
  // Whether some header of that name lists `token`, ignoring case and what follows a ';'.
  bool lists(std::string_view name, std::string_view token) const;
  // Whether the Content-Type is `type`, whatever its parameters.
  bool is_type(std::string_view type) const;
};

struct HttpRefusal {
  int status = 400;
  std::string message;
};

// How many bytes of `text` are the head, its empty line included; 0 while it is not complete.  Looks at the bytes from
// `searched` on only.  A line that does not end with \r\n ends the search: the head is complete, and wrong.
size_t find_head_end(std::string_view text, size_t searched);

// Takes a complete head apart.
std::optional<HttpRefusal> read_head(std::string_view text, HttpHead& head);

// Follows the framing of a chunked body byte by byte, as strictly.
class ChunkCheck {
 public:
  // Takes a part of the body.  False when it cannot be one; the check is of no use then.
  // Requires: !is_complete().
  bool take(std::string_view bytes);
  // How many more bytes belong to the body whatever they are, at least 1; 0 when it is complete.
  size_t wanted() const;
  bool is_complete() const { return state_ == State::kComplete; }

 private:
  enum class State : uint8_t { kSize, kSizeEnd, kData, kDataEnd, kLineEnd, kLastEnd, kLastLineEnd, kComplete };
  bool take(char byte);

  State state_ = State::kSize;
  uint64_t left_ = 0;
  int digits_ = 0;
};

// Splits a query into decoded names and values, in their order.  nullopt when its encoding is wrong or a value is not
// UTF-8.
std::optional<HttpHeaders> read_query(std::string_view query);

std::string lower_case(std::string_view text);

}  // namespace chronos
