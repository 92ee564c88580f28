// CHECK(condition): a broken invariant stops the process with file and line, in release builds too.
// Going on with a broken invariant could write a wrong history; stopping cannot.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace chronos {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "chronos: invariant broken: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace chronos

#define CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::chronos::check_failed(#condition, __FILE__, __LINE__))
