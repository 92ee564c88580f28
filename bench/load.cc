// chronos_load: an MCP server of any make under calls of many clients; one JSON line per figure.
//
// Started with the server's port and process (bench/suite does), or with the command of a server over stdio.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench/child.h"
#include "bench/http_calls.h"
#include "bench/measure.h"

namespace chronos::bench {
namespace {

struct Load {
  std::string name;
  uint16_t port = 0;
  pid_t process = 0;
  std::string path = "/mcp";
  std::string tool;
  std::string arguments = "{}";
  double seconds = 3;
  std::vector<size_t> connections = {1, 8, 64};
  size_t streams = 500;
  size_t sessions = 10'000;
  std::vector<std::string> command;
};

using Connections = std::vector<std::unique_ptr<HttpConnection>>;

std::string call_of(const Load& load, size_t id) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{"name":")" +
         load.tool + R"(","arguments":)" + load.arguments + "}}";
}

uint64_t resident_bytes_of(pid_t process) {
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Connections open_sessions(const Load& load, size_t count) {
  Connections connections;
  for (size_t i = 0; i < count; i++) {
    connections.push_back(std::make_unique<HttpConnection>(load.port, load.path));
    connections.back()->open_session();
  }
  return connections;
}

void emit_calls(const Load& load, const Connections& connections, const std::string& config) {
  const std::string message = call_of(load, 7);
  call_over(connections, message, load.seconds / 3);  // to warm up
  const uint64_t cpu = cpu_ns(load.process);
  CallRate rate = call_over(connections, message, load.seconds);
  emit("http_calls", config, rate.per_second, "calls/s");
  rate.latencies.emit_us("http_call", config);
  emit("http_call_cpu", config, static_cast<double>(cpu_ns(load.process) - cpu) / 1e3 / static_cast<double>(rate.calls),
       "us");
}

void measure_connections(const Load& load) {
  for (const size_t count : load.connections) {
    emit_calls(load, open_sessions(load, count), "connections=" + std::to_string(count));
  }
}

// What idle clients cost: sessions on connections that are kept, and streams of events that are open.
void measure_streams(const Load& load) {
  const uint64_t before = resident_bytes_of(load.process);
  Connections open = open_sessions(load, load.streams);
  const auto idle = static_cast<double>(resident_bytes_of(load.process) - before);
  const auto count = static_cast<double>(load.streams);
  emit("http_memory_per_connection", "sessions=" + std::to_string(load.streams), idle / count, "B");
  for (const auto& connection : open) connection->open_stream();
  const auto streaming = static_cast<double>(resident_bytes_of(load.process) - before);
  emit("http_memory_per_stream", "streams=" + std::to_string(load.streams), streaming / count, "B");
  emit_calls(load, open_sessions(load, 8), "connections=8 streams=" + std::to_string(load.streams));
}

// Clients that come, ask once, and go without a word.
void measure_sessions(const Load& load) {
  const size_t half = load.sessions / 2;
  const auto come_and_go = [&](size_t count) {
    for (size_t i = 0; i < count; i++) HttpConnection(load.port, load.path).open_session();
  };
  come_and_go(half / 10);
  const auto at_first = static_cast<double>(resident_bytes_of(load.process));
  come_and_go(half);
  const auto between = static_cast<double>(resident_bytes_of(load.process));
  come_and_go(half);
  const auto at_last = static_cast<double>(resident_bytes_of(load.process));
  const std::string config = "sessions=" + std::to_string(load.sessions);
  emit("http_memory_per_lost_session", config + " half=first", (between - at_first) / static_cast<double>(half), "B");
  emit("http_memory_per_lost_session", config + " half=second", (at_last - between) / static_cast<double>(half), "B");
}

// So many calls on their way at a time over one pair of pipes, as clients that pipeline send them.
void measure_in_flight(const Load& load, Child& server, size_t in_flight) {
  Latencies latencies;
  std::vector<uint64_t> begun(in_flight);
  const auto send = [&](size_t slot) {
    begun[slot] = now_ns();
    server.send(call_of(load, slot + 1));
  };
  const uint64_t start = now_ns();
  const uint64_t until = start + static_cast<uint64_t>(load.seconds * 1e9);
  const uint64_t cpu = cpu_ns(server.id());
  uint64_t calls = 0;
  for (size_t slot = 0; slot < in_flight; slot++) send(slot);
  for (size_t open = in_flight; open > 0;) {
    const std::string answer = server.receive();
    const size_t id = answer.find("\"id\":");
    const bool failed = answer.find("\"result\"") == answer.npos || answer.find("\"isError\":true") != answer.npos;
    if (failed || id == answer.npos) die("a call failed: " + answer.substr(0, 500));
    const size_t slot = std::stoul(answer.substr(id + 5)) - 1;
    latencies.add(now_ns() - begun[slot]);
    calls++;
    if (now_ns() < until) {
      send(slot);
    } else {
      open--;
    }
  }
  const std::string config = "in_flight=" + std::to_string(in_flight);
  emit("stdio_calls", config, static_cast<double>(calls) * 1e9 / static_cast<double>(now_ns() - start), "calls/s");
  latencies.emit_us("stdio_load", config);
  emit("stdio_load_cpu", config, static_cast<double>(cpu_ns(server.id()) - cpu) / 1e3 / static_cast<double>(calls),
       "us");
}

void measure_stdio(const Load& load) {
  Child server(load.command);
  server.send(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
              R"("capabilities":{},"clientInfo":{"name":"chronos_load","version":"1"}}})");
  server.receive();
  server.send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  for (size_t i = 0; i < 200; i++) {
    server.send(call_of(load, 1));
    server.receive();
  }
  for (const size_t count : load.connections) measure_in_flight(load, server, count);
}

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  Load load;
  CLI::App app{"Calls an MCP server as many clients do; prints one JSON line per figure.", "chronos_load"};
  app.add_option("--name", load.name, "of the server, in the figures")->required();
  app.add_option("--port", load.port, "of the server, on 127.0.0.1");
  app.add_option("--process", load.process, "of the server, whose memory and processor time are told");
  app.add_option("--path", load.path, "of MCP")->capture_default_str();
  app.add_option("--tool", load.tool, "to call")->required();
  app.add_option("--arguments", load.arguments, "of the call, JSON")->capture_default_str();
  app.add_option("--seconds", load.seconds, "for each rate")->capture_default_str();
  app.add_option("--connections", load.connections, "at a time")->delimiter(',')->capture_default_str();
  app.add_option("--streams", load.streams, "open while calls go on, 0 for none")->capture_default_str();
  app.add_option("--sessions", load.sessions, "that are never deleted, 0 for none")->capture_default_str();
  app.add_option("command", load.command, "of a server over stdio, in place of a port");
  CLI11_PARSE(app, argc, argv);
  name_program(load.name);
  if (!load.command.empty()) {
    measure_stdio(load);
    return 0;
  }
  measure_connections(load);
  if (load.streams > 0) measure_streams(load);
  if (load.sessions > 0) measure_sessions(load);
  return 0;
}
