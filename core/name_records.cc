#include "core/name_records.h"

#include <cstring>

#include "core/check.h"
#include "core/packed_table.h"
#include "core/varint.h"

namespace chronos {

void NameRecords::add(const Segment& segment, Index index, uint32_t shift) {
  segment.for_each_name(index, [&](std::string_view text, const LocalList& events) {
    if (events.empty()) return;
    const auto [place, is_new] = numbers_.try_emplace(std::string(text), static_cast<uint32_t>(names_.size()));
    if (is_new) {
      Name& name = names_.emplace_back();
      name.text = text;
      if (index == Index::kStreams) name.inherited = segment.stream_version(HashedName(text), 0)->value;
    }
    events.unpack(names_[place->second].events, shift);
  });
}

NameRecords::Packed NameRecords::pack(Index index) {
  Packed packed;
  std::vector<PackedEntry> entries;
  std::string list;
  for (Name& name : names_) {
    list.clear();
    LocalList::pack(name.events, list);
    CHECK(packed.records.size() <= UINT32_MAX);
    name.offset = static_cast<uint32_t>(packed.records.size());
    uint32_t tag = tag_of(hash_bytes(name.text));
    if (is_hashed(index)) std::memcpy(&tag, name.text.data(), sizeof tag);
    entries.push_back({tag, name.offset});
    put_varint(packed.records, name.text.size());
    packed.records += name.text;
    put_varint(packed.records, name.inherited);
    put_varint(packed.records, name.events.size());
    put_varint(packed.records, list.size());
    packed.records += list;
    name.events = {};
  }
  packed.table = pack_table(std::move(entries));
  return packed;
}

}  // namespace chronos
