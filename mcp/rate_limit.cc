#include "mcp/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace chronos {
namespace {

constexpr double kMinute = 60e6;

// A clock that was set back fills nothing.
double filled(double calls, Timestamp since, uint32_t per_minute, Timestamp now) {
  const double passed = static_cast<double>(std::max<int64_t>(0, now.value - since.value));
  return std::min<double>(per_minute, calls + passed / kMinute * per_minute);
}

}  // namespace

std::optional<uint32_t> RateLimit::refuse(std::string_view name, uint32_t per_minute, Timestamp now) {
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(name);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMostNames) make_room(now);
    found = buckets_.emplace(std::string(name), Bucket{static_cast<double>(per_minute), now, per_minute}).first;
  }
  Bucket& bucket = found->second;
  bucket.calls = filled(bucket.calls, bucket.at, per_minute, now);
  bucket.at = now;
  bucket.per_minute = per_minute;
  if (bucket.calls >= 1) {
    bucket.calls -= 1;
    return std::nullopt;
  }
  return static_cast<uint32_t>(std::ceil((1 - bucket.calls) * 60 / per_minute));
}

void RateLimit::make_room(Timestamp now) {
  std::erase_if(buckets_, [now](const auto& entry) {
    const Bucket& bucket = entry.second;
    return filled(bucket.calls, bucket.at, bucket.per_minute, now) >= bucket.per_minute;
  });
  if (buckets_.size() >= kMostNames) buckets_.erase(buckets_.begin());
}

}  // namespace chronos
