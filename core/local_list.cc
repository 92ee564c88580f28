#include "core/local_list.h"

#include <cstring>

#include "core/varint.h"

namespace chronos {
namespace {

struct Skip {
  uint32_t first;  // number of the group
  uint32_t at;     // where its numbers begin, counted from behind the last skip
};
static_assert(sizeof(Skip) == 8);

uint32_t groups_of(uint32_t size) { return (size + LocalList::kGroup - 1) / LocalList::kGroup; }

Skip skip_at(const char* packed, uint32_t group) {
  Skip skip;
  std::memcpy(&skip, packed + size_t{group} * sizeof skip, sizeof skip);
  return skip;
}

}  // namespace

void LocalList::pack(std::span<const uint32_t> numbers, std::string& to) {
  const uint32_t groups = groups_of(static_cast<uint32_t>(numbers.size()));
  std::string skips;
  std::string body;
  for (size_t begin = 0; begin < numbers.size(); begin += kGroup) {
    const auto group = numbers.subspan(begin, std::min<size_t>(kGroup, numbers.size() - begin));
    const Skip skip{group[0], static_cast<uint32_t>(body.size())};
    skips.append(reinterpret_cast<const char*>(&skip), sizeof skip);
    put_varint(body, group[0]);
    for (size_t i = 1; i < group.size(); i++) put_varint(body, group[i] - group[i - 1]);
  }
  if (groups > 1) to += skips;
  to += body;
}

void LocalList::unpack(std::vector<uint32_t>& to, uint32_t shift) const {
  for (uint32_t i = 0; i < size_; i++) to.push_back((*this)[i] + shift);
}

const uint32_t* LocalList::group(uint32_t number) const {
  if (window_ == nullptr) window_ = std::make_unique<Window>();
  if (window_->number == number) return window_->values.data();
  const uint32_t groups = groups_of(packed_size_);
  const char* at = packed_;
  if (groups > 1) at += size_t{groups} * sizeof(Skip) + skip_at(packed_, number).at;
  const uint32_t count = std::min(kGroup, packed_size_ - number * kGroup);
  uint32_t value = 0;
  for (uint32_t i = 0; i < count; i++) {
    value += static_cast<uint32_t>(get_varint(at));
    window_->values[i] = value;
  }
  window_->number = number;
  return window_->values.data();
}

uint32_t LocalList::rank(uint64_t end) const {
  if (size_ == 0) return 0;
  if (packed_ == nullptr) {
    if (plain_[size_ - 1] < end) return size_;
    return static_cast<uint32_t>(std::lower_bound(plain_, plain_ + size_, end) - plain_);
  }
  // The last group whose first number is below the end has it.
  uint32_t low = 0;
  uint32_t high = groups_of(packed_size_);
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (skip_at(packed_, middle).first < end) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const uint32_t* const numbers = group(low);
  const uint32_t count = std::min(kGroup, packed_size_ - low * kGroup);
  const auto below = static_cast<uint32_t>(std::lower_bound(numbers, numbers + count, end) - numbers);
  return std::min(size_, low * kGroup + below);
}

}  // namespace chronos
