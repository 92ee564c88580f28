#include "core/sealed_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/damage.h"
#include "core/log.h"
#include "core/seal.h"

namespace chronos {
namespace {

// So many segments of about the same size become one.
constexpr size_t kFanIn = 8;
constexpr uint64_t kSmallest = 4096;  // events: smaller ones count as that

SealedRef ref_of(ForkId fork, const Segment& segment) { return {fork, segment.base(), segment.published_events()}; }

// Sizes a factor kFanIn apart.
unsigned tier_of(uint64_t events) {
  unsigned tier = 0;
  for (uint64_t size = kSmallest; size < events; size *= kFanIn) tier++;
  return tier;
}

// A file that the manifest names and that is not there is damage like any other.
Error as_damage(Error error) {
  if (error.code != Code::kNotFound) return error;
  error.code = Code::kCorrupt;
  error.message += "; restore the store from a backup, or save what is intact with chronos salvage";
  return error;
}

}  // namespace

Result<std::unique_ptr<SealedStore>> SealedStore::open(Disk& disk, const std::string& directory) {
  if (auto made = disk.create_directories(directory); !made) return made.error();
  std::unique_ptr<SealedStore> store(new SealedStore(disk, directory));
  auto manifest = read_manifest(disk, directory);
  if (!manifest) return manifest.error();
  if (*manifest) store->manifest_ = **std::move(manifest);
  if (auto removed = store->remove_strays(); !removed) return removed.error();
  return store;
}

Result<void> SealedStore::remove_strays() const {
  std::set<std::string> named = {"manifest"};
  if (manifest_.sealed.value > 0) named.insert("changes");
  for (const SealedRef& ref : manifest_.segments) named.insert(segment_file_name(ref));
  const auto names = disk_.list(directory_);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (named.contains(name)) continue;
    if (auto removed = disk_.remove(directory_ + "/" + name); !removed) return removed;
  }
  return {};
}

uint64_t SealedStore::bytes() const {
  uint64_t bytes = manifest_.changes_bytes;
  for (const auto& [fork, segments] : segments_) {
    for (const auto& segment : segments) bytes += segment->file().size();
  }
  return bytes;
}

// --- opening ---

Result<void> SealedStore::replay_changes(const std::function<Result<void>(const LogRecord& record)>& visit) const {
  if (manifest_.changes_bytes == 0) return {};
  const std::string path = directory_ + "/changes";
  auto mapped = disk_.map(path);
  if (!mapped) return as_damage(mapped.error());
  // Records are followed by readable bytes, as everywhere.
  std::string bytes((*mapped)->bytes().substr(0, manifest_.changes_bytes));
  const size_t size = bytes.size();
  bytes.append(kSimdPadding, '\0');
  for (size_t at = 0; at < manifest_.changes_bytes;) {
    const size_t length = at < size ? check_record(bytes.data() + at, size - at) : 0;
    if (length == 0) {
      return Error{Code::kCorrupt,
                   "'" + path + "' is damaged: no record is at byte " + std::to_string(at) + ", where one was written" +
                       "; restore the store from a backup, or save what is intact with chronos salvage",
                   {}};
    }
    if (auto visited = visit(record_at(bytes.data() + at)); !visited) return visited;
    at += length;
  }
  return {};
}

Result<std::vector<std::shared_ptr<const SealedSegment>>> SealedStore::open_segments(ForkId fork,
                                                                                     const std::string& fork_name) {
  Segments& segments = segments_[fork];
  for (const SealedRef& ref : manifest_.segments) {
    if (ref.fork != fork) continue;
    auto opened = SealedSegment::open(disk_, path_of(ref), fork_name, fork, unpackings_);
    if (!opened) return as_damage(opened.error());
    if (ref_of(fork, **opened) != ref) {
      return Error{
          Code::kCorrupt, "'" + path_of(ref) + "' is another segment than its name says; restore it from a backup", {}};
    }
    segments.push_back(*std::move(opened));
  }
  return segments;
}

// --- sealing ---

Result<void> SealedStore::append_changes(std::string_view records, Manifest& next) const {
  if (records.empty()) return {};
  const std::string path = directory_ + "/changes";
  const auto there = disk_.exists(path);
  if (!there) return there.error();
  auto file = disk_.open(path, *there ? OpenMode::kReadWrite : OpenMode::kCreate);
  if (!file) return file.error();
  // What lies behind those that count was not finished.
  if (auto truncated = (*file)->truncate(next.changes_bytes); !truncated) return truncated;
  if (auto written = (*file)->write(next.changes_bytes, {&records, 1}); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  next.changes_bytes += records.size();
  return {};
}

// The manifest is the moment: before it the files are strays, after it those it does not name any more are.
Result<void> SealedStore::commit(Manifest next, std::map<ForkId, Segments> segments) {
  next.segments.clear();
  for (const auto& [fork, own] : segments) {
    for (const auto& segment : own) next.segments.push_back(ref_of(fork, *segment));
  }
  if (auto synced = disk_.sync_directory(directory_); !synced) return synced;
  if (auto written = write_manifest(disk_, directory_, next); !written) return written;
  if (auto published = publish_manifest(disk_, directory_); !published) {
    broken_ = published.error().message;
    return published;
  }
  for (const SealedRef& ref : manifest_.segments) {
    if (std::find(next.segments.begin(), next.segments.end(), ref) != next.segments.end()) continue;
    // A file that stays does no harm; opening the store removes it.
    static_cast<void>(disk_.remove(path_of(ref)).has_value());
  }
  manifest_ = std::move(next);
  segments_ = std::move(segments);
  return {};
}

Error SealedStore::unknown_outcome() const {
  return {Code::kUnavailable,
          "the manifest could not be replaced (" + broken_ +
              "), and nobody knows which one counts; mend the disk, then restart Chronos",
          {}};
}

// What was learned before the store was closed serves still; readers then have fewer of them to know.
void SealedStore::resume_packing() {
  if (is_packing_resumed_) return;
  is_packing_resumed_ = true;
  for (const auto& [fork, own] : segments_) {
    for (auto segment = own.rbegin(); segment != own.rend() && packing_ == nullptr; ++segment) {
      // A damaged one is for those to report who need it: here it can be learned anew.
      const auto found = or_damage([&]() -> Result<std::shared_ptr<Packing>> { return packing_of(**segment); });
      packing_ = found ? *found : nullptr;
    }
  }
}

Result<std::vector<Replacement>> SealedStore::seal(const SealPlan& plan) {
  if (!broken_.empty()) return unknown_outcome();
  resume_packing();
  Manifest next = manifest_;
  std::map<ForkId, Segments> segments = segments_;
  std::vector<Replacement> replaced;
  for (const SealPlan::Part& part : plan.parts) {
    const std::string path = path_of(ref_of(part.fork, *part.segment));
    if (auto sealed = seal_segment(disk_, path, part.fork, *part.segment, packing_); !sealed) return sealed.error();
    auto opened = SealedSegment::open(disk_, path, part.fork_name, part.fork, unpackings_);
    if (!opened) return opened.error();
    segments[part.fork].push_back(*opened);
    replaced.push_back({{part.segment}, *opened});
  }
  next.gone_requests.insert(next.gone_requests.end(), plan.gone_requests.begin(), plan.gone_requests.end());
  for (auto own = segments.begin(); own != segments.end();) {
    if (plan.living.contains(own->first)) {
      ++own;
      continue;
    }
    for (const auto& segment : own->second) {
      const auto hashes = or_damage([&]() -> Result<std::vector<uint64_t>> { return segment->request_hashes(); });
      if (!hashes) return hashes.error();
      next.gone_requests.insert(next.gone_requests.end(), hashes->begin(), hashes->end());
    }
    own = segments.erase(own);
  }
  std::sort(next.gone_requests.begin(), next.gone_requests.end());
  next.sealed = plan.sealed;
  next.recorded_at = plan.recorded_at;
  if (auto appended = append_changes(plan.changes, next); !appended) return appended.error();
  if (auto committed = commit(std::move(next), std::move(segments)); !committed) return committed.error();
  return replaced;
}

// The newest segments, kFanIn or more, that are all of one size at most: the smallest such size.
std::span<const std::shared_ptr<const SealedSegment>> SealedStore::run_to_merge(const Segments& segments,
                                                                                uint64_t most_events) {
  for (unsigned tier = 0; tier <= tier_of(most_events); tier++) {
    size_t begin = segments.size();
    uint64_t events = 0;
    while (begin > 0) {
      const uint64_t size = segments[begin - 1]->published_events();
      if (tier_of(size) > tier || events + size > most_events) break;
      events += size;
      begin--;
    }
    if (segments.size() - begin >= kFanIn) return std::span(segments).subspan(begin);
  }
  return {};
}

Result<std::vector<Replacement>> SealedStore::merge_some(uint64_t most_events) {
  if (!broken_.empty()) return unknown_outcome();
  for (const auto& [fork, own] : segments_) {
    const auto run = run_to_merge(own, most_events);
    if (run.empty()) continue;
    SealedRef ref = ref_of(fork, *run.front());
    ref.events = 0;
    for (const auto& segment : run) ref.events += segment->published_events();
    if (auto merged = merge_segments(disk_, path_of(ref), fork, run); !merged) return merged.error();
    auto opened = SealedSegment::open(disk_, path_of(ref), run.front()->fork_name(), fork, unpackings_);
    if (!opened) return opened.error();
    Replacement replacement{{run.begin(), run.end()}, *opened};
    std::map<ForkId, Segments> segments = segments_;
    Segments& left = segments[fork];
    left.resize(left.size() - run.size());
    left.push_back(*opened);
    if (auto committed = commit(manifest_, std::move(segments)); !committed) return committed.error();
    return std::vector<Replacement>{std::move(replacement)};
  }
  return std::vector<Replacement>{};
}

void SealedStore::forget_beyond(uint64_t bytes) {
  uint64_t size = 0;
  uint64_t touched = 0;
  bool was_held = false;
  for (const auto& [fork, own] : segments_) {
    for (const auto& segment : own) {
      size += segment->file().size();
      touched += segment->file().touched_bytes();
      was_held = was_held || segment->file().is_held();
    }
  }
  const bool is_held = size <= bytes / 2;
  const bool is_too_much = !is_held && (was_held || touched > bytes);
  for (const auto& [fork, own] : segments_) {
    for (const auto& segment : own) {
      segment->file().hold(is_held);
      if (is_too_much) segment->file().forget();
    }
  }
}

}  // namespace chronos
