#include "mcp/http_messages.h"

#include <httplib.h>

#include <exception>
#include <limits>
#include <utility>

#include "tools/tool.h"

namespace chronos {
namespace {

constexpr const char* kPath = "/";

// A head that says how the body is framed, and nothing that the client made up.
std::string plain_head(const HttpHead& head) {
  const bool has_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  std::string text = has_body ? "POST" : head.method == "HEAD" ? "HEAD" : "GET";
  text.append(" ").append(kPath).append(" HTTP/1.1\r\n");
  if (has_body && head.is_chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (has_body) {
    text += "Content-Length: " + std::to_string(head.content_length) + "\r\n";
  }
  if (head.expects_continue && has_body) text += "Expect: 100-continue\r\n";
  return text += "\r\n";
}

// NOLINTBEGIN(modernize-use-override): which of these a release declares, varies
// First the plain head, then what the wire has.
class WireStream final : public httplib::Stream {
 public:
  WireStream(HttpMessages::Wire& wire, std::string head) : wire_(wire), head_(std::move(head)) {}

  bool is_readable() const { return true; }
  bool wait_readable() const { return true; }
  bool is_writable() const { return true; }
  bool wait_writable() const { return true; }
  bool is_peer_alive() const { return true; }
  time_t duration() const { return 0; }
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  socket_t socket() const { return -1; }

  ssize_t read(char* to, size_t size) {
    if (at_ == head_.size()) return wire_.read(to, size);
    const size_t part = head_.copy(to, size, at_);
    at_ += part;
    return static_cast<ssize_t>(part);
  }
  ssize_t write(const char* from, size_t size) { return wire_.write({from, size}) ? static_cast<ssize_t>(size) : -1; }

 private:
  HttpMessages::Wire& wire_;
  const std::string head_;
  size_t at_ = 0;
};
// NOLINTEND(modernize-use-override)

void set_answer(HttpAnswer answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.body = std::move(answer.body);
}

}  // namespace

class HttpMessages::Library final : public httplib::Server {
 public:
  Library() {
    set_payload_max_length(std::numeric_limits<size_t>::max());  // limits are those of our handlers
    set_keep_alive_timeout(120);
    set_keep_alive_max_count(1000000);
    set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
      response.status = 500;
      response.set_content(error_json(Error{Code::kInternal, "The request failed here. Please report this.", ""}),
                           "application/json");
    });
    Get(kPath, [this](const httplib::Request&, httplib::Response& response) {
      handle(response, [](const TakePart&) { return true; });
    });
    Post(kPath, [this](const httplib::Request&, httplib::Response& response, const httplib::ContentReader& reader) {
      handle(response, [&reader](const TakePart& take) {
        return reader([&take](const char* part, size_t size) { return take({part, size}); });
      });
    });
  }

  bool run(Wire& wire, const HttpHead& head, const Handle& handle) {
    WireStream stream(wire, plain_head(head));
    handle_ = &handle;
    bool closed = false;
    return call(stream, closed, [this](httplib::Request& request) { request_ = &request; });
  }

 private:
  // Releases since 0.15 are told the addresses of both ends.
  template <typename AnyStream>
  bool call(AnyStream& stream, bool& closed, const std::function<void(httplib::Request&)>& setup) {
    if constexpr (requires { this->process_request(stream, false, closed, setup); }) {
      return this->process_request(stream, false, closed, setup);
    } else {
      return this->process_request(stream, "", 0, "", 0, false, closed, setup);
    }
  }

  void handle(httplib::Response& response, const ReadBody& read_body) {
    Outcome outcome = (*handle_)(read_body);
    // So the library says that the connection will be closed.
    if (outcome.closes) request_->headers.emplace("Connection", "close");
    set_answer(std::move(outcome.answer), response);
  }

  const Handle* handle_ = nullptr;
  httplib::Request* request_ = nullptr;
};

HttpMessages::HttpMessages() : library_(std::make_unique<Library>()) {}
HttpMessages::~HttpMessages() = default;

bool HttpMessages::run(Wire& wire, const HttpHead& head, const Handle& handle) {
  return library_->run(wire, head, handle);
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

}  // namespace chronos
