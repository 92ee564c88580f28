#include "bench/measure.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

namespace chronos::bench {
namespace {

std::string& program() {
  static std::string name = "chronos_bench";
  return name;
}

// Quotes and control characters are left out: names of machines need none.
std::string json_text(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\') clean += c;
  }
  return clean;
}

uint64_t read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

uint64_t now_ns() { return read_clock(CLOCK_MONOTONIC); }
uint64_t cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
uint64_t thread_cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

uint64_t cpu_ns(pid_t process) {
  clockid_t clock{};
  if (clock_getcpuclockid(process, &clock) != 0) die("no processor clock of process " + std::to_string(process));
  return read_clock(clock);
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t disk_bytes(const std::string& path) {
  const auto allocated = [](const std::filesystem::path& file) -> uint64_t {
    struct stat status{};
    return lstat(file.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_blocks) * 512 : 0;
  };
  if (!std::filesystem::is_directory(path)) return allocated(path);
  uint64_t bytes = 0;
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, failed)) {
    if (entry.is_regular_file(failed)) bytes += allocated(entry.path());
  }
  return bytes;
}

void name_program(std::string name) { program() = std::move(name); }

void emit(std::string_view figure, std::string_view config, double value, std::string_view unit) {
  std::printf(R"({"program":"%s","figure":"%s","config":"%s","value":%.6g,"unit":"%s"})"
              "\n",
              program().c_str(), json_text(figure).c_str(), json_text(config).c_str(), value, json_text(unit).c_str());
  std::fflush(stdout);
}

void emit_not_measured(std::string_view what, std::string_view why) {
  const std::string told = std::string(what) + ": " + std::string(why);
  std::fprintf(stderr, "%s: not measured: %s\n", program().c_str(), told.c_str());
  emit("not_measured", told, 0, "");
}

double Latencies::percentile_us(double share) {
  if (ns_.empty()) return 0;
  const size_t at = std::min(ns_.size() - 1, static_cast<size_t>(share * static_cast<double>(ns_.size())));
  std::nth_element(ns_.begin(), ns_.begin() + static_cast<ptrdiff_t>(at), ns_.end());
  return static_cast<double>(ns_[at]) / 1e3;
}

void Latencies::emit_us(const std::string& figure, std::string_view config) {
  emit(figure + "_p50", config, percentile_us(0.50), "us");
  emit(figure + "_p99", config, percentile_us(0.99), "us");
}

uint64_t in_parallel(unsigned threads, const std::function<void(unsigned)>& body) {
  std::atomic<unsigned> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; i++) {
    running.emplace_back([&, i] {
      ready.fetch_add(1);
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      body(i);
    });
  }
  while (ready.load() != threads) std::this_thread::yield();
  const uint64_t start = now_ns();
  go.store(true, std::memory_order_release);
  for (std::thread& thread : running) thread.join();
  return now_ns() - start;
}

void run_apart(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child < 0) die("cannot start a process");
  if (child == 0) {
    body();
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) die("a part that ran in a process of its own failed");
}

uint64_t Dice::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void die(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program().c_str(), why.c_str());
  std::exit(1);
}

}  // namespace chronos::bench
