// Fills a store for the parts that measure reads and forks.
#pragma once

#include <string>

#include "bench/workload.h"
#include "core/store.h"

namespace chronos::bench {

// Appends the lines [from, to) in batches of 1,000, not synced, each stream's name behind the prefix.
void append_lines(Store& store, const Workload& workload, size_t from, size_t to, const std::string& prefix);

}  // namespace chronos::bench
