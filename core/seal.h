// Writes sealed segments: from one in memory, and from several that follow each other.
//
// The file and all of its bytes are on the disk when it returns; its name is the caller's to sync.  One thread; the
// segments may be read meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/disk.h"
#include "core/memory_segment.h"
#include "core/result.h"
#include "core/sealed_segment.h"
#include "core/types.h"

namespace chronos {

// What the last of the segment's large regions was packed with, to pack more like it; null when it has no large one.
// Throws Damage.
std::shared_ptr<Packing> packing_of(const SealedSegment& segment);

// All published events of the segment, of which there is at least one.  What was learned before is used when that is
// worth it, and what is learned now is left in `known`; it may begin as null.
Result<void> seal_segment(Disk& disk, const std::string& path, ForkId fork, const MemorySegment& segment,
                          std::shared_ptr<Packing>& known);

// kCorrupt, naming file and byte, when one of them is damaged.  Requires: at least one; each begins where the one
// before it ends, and together they have fewer than 2^32 - 1 events.
Result<void> merge_segments(Disk& disk, const std::string& path, ForkId fork,
                            std::span<const std::shared_ptr<const SealedSegment>> segments);

}  // namespace chronos
