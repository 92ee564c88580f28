// As of words (search/text_index.cc): small segments are merged by whoever adds to them, large ones by the background
// thread alone, which holds no lock meanwhile, and takes the place of what it merged when it is done.
//
// Merging copies rows, from mapped files to a file, so it needs little memory whatever the size; and it is worth it up
// to the largest, since one large graph is searched several times as fast as the small ones it was made of.  A graph
// is made in a thread of its own: it takes minutes, during which new events go on being indexed.  When its segment was
// merged meanwhile it is thrown away.
#include "search/vector_index.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "core/damage.h"

namespace chronos {
namespace {

constexpr uint32_t kAtOnce = 1024;  // events of a new segment
constexpr size_t kFan = 4;          // segments of one size that become one
constexpr std::chrono::milliseconds kLook{200};  // how often the background threads look for something to do
constexpr std::chrono::seconds kPause{5};        // after a failure

// Four times as many events are the next size.
int size_class(uint32_t events) { return std::bit_width(events) / 2; }

}  // namespace

VectorIndex::VectorIndex(const Store& store, std::shared_ptr<VectorSource> source, const VectorIndexOptions& options)
    : store_(store), source_(std::move(source)), options_(options), files_(*options.disk, options.directory) {
  if (!options.in_background) return;
  threads_.emplace_back([this] { run(&VectorIndex::step); });
  threads_.emplace_back([this] { run(&VectorIndex::step_graph); });
}

VectorIndex::~VectorIndex() { stop(); }

void VectorIndex::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    ending_.request_stop();
    threads.swap(threads_);
  }
  ending_cv_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::shared_ptr<VectorIndex::Fork> VectorIndex::fork_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Fork>& fork = forks_[name];
  if (fork == nullptr) {
    fork = std::make_shared<Fork>();
    fork->name = name;
  }
  return fork;
}

std::vector<std::shared_ptr<VectorIndex::Fork>> VectorIndex::all_forks() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Fork>> all;
  all.reserve(forks_.size());
  for (const auto& [name, fork] : forks_) all.push_back(fork);
  return all;
}

Position VectorIndex::indexed(const Fork& fork, Position base) {
  const std::lock_guard lock(fork.mutex);
  if (fork.parts.empty()) return base;
  const VectorSegment& last = *fork.parts.back().segment;
  return Position{last.base().value + last.events()};
}

VectorRun VectorIndex::run_of(const Fork& fork, const Part& part) {
  return {fork.name, part.segment->base(), part.segment->events()};
}

void VectorIndex::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  failure_ = error.message;
  failures_++;
}

uint64_t VectorIndex::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

// --- indexing ---

VectorCover VectorIndex::cover(const View& view, const GoOn& go_on) {
  VectorCover cover;
  for (const View::Part& part : view.parts()) {
    const std::shared_ptr<Fork> fork = fork_of(part.fork);
    if (!fork->is_loaded) {
      const std::lock_guard making(fork->making);
      load(*fork, part.base);
    }
    while (source_->is_prompt() && indexed(*fork, part.base) < part.last) {
      const std::lock_guard making(fork->making);
      const Position so_far = indexed(*fork, part.base);
      if (so_far >= part.last) break;
      if (go_on && !go_on(part.last.value - so_far.value)) break;
      if (!index_some(*fork, view, part.base, part.last)) break;
    }
    const std::lock_guard lock(fork->mutex);
    for (const Part& each : fork->parts) {
      const uint64_t base = each.segment->base().value;
      if (base >= part.last.value || base != cover.indexed_to.value) break;
      const uint64_t cut = std::min<uint64_t>(each.segment->events(), part.last.value - base);
      cover.pieces.push_back({each.segment, each.graph.graph, each.graph.dimension, static_cast<uint32_t>(cut)});
      cover.indexed_to = Position{base + cut};
    }
    if (cover.indexed_to < part.last) break;
  }
  return cover;
}

// Requires: fork.making is held, and something is missing.
Result<void> VectorIndex::index_some(Fork& fork, const View& view, Position base, Position last) {
  const Position from = indexed(fork, base);
  const Position to{std::min(last.value, from.value + kAtOnce)};
  VectorSegmentBuilder builder(from);
  auto taken = source_->take(view, from, to, builder, ending_.get_token());
  if (builder.events() > 0) {
    {
      const std::lock_guard lock(fork.mutex);
      fork.parts.push_back({keep_vectors_in_memory(builder.finish()), false, {}});
    }
    merge_small(fork);
  }
  return taken;
}

void VectorIndex::merge_small(Fork& fork) {
  for (;;) {
    std::vector<Part> run;
    {
      const std::lock_guard lock(fork.mutex);
      if (fork.parts.empty()) return;
      const int size = size_class(fork.parts.back().segment->events());
      auto first = fork.parts.end();
      while (first != fork.parts.begin() && (first - 1)->segment->events() < options_.large_events &&
             size_class((first - 1)->segment->events()) <= size) {
        --first;
      }
      run.assign(first, fork.parts.end());
    }
    if (run.size() < kFan) return;
    std::vector<std::shared_ptr<const VectorSegment>> segments;
    segments.reserve(run.size());
    for (const Part& part : run) segments.push_back(part.segment);
    replace(fork, run, {keep_vectors_in_memory(VectorSegmentBuilder::merge(segments)), false, {}});
  }
}

// False when they are not there any more.
bool VectorIndex::replace(Fork& fork, const std::vector<Part>& run, Part merged) {
  const std::lock_guard lock(fork.mutex);
  const auto is_same = [](const Part& a, const Part& b) { return a.segment == b.segment; };
  const auto first = std::search(fork.parts.begin(), fork.parts.end(), run.begin(), run.end(), is_same);
  if (first == fork.parts.end()) return false;
  *first = std::move(merged);
  fork.parts.erase(first + 1, first + static_cast<std::ptrdiff_t>(run.size()));
  return true;
}

// --- files ---

// What a file says of its last event: if that is the store's, all before it are.  Empty when the store has none there.
std::string VectorIndex::note_of(const std::string& fork, Position last) const {
  const auto view = store_.view({fork, {}, {}});
  if (!view || view->head() < last) return {};
  const Event event = view->at(last);
  return source_->identity() + "\n" + std::to_string(event.recorded_at().value) + "\n" + std::string(event.id());
}

// The longest run of files that follow each other from the fork's first event on.  What does not fit is deleted.
// Requires: fork.making is held.
void VectorIndex::load(Fork& fork, Position base) {
  if (fork.is_loaded) return;
  std::vector<VectorRun> runs = files_.list();
  std::erase_if(runs, [&fork](const VectorRun& run) { return run.fork != fork.name; });
  // Of those that begin at one place, the longest first.
  std::sort(runs.begin(), runs.end(), [](const VectorRun& a, const VectorRun& b) {
    return a.base != b.base ? a.base < b.base : a.events > b.events;
  });
  Position next = base;
  for (const VectorRun& run : runs) {
    const std::string note = run.base == next ? note_of(fork.name, run.last()) : std::string();
    if (note.empty()) {
      files_.remove(run);
      continue;
    }
    const auto segment = files_.open(run, note);
    if (segment == nullptr) continue;
    const VectorFiles::Graph graph = files_.open_graph(run, *segment);
    const std::lock_guard lock(fork.mutex);
    fork.parts.push_back({segment, true, graph});
    next = run.last();
  }
  fork.is_loaded = true;
}

bool VectorIndex::put_together(Fork& fork, const std::vector<Part>& run) {
  std::vector<std::shared_ptr<const VectorSegment>> segments;
  VectorRun merged{fork.name, run.front().segment->base(), 0};
  for (const Part& part : run) {
    segments.push_back(part.segment);
    merged.events += part.segment->events();
  }
  const std::string note = note_of(fork.name, merged.last());
  if (note.empty()) return false;  // the fork is gone
  auto written = files_.write(merged, note, [&segments](const VectorFiles::Sink& sink) {
    return VectorSegmentBuilder::merge(segments, sink);
  });
  if (!written) {
    fail(written.error());
    return false;
  }
  if (!replace(fork, run, {*written, true, {}})) {
    files_.remove(merged);
    return true;
  }
  for (const Part& part : run) {
    if (run.size() > 1 && part.is_file) files_.remove(run_of(fork, part));
  }
  return true;
}

bool VectorIndex::merge_large(Fork& fork) {
  std::vector<Part> run;
  {
    const std::lock_guard lock(fork.mutex);
    for (size_t begin = 0; begin < fork.parts.size() && run.empty();) {
      const uint32_t events = fork.parts[begin].segment->events();
      size_t end = begin;
      uint64_t sum = 0;
      while (end < fork.parts.size() && size_class(fork.parts[end].segment->events()) == size_class(events)) {
        if (end - begin < kFan) sum += fork.parts[end].segment->events();
        end++;
      }
      const auto first = fork.parts.begin() + static_cast<std::ptrdiff_t>(begin);
      if (events >= options_.large_events && end - begin >= kFan && sum <= options_.largest_events) {
        run.assign(first, first + kFan);
      }
      begin = end;
    }
  }
  return !run.empty() && put_together(fork, run);
}

bool VectorIndex::write_file(Fork& fork) {
  std::vector<Part> run;
  {
    const std::lock_guard lock(fork.mutex);
    for (const Part& part : fork.parts) {
      if (!part.is_file && part.segment->events() >= options_.large_events) run = {part};
    }
  }
  return !run.empty() && put_together(fork, run);
}

// --- in the background ---

void VectorIndex::drop_gone_forks() {
  std::set<std::string> there;
  for (const ForkInfo& fork : store_.forks()) there.insert(fork.name);
  for (const std::shared_ptr<Fork>& fork : all_forks()) {
    if (there.contains(fork->name)) continue;
    {
      const std::lock_guard lock(mutex_);
      forks_.erase(fork->name);
    }
    const std::lock_guard lock(fork->mutex);
    for (const Part& part : fork->parts) {
      if (part.is_file) files_.remove(run_of(*fork, part));
    }
  }
}

bool VectorIndex::index_new(const ForkInfo& info) {
  const auto view = store_.view({info.name, {}, {}});
  if (!view) return false;
  for (const View::Part& part : view->parts()) {
    if (part.fork != info.name) continue;
    const std::shared_ptr<Fork> fork = fork_of(part.fork);
    if (fork->is_loaded && indexed(*fork, part.base) >= part.last) continue;
    const std::lock_guard making(fork->making);
    load(*fork, part.base);
    const Position before = indexed(*fork, part.base);
    if (before >= part.last) continue;
    const auto done = index_some(*fork, *view, part.base, part.last);
    if (!done) fail(done.error());
    return indexed(*fork, part.base) > before;
  }
  return false;
}

bool VectorIndex::step() {
  drop_gone_forks();
  const uint64_t failures_before = failures();
  for (const ForkInfo& info : store_.forks()) {
    if (index_new(info)) return true;
    if (failures() != failures_before) return false;
    const std::shared_ptr<Fork> fork = fork_of(info.name);
    if (merge_large(*fork) || write_file(*fork)) return true;
  }
  return false;
}

bool VectorIndex::step_graph() {
  for (const std::shared_ptr<Fork>& fork : all_forks()) {
    Part part;
    uint32_t dimension = 0;
    {
      const std::lock_guard lock(fork->mutex);
      for (const Part& each : fork->parts) {
        if (!each.is_file || each.graph.graph != nullptr) continue;
        uint32_t most = 0;
        for (const VectorSegment::Group& group : each.segment->groups()) {
          if (group.count < options_.graph_vectors || group.count <= most) continue;
          most = group.count;
          dimension = group.dimension;
          part = each;
        }
      }
    }
    if (part.segment == nullptr) continue;
    const std::string bytes = VectorGraph::build(*part.segment->group(dimension), options_.graph, ending_.get_token());
    if (bytes.empty()) {
      if (!ending_.stop_requested()) fail({Code::kUnavailable, "there is not enough memory to make a graph", {}});
      return false;
    }
    const VectorRun run = run_of(*fork, part);
    auto written = files_.write_graph(run, *part.segment, dimension, bytes);
    if (!written) {
      fail(written.error());
      return false;
    }
    Part with_graph = part;
    with_graph.graph = *written;
    if (!replace(*fork, {part}, with_graph)) files_.remove(run);
    return true;
  }
  return false;
}

void VectorIndex::pause(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  ending_cv_.wait_for(lock, most, [this] { return ending_.stop_requested(); });
}

// Whoever appends or reads goes first.
void VectorIndex::run(bool (VectorIndex::*do_some)()) {
  constexpr int kNice = 10;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
  pause(options_.begins_after);
  while (!ending_.stop_requested()) {
    const uint64_t failures_before = failures();
    const auto did = or_damage([&]() -> Result<bool> { return (this->*do_some)(); });
    bool has_failed = !did;  // of damage whoever searches is told
    {
      const std::lock_guard lock(mutex_);
      if (failures_ != failures_before) {
        has_failed = true;
      } else {
        failure_.clear();
      }
    }
    if (has_failed || !*did) pause(has_failed ? std::chrono::milliseconds(kPause) : kLook);
  }
}

void VectorIndex::rebuild() {
  for (const std::shared_ptr<Fork>& fork : all_forks()) {
    const std::lock_guard making(fork->making);
    const std::lock_guard lock(fork->mutex);
    fork->is_loaded = true;
    fork->parts.clear();
  }
  files_.remove_all();
}

VectorIndexStatus VectorIndex::status() const {
  VectorIndexStatus status;
  status.identity = source_->identity();
  for (const std::shared_ptr<Fork>& fork : all_forks()) {
    const std::lock_guard lock(fork->mutex);
    for (const Part& part : fork->parts) {
      status.segments++;
      status.events += part.segment->events();
      status.graphs += part.graph.graph != nullptr ? 1 : 0;
      for (const VectorSegment::Group& group : part.segment->groups()) status.vectors += group.count;
      (part.is_file ? status.file_bytes : status.memory_bytes) += part.segment->bytes();
      if (part.graph.graph != nullptr) status.file_bytes += part.graph.graph->bytes();
    }
  }
  const std::lock_guard lock(mutex_);
  status.failure = failure_;
  return status;
}

}  // namespace chronos
