#include "bench/machine.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/measure.h"

namespace chronos::bench {
namespace {

// The value of the first "key : value" line.
std::string first_value(const std::string& file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos) {
      const size_t begin = line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "unknown";
}

std::string distribution() {
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("PRETTY_NAME=")) return line.substr(12);
  }
  return "unknown";
}

// Type and options of the mount that the directory is on: the longest mount point that it lies under.
std::string file_system(const std::string& directory) {
  const std::string path = std::filesystem::weakly_canonical(directory).string() + "/";
  std::string found = "unknown";
  size_t longest = 0;
  std::ifstream in("/proc/mounts");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string device, point, type, options;
    words >> device >> point >> type >> options;
    if (!point.ends_with('/')) point += '/';
    if (path.starts_with(point) && point.size() >= longest) {
      longest = point.size();
      found = type + " " + options;
    }
  }
  return found;
}

}  // namespace

void tell_machine(const std::string& directory) {
  utsname system{};
  uname(&system);
  const unsigned processors = std::thread::hardware_concurrency();
  emit("machine_processors", std::to_string(processors) + " x " + first_value("/proc/cpuinfo", "model name"),
       processors, "");
  emit("machine_memory", "",
       static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 0x1p30, "GiB");
  emit("machine_system", distribution() + ", " + system.sysname + " " + system.release, 1, "");
  emit("machine_file_system", file_system(directory), 1, "");
  emit("machine_compiler", __VERSION__, 1, "");
}

void measure_fsync(const std::string& directory, double seconds) {
  const std::string path = directory + "/fsync";
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) die("cannot create " + path);
  const std::string block(4096, 'x');
  Latencies latencies;
  const uint64_t stop = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  while (now_ns() < stop) {
    const uint64_t start = now_ns();
    if (write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(file) != 0) {
      die("cannot write to " + path);
    }
    latencies.add(now_ns() - start);
  }
  close(file);
  std::filesystem::remove(path);
  latencies.emit_us("fsync", "append=4KiB");
}

}  // namespace chronos::bench
