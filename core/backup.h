// A copy of what is sealed of a store, which is a store itself: as of the manifest that it was made of.
//
// The log of the copy comes first and says that it goes on behind records that are not in it; the manifest, which has
// them, comes last.  So a copy that was not finished does not open, or holds nothing at all.
#pragma once

#include <string>

#include "core/disk.h"
#include "core/manifest.h"
#include "core/result.h"
#include "core/store.h"

namespace chronos {

// kInvalidArgument when there is something in the directory.
Result<void> require_empty(Disk& disk, const std::string& directory);

// `from` is the directory of the store whose sealed files the manifest names; nobody removes them meanwhile.  Sealed
// files get a second name, or are copied where that cannot be; the rest is copied.  The directory `to` is made; all of
// it is on the disk when it returns.  kInvalidArgument when there is something in it.
//
// kWhole: what the log has beyond the manifest comes along; nobody appends meanwhile.
enum class BackupLog { kEmpty, kWhole };
Result<BackupReport> copy_sealed(Disk& disk, const std::string& from, const Manifest& manifest, const std::string& to,
                                 BackupLog log);

// The first `size` bytes of a file under a new name, on the disk; the name is the caller's to sync.
Result<void> copy_file(Disk& disk, const std::string& from, const std::string& to, uint64_t size);

}  // namespace chronos
