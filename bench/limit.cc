// chronos_limit: what this machine allows.  The same workload as chronos_bench through bench/limit_log.h, with
// nothing on the way but parsing four fields: what an event store could reach here if everything else were free.
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>

#include "bench/limit_log.h"
#include "bench/machine.h"
#include "bench/measure.h"
#include "bench/workload.h"

namespace chronos::bench {
namespace {

namespace ondemand = simdjson::ondemand;

struct Setting {
  std::string directory;
  double seconds = 3;
};

// A string without escapes, as names in this workload are: what lies between the quotes.
std::string_view plain(ondemand::value value) {
  const std::string_view token = value.raw_json_token();
  return token.substr(1, token.find('"', 1) - 1);
}

LimitEvent fields_of(ondemand::object line) {
  LimitEvent event;
  event.stream = plain(line["stream"].value());
  event.type = plain(line["type"].value());
  event.data = line["data"].get_object().value().raw_json();
  event.metadata = line["metadata"].get_object().value().raw_json();
  return event;
}

// Visits the four fields of every line.  Requires: simdjson's padding behind the text.
template <typename Visit>
void parse_lines(ondemand::parser& parser, std::string_view text, size_t window, Visit visit) {
#ifdef SIMDJSON_THREADS_ENABLED
  parser.threaded = false;
#endif
  ondemand::document_stream lines;
  if (parser.iterate_many(text.data(), text.size(), window).get(lines)) die("the workload cannot be parsed");
  for (auto line : lines) visit(fields_of(line.get_object()));
}

void measure_import(const Setting& setting, const Workload& workload) {
  for (const bool durable : {true, false}) {
    for (const size_t buffers : {8, 32}) {
      LimitLog log({setting.directory + "/log", durable, buffers});
      ondemand::parser parser;
      const uint64_t cpu = cpu_ns();
      const uint64_t start = now_ns();
      parse_lines(parser, workload.all(), 1 << 20,
                  [&](const LimitEvent& event) { log.append(event, LimitLog::payload_checksum(event), nullptr); });
      log.finish();
      const uint64_t took = now_ns() - start;
      if (log.size() != workload.lines.size()) die("some lines of the workload were lost");
      const auto events = static_cast<double>(log.size());
      const std::string config =
          std::string(durable ? "durable=fsync" : "durable=no") + " buffers=" + std::to_string(buffers) + "MiB";
      emit("import", config, events / static_cast<double>(took) * 1e9, "events/s");
      emit("import_cpu", config, static_cast<double>(cpu_ns() - cpu) / events, "ns/event");
    }
  }
}

// One producer's closed loop over its lines.
class Producer {
 public:
  Producer(LimitLog& log, const Workload& workload) : log_(log), workload_(workload) {}

  void append(size_t from, size_t count) {
    events_.clear();
    checksums_.clear();
    const std::string_view first = workload_.lines[from];
    const std::string_view last = workload_.lines[from + count - 1];
    const std::string_view text(first.data(), static_cast<size_t>(last.data() + last.size() - first.data()));
    if (count == 1) {
      auto document = parser_.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
      events_.push_back(fields_of(document.get_object()));
    } else {
      parse_lines(parser_, text, std::max<size_t>(text.size() + 1, 1 << 16),
                  [this](const LimitEvent& event) { events_.push_back(event); });
    }
    if (events_.size() != count) die("some lines of the workload were lost");
    for (const LimitEvent& event : events_) checksums_.push_back(LimitLog::payload_checksum(event));
    std::unique_lock lock(log_.mutex());
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) size = log_.append(events_[i], checksums_[i], &lock);
    log_.wait_durable(lock, size);
  }

 private:
  LimitLog& log_;
  const Workload& workload_;
  ondemand::parser parser_;
  std::vector<LimitEvent> events_;
  std::vector<uint32_t> checksums_;
};

void measure_append(const Setting& setting, const Workload& workload, unsigned producers, size_t batch, bool durable) {
  LimitLog log({setting.directory + "/log", durable, 64});
  const size_t share = workload.lines.size() / producers;
  std::vector<Latencies> latencies(producers);
  std::atomic<size_t> done{0};
  const uint64_t cpu = cpu_ns();
  const uint64_t stop = now_ns() + static_cast<uint64_t>(setting.seconds * 1e9);
  const uint64_t took = in_parallel(producers, [&](unsigned number) {
    Producer producer(log, workload);
    const size_t end = (number + 1) * share;
    for (size_t i = number * share; i < end && now_ns() < stop;) {
      const size_t count = std::min(batch, end - i);
      const uint64_t start = now_ns();
      producer.append(i, count);
      latencies[number].add(now_ns() - start);
      i += count;
      done.fetch_add(count, std::memory_order_relaxed);
    }
  });
  for (unsigned i = 1; i < producers; i++) latencies[0].merge(latencies[i]);
  const std::string config = "producers=" + std::to_string(producers) + " batch=" + std::to_string(batch) +
                             (durable ? " durable=fsync" : " durable=no");
  const auto events = static_cast<double>(done.load());
  emit("append", config, events / static_cast<double>(took) * 1e9, "events/s");
  emit("append_cpu", config, static_cast<double>(cpu_ns() - cpu) / events, "ns/event");
  latencies[0].emit_us("append_batch", config);
}

void measure_appends(const Setting& setting, const Workload& workload) {
  for (const bool durable : {true, false}) {
    for (const unsigned producers : {1u, 8u}) {
      for (const size_t batch : {1, 100, 1000}) measure_append(setting, workload, producers, batch, durable);
    }
  }
}

void copy_event(const LimitLog& log, uint64_t index, std::string& to) {
  const LimitLog::Head& head = *log.at(index);
  to.append(log.stream_name(head)).append(log.type_name(head));
  to.append(reinterpret_cast<const char*>(&head), sizeof head + head.length);
}

// Two members of an event's data: the least that a state could be made of.
struct Totals {
  double amount = 0;
  std::string status;
};
void fold(ondemand::parser& parser, std::string_view data, Totals& totals) {
  auto document = parser.iterate(data.data(), data.size(), data.size() + simdjson::SIMDJSON_PADDING);
  for (auto member : document.get_object()) {
    const std::string_view key = member.unescaped_key();
    if (key == "amount") {
      totals.amount += double(member.value().get_double());
    } else if (key == "status") {
      totals.status = std::string_view(member.value().get_string());
    }
  }
}

void time_each(const std::string& figure, const std::string& config, const std::function<void()>& read) {
  constexpr size_t kReads = 20000;
  for (size_t i = 0; i < 200; i++) read();
  Latencies latencies;
  for (size_t i = 0; i < kReads; i++) {
    const uint64_t start = now_ns();
    read();
    latencies.add(now_ns() - start);
  }
  latencies.emit_us(figure, config);
}

void measure_asof(const LimitLog& log, const Workload& workload) {
  Dice dice(7);
  ondemand::parser parser;
  uint64_t folded = 0;
  uint64_t states = 0;
  time_each("q_asof", "fork=main fold=two_members", [&] {
    const uint64_t until = dice.below(log.size()) * 1000;
    const auto& stream = log.stream(workload.hundred_streams[dice.below(workload.hundred_streams.size())]);
    Totals totals;
    states++;
    const auto end = std::upper_bound(stream.begin(), stream.end(), until,
                                      [&](uint64_t time, uint32_t index) { return time < log.time(index); });
    for (auto index = stream.begin(); index != end; ++index, folded++) {
      const LimitLog::Head* head = log.at(*index);
      fold(parser, {reinterpret_cast<const char*>(head + 1), head->data_length}, totals);
    }
    keep(totals.amount);
  });
  emit("q_asof_events_folded", "fork=main fold=two_members", static_cast<double>(folded) / static_cast<double>(states),
       "events/query");
}

void measure_reads(const Setting& setting, const Workload& workload) {
  LimitLog log({setting.directory + "/log", false, 8});
  ondemand::parser parser;
  parse_lines(parser, workload.all(), 1 << 20,
              [&](const LimitEvent& event) { log.append(event, LimitLog::payload_checksum(event), nullptr); });
  log.finish();
  log.map();
  emit("stored_bytes_per_event", "", static_cast<double>(log.bytes_written()) / static_cast<double>(log.size()), "B");
  Dice dice(7);
  std::string out;
  out.reserve(1 << 20);
  const auto stream = [&]() -> const std::vector<uint32_t>& {
    return log.stream(workload.hundred_streams[dice.below(workload.hundred_streams.size())]);
  };
  time_each("q_point", "at=now", [&] {
    out.clear();
    copy_event(log, dice.below(log.size()), out);
  });
  time_each("q_last", "at=now", [&] {
    out.clear();
    copy_event(log, stream().back(), out);
  });
  time_each("q_stream100", "at=now", [&] {
    out.clear();
    for (const uint32_t index : stream()) copy_event(log, index, out);
  });
  measure_asof(log, workload);
  log.scan();
  const uint64_t start = now_ns();
  if (log.scan() != log.size()) die("some events are not there when read back");
  emit("open_per_million", "scan", static_cast<double>(now_ns() - start) / static_cast<double>(log.size()), "ms");
}

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  name_program("chronos_limit");
  Setting setting;
  setting.directory = (std::filesystem::temp_directory_path() / "chronos_limit").string();
  std::string file;
  size_t events = 1'000'000;
  std::vector<std::string> parts = {"machine", "import", "appends", "reads"};
  CLI::App app{"Measures what this machine allows; prints one JSON line per figure.", "chronos_limit"};
  app.add_option("--file", file, "workload as NDJSON; made when not given");
  app.add_option("--events", events, "events of the workload")->capture_default_str();
  app.add_option("--dir", setting.directory, "scratch directory, on the disk to measure")->capture_default_str();
  app.add_option("--seconds", setting.seconds, "for each measurement that could go on")->capture_default_str();
  app.add_option("--part", parts, "machine, import, appends, reads")->delimiter(',')->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::filesystem::create_directories(setting.directory);
  const Workload workload = file.empty() ? make_workload(events) : load_workload(file, events);
  const auto tell = [](const Setting& s, const Workload&) {
    tell_machine(s.directory);
    measure_fsync(s.directory, s.seconds);
  };
  const std::map<std::string, std::function<void(const Setting&, const Workload&)>> known = {
      {"machine", tell}, {"import", measure_import}, {"appends", measure_appends}, {"reads", measure_reads}};
  for (const std::string& part : parts) {
    const auto found = known.find(part);
    if (found == known.end()) die("no part '" + part + "'; there are machine, import, appends and reads");
    found->second(setting, workload);
  }
}
