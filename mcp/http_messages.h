// Reading a request's body and writing a plain answer, by cpp-httplib.
//
// The library never sees what a client wrote in a head: it is given one of our own making that says no more than how
// the body is framed.  So nothing depends on how its releases decode, route, or limit.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/http_head.h"

namespace chronos {

struct HttpAnswer {
  int status = 200;
  HttpHeaders headers;  // without those of the framing
  std::string body;
};

// One thread.
class HttpMessages {
 public:
  // Where the bytes come from and go to.
  class Wire {
   public:
    virtual ~Wire() = default;
    // The bytes of the body as they were framed; 0 after them, -1 when they cannot be had.
    virtual ssize_t read(char* to, size_t size) = 0;
    virtual bool write(std::string_view bytes) = 0;
  };
  using TakePart = std::function<bool(std::string_view part)>;  // false: no more is wanted
  // Gives the whole body, part by part.  False when it was not all taken.
  using ReadBody = std::function<bool(const TakePart& take)>;
  struct Outcome {
    HttpAnswer answer;
    bool closes = false;  // the connection, after this answer
  };
  using Handle = std::function<Outcome(const ReadBody& read_body)>;

  HttpMessages();
  ~HttpMessages();

  // Calls `handle` once and writes what it answers.  False when something could not be written.
  bool run(Wire& wire, const HttpHead& head, const Handle& handle);

 private:
  class Library;
  const std::unique_ptr<Library> library_;
};

// "OK", "Not Found", ...
std::string_view http_reason(int status);

}  // namespace chronos
