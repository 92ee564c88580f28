// What a user's client sees: the program itself, from outside.
#include <algorithm>
#include <array>
#include <filesystem>

#include "bench/child.h"
#include "bench/measure.h"
#include "bench/parts.h"

namespace chronos::bench {
namespace {

constexpr size_t kCalls = 3000;
constexpr size_t kImports = 3;

std::string tool_call(size_t id, const std::string& tool, const std::string& arguments) {
  return "{\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(id) + ",\"method\":\"tools/call\",\"params\":{\"name\":\"" +
         tool + "\",\"arguments\":" + arguments + "}}";
}

void initialize(Child& server) {
  server.send(
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
      "\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
  server.receive();
  server.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

void expect_result(const std::string& answer) {
  if (answer.find("\"result\"") == std::string::npos || answer.find("\"isError\":true") != std::string::npos) {
    die("a call failed: " + answer.substr(0, 300));
  }
}

template <typename Arguments>
void measure_calls(Child& server, const std::string& config, const std::string& tool, Arguments arguments) {
  for (size_t i = 0; i < 100; i++) {
    server.send(tool_call(i, tool, arguments(i)));
    expect_result(server.receive());
  }
  Latencies latencies;
  const uint64_t cpu = cpu_ns(server.id());
  for (size_t i = 0; i < kCalls; i++) {
    const std::string call = tool_call(1000 + i, tool, arguments(i + 100));
    const uint64_t start = now_ns();
    server.send(call);
    const std::string answer = server.receive();
    latencies.add(now_ns() - start);
    expect_result(answer);
  }
  emit("stdio_call_cpu", config, static_cast<double>(cpu_ns(server.id()) - cpu) / 1e3 / kCalls, "us");
  latencies.emit_us("stdio_call", config);
}

// What waking a server costs by itself: a program that does nothing but send each line back.
void measure_echo() {
  Child echo({"/bin/cat"});
  const std::string line(300, 'x');
  Latencies latencies;
  uint64_t cpu = 0;
  for (size_t i = 0; i < kCalls + 100; i++) {
    if (i == 100) cpu = cpu_ns(echo.id());
    const uint64_t start = now_ns();
    echo.send(line);
    echo.receive();
    if (i >= 100) latencies.add(now_ns() - start);
  }
  emit("stdio_echo_cpu", "server=cat", static_cast<double>(cpu_ns(echo.id()) - cpu) / 1e3 / kCalls, "us");
  latencies.emit_us("stdio_echo", "server=cat");
}

}  // namespace

void measure_import(const Setting& setting, const Workload& workload) {
  const std::string directory = setting.directory + "/import";
  const auto events = static_cast<double>(workload.lines.size());
  std::array<Finished, kImports> runs;
  for (Finished& run : runs) {
    std::filesystem::remove_all(directory);
    run = run_program({setting.chronos, "import", setting.file, "--data", directory}, "events imported");
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.told_seconds < b.told_seconds; });
  const Finished& median = runs[kImports / 2];
  // Until all of it is durable and told so; then until it is sealed as well, and the program ends.
  emit("import", "durable=fsync source=file", events / median.told_seconds, "events/s");
  emit("import_sealed", "durable=fsync source=file", events / median.seconds, "events/s");
  emit("import_sealed_cpu", "durable=fsync source=file", median.cpu_seconds * 1e9 / events, "ns/event");
  // What is searched by is built beside, when nothing else is to do: part search tells what it takes.
  const uint64_t stored = disk_bytes(directory + "/log") + disk_bytes(directory + "/segments");
  emit("stored_bytes_per_event", "", static_cast<double>(stored) / events, "B");
  std::filesystem::remove_all(directory);
}

void measure_stdio(const Setting& setting, const Workload& workload) {
  measure_echo();
  const std::string directory = setting.directory + "/stdio";
  std::filesystem::remove_all(directory);
  run_program({setting.chronos, "import", setting.file, "--data", directory});
  {
    const uint64_t start = now_ns();
    Child server({setting.chronos, "stdio", "--data", directory});
    initialize(server);
    emit("stdio_start_to_initialize", "store=" + std::to_string(workload.lines.size()),
         static_cast<double>(now_ns() - start) / 1e6, "ms");
    server.send(tool_call(1, "query_events", "{\"limit\":1}"));
    expect_result(server.receive());
    emit("stdio_start_to_first_call", "store=" + std::to_string(workload.lines.size()),
         static_cast<double>(now_ns() - start) / 1e6, "ms");
  }
  Child server({setting.chronos, "stdio", "--data", directory});
  initialize(server);
  Dice dice(5);
  const auto stream = [&] { return workload.hundred_streams[dice.below(workload.hundred_streams.size())]; };
  measure_calls(server, "tool=get_state as_of=past", "get_state", [&](size_t) {
    return "{\"stream\":\"" + stream() + "\",\"as_of\":" + std::to_string(workload.lines.size()) + "}";
  });
  measure_calls(server, "tool=query_events limit=1", "query_events",
                [&](size_t) { return "{\"stream\":\"" + stream() + "\",\"limit\":1}"; });
  measure_calls(server, "tool=append_events durable=os", "append_events", [&](size_t i) {
    return "{\"durability\":\"os\",\"events\":[{\"stream\":\"calls-" + std::to_string(i % 10) +
           "\",\"type\":\"Called\",\"data\":{\"n\":" + std::to_string(i) + "}}]}";
  });
  measure_calls(server, "tool=append_events durable=fsync", "append_events", [&](size_t i) {
    return "{\"events\":[{\"stream\":\"calls-" + std::to_string(i % 10) +
           "\",\"type\":\"Called\",\"data\":{\"n\":" + std::to_string(i) + "}}]}";
  });
}

}  // namespace chronos::bench
