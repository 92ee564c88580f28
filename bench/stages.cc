// Where each nanosecond of an import goes: every step run alone over the whole workload, the steps before it done
// beforehand, so that the sum over the steps can be held against the whole.
//
// Steps that only compute are timed with the thread's processor clock, the median of three runs; writing and syncing
// with the wall clock.  Alone, a step has the caches and the processor for itself, and what an import does in two
// threads at once is here one after the other: the sum is the work, not the time.
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "core/content_chain.h"
#include "core/disk.h"
#include "core/event_json.h"
#include "core/log_format.h"
#include "core/store.h"
#include "core/valid_json.h"

namespace chronos::bench {
namespace {

constexpr size_t kBlockLines = 1024;             // of an import's batch
constexpr size_t kGroupBytes = size_t{8} << 20;  // written at once and synced
constexpr size_t kParsedDepth = 1000;

class Stages {
 public:
  Stages(const Setting& setting, const Workload& workload) : setting_(setting), workload_(workload) {}

  void run() {
    find_lines();
    chain();
    scan();
    decode();
    encode();
    stage();
    write_and_sync();
  }

 private:
  void tell(const std::string& name, double ns, const std::string& clock) {
    emit("stage", "order=" + std::to_string(++told_) + " step=" + name + " clock=" + clock,
         ns / static_cast<double>(workload_.lines.size()), "ns/event");
  }
  // The median of three runs of work(), by the thread's processor clock.
  static double cpu_of(const std::function<void()>& work) {
    std::array<double, 3> ns{};
    for (double& run : ns) {
      const uint64_t start = thread_cpu_ns();
      work();
      run = static_cast<double>(thread_cpu_ns() - start);
    }
    std::sort(ns.begin(), ns.end());
    return ns[1];
  }

  void find_lines();
  void chain();
  void scan();
  void decode();
  void encode();
  void stage();
  void write_and_sync();
  Batch batch_of(BatchBuilder& builder, size_t from, size_t to) const;
  std::vector<Batch> batches() const;

  const Setting& setting_;
  const Workload& workload_;
  const Limits limits_;
  int told_ = 0;
};

void Stages::find_lines() {
  const std::string_view text = workload_.all();
  tell("find_lines", cpu_of([&] {
         size_t lines = 0;
         for (size_t at = 0; at < text.size(); lines++) {
           const void* end = std::memchr(text.data() + at, '\n', text.size() - at);
           at = end == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(end) - text.data()) + 1;
         }
         keep(lines);
       }),
       "cpu");
}

// What lets an import that was stopped go on: a running hash of the lines.
void Stages::chain() {
  tell("chain", cpu_of([&] {
         ContentChain chain;
         for (const std::string_view line : workload_.lines) chain = chain.then(line);
         keep(chain.low);
       }),
       "cpu");
}

// Lines are good here; those with what a scan leaves to be looked at more closely are.
void Stages::scan() {
  tell("validate", cpu_of([&] {
         JsonScan scan;
         scan.begin(workload_.all());
         for (const std::string_view line : workload_.lines) {
           if (scan.take(line, kParsedDepth)) continue;
           if (const auto json = validate_json(line, kParsedDepth); !json) die(json.error().message);
         }
       }),
       "cpu");
}

void Stages::decode() {
  EventDecoder decoder(limits_, EventSource::kExport);
  std::vector<std::vector<JsonMember>> members;  // of as many lines as caches hold
  double ns = 0;
  JsonScan scan;
  scan.begin(workload_.all());
  for (size_t i = 0; i < workload_.lines.size();) {
    members.clear();
    for (const size_t end = std::min(i + 64, workload_.lines.size()); i < end; i++) {
      if (!scan.take(workload_.lines[i], kParsedDepth)) continue;
      members.emplace_back(scan.members().begin(), scan.members().end());
    }
    const uint64_t start = thread_cpu_ns();
    for (const auto& line : members) {
      const auto event = decoder.decode(line);
      if (!event) die(event.error().message);
      keep(event->data.size());
    }
    ns += static_cast<double>(thread_cpu_ns() - start);
  }
  tell("decode", ns, "cpu");
}

// The events as the decoder gives them, without its work.
Batch Stages::batch_of(BatchBuilder& builder, size_t from, size_t to) const {
  BatchHead head;
  head.durability = Durability::kOs;
  builder.begin(std::move(head));
  for (size_t i = from; i < to; i++) {
    const LineFields fields = split_line(workload_.lines[i]);
    NewEvent event;
    event.stream = fields.stream;
    event.type = fields.type;
    event.data = fields.data;
    event.metadata = fields.metadata;
    if (auto added = builder.add(event); !added) die(added.error().message);
  }
  auto batch = builder.finish();
  if (!batch) die(batch.error().message);
  return std::move(*batch);
}

std::vector<Batch> Stages::batches() const {
  BatchBuilder builder(limits_);
  std::vector<Batch> made;
  for (size_t i = 0; i < workload_.lines.size(); i += kBlockLines) {
    made.push_back(batch_of(builder, i, std::min(i + kBlockLines, workload_.lines.size())));
  }
  return made;
}

// Building a batch hashes it, so the hash, measured alone, is taken off; and so is finding the fields of the lines.
void Stages::encode() {
  const double split = cpu_of([&] {
    for (const std::string_view line : workload_.lines) keep(split_line(line).data.size());
  });
  BatchBuilder builder(limits_);
  const double whole = cpu_of([&] {
    for (size_t i = 0; i < workload_.lines.size(); i += kBlockLines) {
      keep(batch_of(builder, i, std::min(i + kBlockLines, workload_.lines.size())).length);
    }
  });
  const std::vector<Batch> made = batches();
  const double hash = cpu_of([&] {
    for (const Batch& batch : made) keep(hash_bytes(batch.record()));
  });
  tell("encode", std::max(0.0, whole - split - hash), "cpu");
  tell("hash", hash, "cpu");
}

// The sequencer's part: numbers, versions, indexes, the copy into the store's memory.  What it leads to - writing, and
// showing the events to readers - is settled in groups while the clock stands.
void Stages::stage() {
  const std::string directory = setting_.directory + "/stages";
  std::array<double, 3> ns{};
  for (double& run : ns) {
    auto store = fresh_store(directory);
    BatchBuilder builder(store->limits());
    for (size_t i = 0; i < workload_.lines.size();) {
      std::vector<Batch> group;
      for (; group.size() < 16 && i < workload_.lines.size(); i += kBlockLines) {
        group.push_back(batch_of(builder, i, std::min(i + kBlockLines, workload_.lines.size())));
      }
      Lsn last;
      const uint64_t start = thread_cpu_ns();
      for (Batch& batch : group) {
        const auto staged = store->stage(std::move(batch));
        if (!staged) die(staged.error().message);
        last = staged->ticket;
      }
      run += static_cast<double>(thread_cpu_ns() - start);
      if (auto settled = store->settle(last); !settled) die(settled.error().message);
    }
  }
  std::filesystem::remove_all(directory);
  std::sort(ns.begin(), ns.end());
  tell("stage", ns[1], "cpu");
}

// The same bytes into a file, a group at a time, each group synced: the time of the writes, and that of the syncs.
void Stages::write_and_sync() {
  const std::string path = setting_.directory + "/stages.log";
  std::filesystem::remove(path);
  auto file = posix_disk().open(path, OpenMode::kCreate);
  if (!file) die(file.error().message);
  const std::vector<Batch> made = batches();
  uint64_t writing = 0;
  uint64_t syncing = 0;
  uint64_t offset = 0;
  for (size_t i = 0; i < made.size();) {
    std::vector<std::string_view> group;
    size_t bytes = 0;
    for (; i < made.size() && bytes < kGroupBytes; i++) {
      group.push_back(made[i].record());
      bytes += group.back().size();
    }
    const uint64_t start = now_ns();
    if (auto written = (*file)->write(offset, group); !written) die(written.error().message);
    const uint64_t between = now_ns();
    if (auto synced = (*file)->sync(); !synced) die(synced.error().message);
    writing += between - start;
    syncing += now_ns() - between;
    offset += bytes;
  }
  tell("write", static_cast<double>(writing), "wall");
  tell("sync", static_cast<double>(syncing), "wall");
  std::filesystem::remove(path);
}

}  // namespace

void measure_stages(const Setting& setting, const Workload& workload) { Stages(setting, workload).run(); }

}  // namespace chronos::bench
