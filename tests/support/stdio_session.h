// A StdioServer with scripted tools, running in a thread of the test, and the client's ends of its pipes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mcp/stdio_server.h"
#include "tests/support/scripted_tools.h"

namespace chronos {

class StdioSession {
 public:
  // in, out and stop_fd of `options` are set here.
  explicit StdioSession(StdioOptions options = {});
  ~StdioSession();

  ScriptedBackend& backend() { return backend_; }

  // Writes the bytes as they are.
  void send_bytes(std::string_view bytes);
  void send(std::string_view line) { send_bytes(std::string(line) + "\n"); }
  // Waits for the next line; "" when the output ended.  Fails the test when nothing comes for a very long time.
  std::string receive();
  void close_input();
  void close_output();
  void ask_to_stop();
  // Waits for run() to return, and gives the lines not yet received.
  std::vector<std::string> finish();

 private:
  struct Pipe {
    int read_end = -1;
    int write_end = -1;
  };
  static Pipe make_pipe();
  static void close_end(int* fd);

  ScriptedBackend backend_;
  ScriptedServer server_parts_{backend_};
  Pipe in_, out_, stop_;
  std::string received_;
  std::thread server_;
};

}  // namespace chronos
