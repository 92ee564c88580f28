#include "core/scan.h"

namespace chronos {

std::vector<Position> find_matches(const View& view, const Match& match, Position after, size_t limit) {
  std::vector<Position> found;
  for (uint64_t p = after.value + 1; p <= view.head().value && found.size() < limit; p++) {
    if (matches(match, view.at(Position{p}))) found.push_back(Position{p});
  }
  return found;
}

}  // namespace chronos
