// How often each of many names may do something: a bucket per name, which holds what may be done at once and fills up
// again within a minute.
//
// Safe to call from any thread.  Memory is bounded: when there are too many names, full buckets are forgotten first,
// which changes nothing, and then any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/types.h"

namespace chronos {

class RateLimit {
 public:
  static constexpr size_t kMostNames = 10'000;

  // Counts one call; or, when there were `per_minute` in the last minute, refuses it and says after how many seconds
  // another is due.  Requires: per_minute > 0.
  std::optional<uint32_t> refuse(std::string_view name, uint32_t per_minute, Timestamp now);

 private:
  struct Bucket {
    double calls;  // that may be made now
    Timestamp at;
    uint32_t per_minute;
  };
  void make_room(Timestamp now);

  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;  // guarded by mutex_
};

}  // namespace chronos
