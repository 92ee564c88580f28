// The parts of the benchmark: each measures on a store of its own under `directory` and emits its figures.
#pragma once

#include <string>

#include "bench/workload.h"

namespace chronos::bench {

struct Setting {
  std::string directory;            // scratch, on the disk to be measured
  std::string chronos;              // the program, for the parts that start it
  std::string file;                 // the workload as a file
  double seconds = 3;               // for each measurement that could go on
  size_t fork_events = 1'000'000;   // of the large store in which forks are made
  size_t large_events = 5'000'000;  // of the store that is larger than its memory
  std::string large_store;          // one that is there already
  size_t search_events = 0;         // of the store that is searched; as many as the workload has when 0
  size_t vector_dimension = 384;    // of the vectors that it is searched by
  std::string vector_file;          // with others (bench/vector_workload.h)
  std::string vector_store;         // one that is there already, or is made and stays
};

// Appends from memory, durable and not, 1 and 8 producers, batches of 1, 100 and 1,000, each parsed from JSON.
void measure_appends(const Setting& setting, const Workload& workload);
// Eight threads, 250 single appends each, not durable: the whole run.
void measure_burst(const Setting& setting, const Workload& workload);
// The import pipeline from the file to the disk, through the program itself.
void measure_import(const Setting& setting, const Workload& workload);
// Point and stream reads, state as of T; now, as of the past, in a fork, ten forks deep; bytes and memory; opening.
void measure_reads(const Setting& setting, const Workload& workload);
// Forks: making one in a store of 1,000 and of many events; what 1,000 of them cost main.
void measure_forks(const Setting& setting, const Workload& workload);
// What each step of an import costs by itself: find lines, chain, check, decode, encode, hash, stage, write, sync.
void measure_stages(const Setting& setting, const Workload& workload);
// A store larger than the memory it may take: opening, memory, size, reads of compressed blocks.
void measure_large(const Setting& setting, const Workload& workload);
// Keyword search: indexing, queries now and as of the past and in a fork, what indexing costs appends.
void measure_search(const Setting& setting, const Workload& workload);
// Search by vectors: indexing, graphs, queries now and as of the past and with filters, how many are the right ones.
void measure_vectors(const Setting& setting, const Workload& workload);
// Tool calls over stdio: processor time and latency, start to first answer.
void measure_stdio(const Setting& setting, const Workload& workload);

}  // namespace chronos::bench
