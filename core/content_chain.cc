#include "core/content_chain.h"

#include <xxhash.h>
#ifdef CHRONOS_WIDE_XXHASH
#include <xxh_x86dispatch.h>  // its functions take the widest steps that the processor has
#endif

#include <array>

namespace chronos {

ContentChain ContentChain::then(std::string_view text) const {
  const XXH128_hash_t of_text = XXH3_128bits(text.data(), text.size());
  const std::array<uint64_t, 4> link = {low, high, of_text.low64, of_text.high64};
  const XXH128_hash_t next = XXH3_128bits(link.data(), sizeof link);
  return ContentChain{next.low64, next.high64};
}

std::string ContentChain::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(half >> shift) & 15];
  }
  return text;
}

}  // namespace chronos
