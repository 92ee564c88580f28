// A note beside the log files that says how far the log was known to be durable: the second witness against a log that
// was cut short.  A log that ends before what the note says has lost what was acknowledged.
//
// The note is written after what it speaks of was synced, and not synced itself: after a power cut it may be old,
// which is still true, or torn, which counts as none.  docs/FORMAT.md shows its bytes.
#pragma once

#include <string>

#include "core/disk.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

inline constexpr std::string_view kDurableNoteName = "durable";

// Lsn{0} when there is no note, or none that is whole.
Result<Lsn> read_durable_note(Disk& disk, const std::string& directory);

Result<void> write_durable_note(Disk& disk, const std::string& directory, Lsn durable);

}  // namespace chronos
