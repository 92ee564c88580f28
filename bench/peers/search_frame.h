// What every search engine is asked: the same messages, the same queries, the same names of figures as part `search` of
// chronos_bench.
//
// A program is a SearchPeer handed to run_search_peer().  Indexing and searching each run in a process of their own, as
// they do for Chronos.  A message is one text of all its words, found again by its number; an engine keeps what it
// takes to score it, neither the text itself nor where in it a word stands, since Chronos's index has neither.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/search_workload.h"

namespace chronos::bench {

class SearchPeer {
 public:
  virtual ~SearchPeer() = default;
  // Timed: all of them, until they are on the disk.
  virtual void index(const SearchWorkload& workload) = 0;
  // What the engine itself can do to be smaller and faster; not timed.
  virtual void compact() = 0;
  // Of what was indexed, by a process of its own.
  virtual void open() = 0;
  // The best ten: numbers of messages, the best one first.
  virtual std::vector<uint64_t> best(const std::string& query) = 0;
};

using MakeSearchPeer = std::function<std::unique_ptr<SearchPeer>(const std::string& directory)>;
// main() of a peer program.
int run_search_peer(int argc, char** argv, const std::string& name, const MakeSearchPeer& make);

}  // namespace chronos::bench
