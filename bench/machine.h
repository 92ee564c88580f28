// What the figures were taken on: processor, kernel, file system, and how long the disk takes to make a write durable.
#pragma once

#include <string>

namespace chronos::bench {

void tell_machine(const std::string& directory);
// fdatasync after appending 4 KiB to a file, for `seconds`.
void measure_fsync(const std::string& directory, double seconds);

}  // namespace chronos::bench
