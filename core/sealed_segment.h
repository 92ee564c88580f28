// Own events of a fork that do not change any more, in a file (core/sealed_format.h): read where they lie, a block of a
// few events at a time.  core/seal.h writes it.
//
// Any thread.  Reading throws Damage where the file is not what was written.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/event_block.h"
#include "core/packed_table.h"
#include "core/packing.h"
#include "core/rebuilt_batch.h"
#include "core/sealed_file.h"
#include "core/sealed_format.h"
#include "core/segment.h"

namespace chronos {

class SealedSegment : public Segment {
 public:
  // kCorrupt and kInvalidArgument as SealedFile::open, and when the file is no segment of this fork.
  // What its regions were packed with is kept in `unpackings`.
  static Result<std::shared_ptr<SealedSegment>> open(Disk& disk, const std::string& path, std::string fork_name,
                                                     ForkId fork, std::shared_ptr<Unpackings> unpackings);

  const SealedFile& file() const { return *file_; }
  uint64_t batches() const { return number(SealedNumber::kBatches); }

  uint32_t published_events() const override { return events_; }
  Event event(uint32_t local) const override;
  LocalList find(Index index, HashedName name) const override;
  std::optional<Version> stream_version(HashedName stream, uint32_t count) const override;
  void for_each_name(Index index, const NameVisitor& visit) const override;
  uint32_t find_id(HashedName id, uint32_t count) const override;
  uint32_t count_until(Timestamp time, uint32_t count) const override;
  CommitRecord commit_record(uint32_t first_local) const override;
  size_t index_bytes() const override;

  // The batch that a request made.
  CommitRecord find_request(HashedName request_id) const override;
  bool holds_requests() const override { return requests_.size() > 0; }
  // Of every request id in it.
  std::vector<uint64_t> request_hashes() const;

  // --- for merging ---
  struct RegionTexts {
    std::shared_ptr<const Unpacking> unpacking;  // shared with other regions, which may be of other segments
    std::vector<std::string_view> actors;
    std::string_view long_batches;
  };
  uint32_t regions() const { return static_cast<uint32_t>(number(SealedNumber::kRegions)); }
  RegionEntry region(uint32_t i) const;
  uint32_t groups() const { return static_cast<uint32_t>(number(SealedNumber::kGroups)); }
  const BlockGroup& group(uint32_t i) const;
  // The bytes of a block of the region, checked.
  void copy_block(const RegionEntry& region, const BlockGroup& group, uint32_t i, std::string& to) const;
  const PackedTable& ids() const { return ids_; }
  const PackedTable& requests() const { return requests_; }
  // The record of the n-th stream, type or tag of a region.
  struct NameRecord {
    std::string_view name;
    uint32_t inherited = 0;
    LocalList events;
    uint64_t next = 0;  // where the record after it is
  };
  NameRecord name_record(Index index, uint64_t offset) const;
  uint32_t name_offset(const RegionEntry& region, Index index, uint32_t number) const;

 private:
  SealedSegment(std::unique_ptr<SealedFile> file, std::string fork_name, ForkId fork,
                std::shared_ptr<Unpackings> unpackings);
  uint64_t number(SealedNumber which) const { return file_->footer().numbers[static_cast<size_t>(which)]; }
  const Section& section(size_t which) const { return file_->footer().sections[which]; }
  struct Place {
    const BlockGroup* group = nullptr;
    uint32_t block = 0;  // of the group
  };
  Place place_of(uint32_t local) const;
  Place place_by_time(Timestamp time) const;
  [[noreturn]] void fail_at(const Place& place, const std::string& what) const;
  const RegionTexts& texts(uint32_t region) const;
  // The thread's own: the block it read last, and how far.
  struct Cursor;
  Cursor& seek(uint32_t local) const;
  bool take_event(Cursor& cursor) const;
  void add_to(RebuiltBatch& batch, Cursor& cursor) const;
  CommitRecord finish(RebuiltBatch& batch, const RegionEntry& region, uint32_t region_number, const PackedEvent& first,
                      uint32_t local, bool is_excerpt) const;
  uint64_t name_offset_at(const RegionEntry& region, Index index, uint32_t number) const;
  uint32_t find_store_id(const StoreId& id, uint32_t count) const;

  const std::unique_ptr<SealedFile> file_;
  const std::shared_ptr<Unpackings> unpackings_;  // of all segments of the store
  const ForkId fork_;
  const uint64_t serial_;  // of this object, in this process
  uint32_t events_ = 0;
  PackedTable ids_;
  PackedTable requests_;
  std::vector<PackedTable> names_;  // by Index
  mutable std::mutex texts_mutex_;  // for making, not for using
  mutable std::vector<std::unique_ptr<RegionTexts>> texts_;
  mutable std::vector<std::atomic<const RegionTexts*>> made_texts_;
};

}  // namespace chronos
