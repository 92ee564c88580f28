// Clocks, figures and their output.  One figure is one line of JSON on stdout:
//   {"program":"chronos_bench","figure":"append","config":"producers=8 batch=1000 durable=fsync",
//    "value":1.2e6,"unit":"events/s"}
// so that figures of several programs, taken in one run, can be joined and divided (bench/compare.py).
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chronos::bench {

uint64_t now_ns();
// Processor time of this process, or of another one, in nanoseconds.
uint64_t cpu_ns();
uint64_t cpu_ns(pid_t process);
// Processor time of this thread: what one thread's work is timed with, so that neighbours cost it their share of
// the caches but not their share of the clock.
uint64_t thread_cpu_ns();
// Resident memory of this process, in bytes.
uint64_t resident_bytes();
// What a file, or everything in a directory, takes on the disk.
uint64_t disk_bytes(const std::string& path);

// What every figure, and every complaint of this process, is told under; "chronos_bench" until then.
void name_program(std::string name);
void emit(std::string_view figure, std::string_view config, double value, std::string_view unit);
// Says, on stderr and as a line, that something is missing from the figures, and why.
void emit_not_measured(std::string_view what, std::string_view why);

class Latencies {
 public:
  void add(uint64_t ns) { ns_.push_back(ns); }
  void merge(const Latencies& other) { ns_.insert(ns_.end(), other.ns_.begin(), other.ns_.end()); }
  // 0 for none.
  double percentile_us(double share);
  // FIGURE_p50 and FIGURE_p99.
  void emit_us(const std::string& figure, std::string_view config);

 private:
  std::vector<uint64_t> ns_;
};

// Runs body(thread) on `threads` threads that start together; returns nanoseconds from start to the last end.
uint64_t in_parallel(unsigned threads, const std::function<void(unsigned)>& body);

// Runs it in a process of its own, so that memory is its own and what it leaves behind is not met by what follows.
// Ends this one when it failed.
void run_apart(const std::function<void()>& body);

// Deterministic: splitmix64.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint64_t below(uint64_t n) { return next() % n; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

// Keeps the compiler from leaving out the work whose result this is.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

[[noreturn]] void die(const std::string& why);

}  // namespace chronos::bench
