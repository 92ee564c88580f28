// A client of HTTP over a raw socket: it sends the bytes a test wants to send, right or wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace chronos::test {

struct HttpReply {
  int status = 0;                              // 0: the connection ended without an answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class HttpClient {
 public:
  // Connects to this machine.
  explicit HttpClient(uint16_t port);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // False when the other end does not take it.
  bool send(std::string_view bytes);
  void close_output();
  void close();

  // The next answer, its whole body included.  Fails the test when nothing comes for a very long time.
  HttpReply receive();
  // The head alone; its body is a stream, read by receive_part().
  HttpReply receive_head();
  // What the next chunk holds; nullopt at the end of the stream or connection.
  std::optional<std::string> receive_part();
  // Waits for the other end to close; false when it sends something instead.
  bool is_closed();

  // A request with Host, and Content-Length where there is a body; `headers` are whole lines.
  HttpReply get(std::string_view path, std::string_view headers = "");
  HttpReply post(std::string_view path, std::string_view body, std::string_view headers = "");
  static std::string request(std::string_view method, std::string_view path, std::string_view body,
                             std::string_view headers = "");

 private:
  bool fill();
  std::optional<std::string> take_line();
  std::string take(size_t size);

  int fd_ = -1;
  std::string buffer_;
  bool is_chunked_ = false;
};

}  // namespace chronos::test
