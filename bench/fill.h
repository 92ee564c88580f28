// Stores to measure on.
#pragma once

#include <memory>
#include <string>

#include "bench/workload.h"
#include "core/store.h"

namespace chronos::bench {

// A new store in the directory, whatever was there.
std::unique_ptr<Store> fresh_store(const std::string& directory);

// Appends the lines [from, to) in batches of 1,000, not synced, each stream's name behind the prefix.
void append_lines(Store& store, const Workload& workload, size_t from, size_t to, const std::string& prefix);

}  // namespace chronos::bench
