#include "core/packing.h"

#include "core/log_format.h"

namespace chronos {

std::shared_ptr<Packing> Packing::read(ByteReader from) {
  auto made = std::make_shared<Packing>();
  const std::string_view begin = from.rest();
  made->dictionary = from.text();
  if (!made->shapes.read(from)) return nullptr;
  made->bytes = begin.substr(0, begin.size() - from.rest().size());
  return made;
}

std::shared_ptr<const Unpacking> Unpacking::read(ByteReader& from) {
  auto made = std::make_shared<Unpacking>();
  made->dictionary_ = from.text();
  if (!made->shapes_.read(from)) return nullptr;
  made->decompressor_ = std::make_unique<Decompressor>(made->dictionary_);
  return made;
}

std::shared_ptr<const Unpacking> Unpackings::share(ByteReader& from) {
  ByteReader ahead = from;
  std::shared_ptr<const Unpacking> made = Unpacking::read(ahead);
  if (made == nullptr) return nullptr;
  const std::string_view bytes = from.rest().substr(0, from.rest().size() - ahead.rest().size());
  from = ahead;
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const Unpacking>& known = known_[hash_bytes(bytes)];
  if (auto there = known.lock()) return there;
  known = made;
  return made;
}

}  // namespace chronos
