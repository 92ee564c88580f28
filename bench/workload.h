// The events the figures are measured with: NDJSON lines of about 375 bytes over 10,000 streams of skewed sizes
// (orders, agent runs, tickets, accounts: words, numbers, a nested object), deterministic by seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chronos::bench {

struct Workload {
  std::unique_ptr<char[]> text;  // all lines, with padding behind them
  size_t size = 0;
  std::vector<std::string_view> lines;       // without their newlines
  std::vector<std::string> hundred_streams;  // the streams with 90 to 110 events
  std::vector<std::string> streams;          // all, in order of appearance

  std::string_view all() const { return {text.get(), size}; }
};

// The members of a line, by looking for what lies between them: not a parser, for work outside of what is timed.
struct LineFields {
  std::string_view stream;
  std::string_view type;
  std::string_view data;
  std::string_view metadata;
};
// Requires: the four members in this order, as make_workload and load_workload have them.
LineFields split_line(std::string_view line);

// Lines of a file in this form, at most `limit` of them.
Workload load_workload(const std::string& file, size_t limit);
// The same kind of lines, made here.
Workload make_workload(size_t events);
void write_workload(const Workload& workload, const std::string& file);

}  // namespace chronos::bench
