// Small segments are merged by whoever adds to them: that is bounded, and keeps them few.  Large ones are merged and
// written by the background thread alone, which holds no lock meanwhile, and takes the place of what it merged when it
// is done.  Neither touches what is the other's: what is large, the options say.
#include "search/text_index.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "core/check.h"
#include "core/damage.h"
#include "core/sealed_file.h"

namespace chronos {
namespace {

constexpr uint32_t kAtOnce = 1024;  // events of a new segment
constexpr size_t kFan = 4;          // segments of one size that become one
constexpr size_t kMergedAtMost = size_t{128} << 20;
constexpr uint64_t kTextKind = 2;  // of SealedFooter::numbers[0]; 1 is a segment of events
constexpr std::string_view kSuffix = ".text";
constexpr std::chrono::milliseconds kLook{200};  // how often the background thread looks for new events
constexpr std::chrono::seconds kPause{5};        // after a failure
// While more than so much is appended in so long, as by an import, indexing would take the processor from it.
constexpr std::chrono::milliseconds kTick{100};
constexpr uint64_t kManyBytes = uint64_t{1} << 20;
constexpr int kLooksAtRest = 10;      // without anything new, then nothing is going on
constexpr uint64_t kRestFan = 8;      // at rest a segment is merged with those after it from this part of its size on

// Four times as many events are the next size.
int size_class(uint32_t events) { return std::bit_width(events) / 2; }

struct FileName {
  std::string fork;
  Position base;
  uint32_t events = 0;
};

std::string file_name(const FileName& name) {
  std::array<char, 64> numbers;
  std::snprintf(numbers.data(), numbers.size(), "@%016" PRIu64 "-%016" PRIu64, name.base.value + 1,
                name.base.value + name.events);
  return name.fork + numbers.data() + std::string(kSuffix);
}

std::optional<FileName> parse_file_name(const std::string& name) {
  const size_t at = name.find('@');
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (at == std::string::npos || std::sscanf(name.c_str() + at, "@%16llu-%16llu", &first, &last) != 2) return {};
  if (first == 0 || last < first || last - first >= UINT32_MAX) return {};
  FileName parsed{name.substr(0, at), Position{first - 1}, static_cast<uint32_t>(last - first + 1)};
  return file_name(parsed) == name ? std::optional(parsed) : std::nullopt;
}

// A segment's file, all of it seen to be right.
struct Opened {
  std::shared_ptr<const TextSegment> segment;
  std::string note;
};
Result<Opened> open_file(Disk& disk, const std::string& path) {
  auto opened = SealedFile::open(disk, path);
  if (!opened) return opened.error();
  const std::shared_ptr<const SealedFile> file = *std::move(opened);
  return or_damage([&]() -> Result<Opened> {
    const Error wrong{Code::kCorrupt, "'" + path + "' is no segment of a keyword index", {}};
    if (file->footer().numbers[0] != kTextKind) return wrong;
    const auto segment = TextSegment::open(file->read(file->footer().sections[0]), file);
    if (segment == nullptr) return wrong;
    Opened opened_segment{segment, std::string(file->read(file->footer().sections[1]))};
    file->forget();  // it was read as a whole; what is searched comes back
    return opened_segment;
  });
}

}  // namespace

TextIndex::TextIndex(const Store& store, const TextIndexOptions& options) : store_(store), options_(options) {}

Result<std::unique_ptr<TextIndex>> TextIndex::open(const Store& store, const TextIndexOptions& options) {
  auto analyzer = Analyzer::make(options.analyzer);
  if (!analyzer) return analyzer.error();
  std::unique_ptr<TextIndex> index(new TextIndex(store, options));
  index->identity_ = (*analyzer)->identity();
  index->analyzers_.push_back(*std::move(analyzer));
  if (options.in_background) index->thread_ = std::thread([raw = index.get()] { raw->run(); });
  return index;
}

// A process that lives for one search leaves what it indexed to the next one.
TextIndex::~TextIndex() {
  if (!thread_.joinable()) return;  // stopped before: another index has the directory
  stop();
  for (const auto& [name, fork] : forks_) {
    const auto written = or_damage([&]() -> Result<void> {
      while (keep_rest(*fork) || write_file(*fork)) {
      }
      return {};
    });
    static_cast<void>(written.has_value());  // what is not written is indexed again
  }
}

void TextIndex::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_cv_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Terms TextIndex::analyze(std::string_view text) {
  Terms terms;
  std::unique_ptr<Analyzer> analyzer = take_analyzer();
  analyzer->add(text, terms);
  give_back(std::move(analyzer));
  return terms;
}

Terms TextIndex::analyze(const Event& event) {
  Terms terms;
  std::unique_ptr<Analyzer> analyzer = take_analyzer();
  analyzer->add(event, terms);
  give_back(std::move(analyzer));
  return terms;
}

// --- indexing ---

std::shared_ptr<TextIndex::Fork> TextIndex::fork_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Fork>& fork = forks_[name];
  if (fork == nullptr) {
    fork = std::make_shared<Fork>();
    fork->name = name;
  }
  return fork;
}

Position TextIndex::indexed(const Fork& fork, Position base) {
  const std::lock_guard lock(fork.mutex);
  if (fork.parts.empty()) return base;
  const TextSegment& last = *fork.parts.back().segment;
  return Position{last.base().value + last.events()};
}

std::vector<TextPiece> TextIndex::cover(const View& view) { return *cover(view, nullptr); }

std::optional<std::vector<TextPiece>> TextIndex::cover(const View& view, const GoOn& go_on) {
  for (;;) {
    for (const View::Part& part : view.parts()) {
      const std::shared_ptr<Fork> fork = fork_of(part.fork);
      while (indexed(*fork, part.base) < part.last) {
        const std::lock_guard making(fork->making);
        load(*fork, part.base);
        const Position so_far = indexed(*fork, part.base);
        if (so_far < part.last) index_some(*fork, view, part.base, part.last);
        if (go_on != nullptr && !go_on(part.last.value - so_far.value)) return std::nullopt;
      }
    }
    std::vector<TextPiece> pieces = covered(view);
    const uint64_t events = pieces.empty() ? 0 : pieces.back().segment->base().value + pieces.back().cut;
    if (events == view.head().value) return pieces;  // else somebody deleted the index
  }
}

std::vector<TextPiece> TextIndex::covered(const View& view) {
  std::vector<TextPiece> pieces;
  uint64_t events = 0;
  for (const View::Part& part : view.parts()) {
    const std::shared_ptr<Fork> fork = fork_of(part.fork);
    const std::lock_guard lock(fork->mutex);
    for (const Part& each : fork->parts) {
      const uint64_t base = each.segment->base().value;
      if (base >= part.last.value || base != events) break;
      const uint64_t cut = std::min<uint64_t>(each.segment->events(), part.last.value - base);
      pieces.push_back({each.segment, static_cast<uint32_t>(cut)});
      events += cut;
    }
    if (events < part.last.value) break;
  }
  return pieces;
}

std::unique_ptr<Analyzer> TextIndex::take_analyzer() {
  const std::lock_guard lock(mutex_);
  if (analyzers_.empty()) return *Analyzer::make(options_.analyzer);
  std::unique_ptr<Analyzer> analyzer = std::move(analyzers_.back());
  analyzers_.pop_back();
  return analyzer;
}

void TextIndex::give_back(std::unique_ptr<Analyzer> analyzer) {
  constexpr size_t kMostKept = 2;
  const std::lock_guard lock(mutex_);
  if (analyzers_.size() < kMostKept) analyzers_.push_back(std::move(analyzer));
}

void TextIndex::index_some(Fork& fork, const View& view, Position base, Position last) {
  std::unique_ptr<Analyzer> analyzer = take_analyzer();
  const Position from = indexed(fork, base);
  const uint64_t to = std::min(last.value, from.value + kAtOnce);
  TextSegmentBuilder builder(from);
  Terms terms;
  for (uint64_t position = from.value + 1; position <= to; position++) {
    terms.clear();
    analyzer->add(view.at(Position{position}), terms);
    builder.add(terms);
  }
  give_back(std::move(analyzer));
  {
    const std::lock_guard lock(fork.mutex);
    fork.parts.push_back({keep_in_memory(builder.finish()), {}});
  }
  merge_small(fork);
}

void TextIndex::merge_small(Fork& fork) {
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
    std::vector<std::shared_ptr<const TextSegment>> segments;
    segments.reserve(run.size());
    for (const Part& part : run) segments.push_back(part.segment);
    replace(fork, run, {keep_in_memory(TextSegmentBuilder::merge(segments)), {}});
  }
}

// False when they are not there any more.
bool TextIndex::replace(Fork& fork, const std::vector<Part>& run, Part merged) {
  const std::lock_guard lock(fork.mutex);
  const auto first = std::find_if(fork.parts.begin(), fork.parts.end(),
                                  [&](const Part& part) { return part.segment == run.front().segment; });
  if (static_cast<size_t>(fork.parts.end() - first) < run.size()) return false;
  const auto is_same = [](const Part& a, const Part& b) { return a.segment == b.segment; };
  if (!std::equal(run.begin(), run.end(), first, is_same)) return false;
  const auto last = first + static_cast<std::ptrdiff_t>(run.size());
  *first = std::move(merged);
  fork.parts.erase(first + 1, last);
  return true;
}

// --- files ---

// What a file says of its last event: if that is the store's, all before it are.  Empty when the store has none there.
std::string TextIndex::note_of(const std::string& fork, Position last) const {
  const auto view = store_.view({fork, {}, {}});
  if (!view || view->head() < last) return {};
  const Event event = view->at(last);
  return identity_ + "\n" + std::to_string(event.recorded_at().value) + "\n" + std::string(event.id());
}

// The longest run of files that follow each other from the fork's first event on.  What does not fit is deleted.
void TextIndex::load(Fork& fork, Position base) {
  if (std::exchange(fork.is_loaded, true)) return;
  const auto names = options_.disk->list(options_.directory);
  if (!names) return;
  std::vector<FileName> files;
  for (const std::string& name : *names) {
    const auto parsed = parse_file_name(name);
    if (parsed && parsed->fork == fork.name) files.push_back(*parsed);
  }
  // Of those that begin at one place, the longest first.
  std::sort(files.begin(), files.end(), [](const FileName& a, const FileName& b) {
    return a.base != b.base ? a.base < b.base : a.events > b.events;
  });
  Position next = base;
  for (const FileName& file : files) {
    const std::string path = options_.directory + "/" + file_name(file);
    const Position last{file.base.value + file.events};
    const std::string note = file.base == next ? note_of(fork.name, last) : std::string();
    const auto opened = note.empty() ? Result<Opened>(Error{Code::kNotFound, "", {}}) : open_file(*options_.disk, path);
    const bool fits = opened && opened->note == note && opened->segment->base() == file.base &&
                      opened->segment->events() == file.events;
    if (!fits) {
      static_cast<void>(options_.disk->remove(path).has_value());
      continue;
    }
    const std::lock_guard lock(fork.mutex);
    fork.parts.push_back({opened->segment, file_name(file)});
    next = last;
  }
}

Result<TextIndex::Part> TextIndex::write(const std::string& fork, const std::string& bytes, Position base,
                                         uint32_t events) {
  const FileName name{fork, base, events};
  const Position last{base.value + events};
  const std::string note = note_of(fork, last);
  if (note.empty()) return Error{Code::kNotFound, "fork '" + fork + "' is gone", {}};
  const std::string path = options_.directory + "/" + file_name(name);
  if (auto made = options_.disk->create_directories(options_.directory); !made) return made.error();
  auto writer = SealedFileWriter::create(*options_.disk, path);
  if (!writer) return writer.error();
  SealedFooter footer;
  footer.numbers[0] = kTextKind;
  const std::array<std::string_view, 2> contents = {bytes, note};
  for (size_t i = 0; i < contents.size(); i++) {
    if (auto done = (*writer)->align(); !done) return done.error();
    footer.sections[i] = {(*writer)->size(), contents[i].size()};
    if (auto done = (*writer)->append(contents[i]); !done) return done.error();
  }
  if (auto done = (*writer)->finish(footer); !done) return done.error();
  if (auto done = options_.disk->sync_directory(options_.directory); !done) return done.error();
  auto opened = open_file(*options_.disk, path);
  if (!opened) return opened.error();
  return Part{opened->segment, file_name(name)};
}

void TextIndex::remove_files(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (!part.file.empty()) static_cast<void>(options_.disk->remove(options_.directory + "/" + part.file).has_value());
  }
}

// --- in the background ---

// The segments may be read meanwhile; they go with the last search that has them.
bool TextIndex::merge_large(Fork& fork) {
  std::vector<Part> run;
  {
    const std::lock_guard lock(fork.mutex);
    for (size_t begin = 0; begin < fork.parts.size() && run.empty();) {
      const uint32_t events = fork.parts[begin].segment->events();
      size_t end = begin;
      size_t bytes = 0;
      while (end < fork.parts.size() && size_class(fork.parts[end].segment->events()) == size_class(events)) {
        if (end - begin < kFan) bytes += fork.parts[end].segment->bytes();
        end++;
      }
      const auto first = fork.parts.begin() + static_cast<std::ptrdiff_t>(begin);
      if (events >= options_.large_events && end - begin >= kFan && bytes <= kMergedAtMost)
        run.assign(first, first + kFan);
      begin = end;
    }
  }
  return !run.empty() && put_together(fork, run);
}

// The last segments, and before them what is not much larger than they are together.
bool TextIndex::compact(Fork& fork) {
  std::vector<Part> run;
  {
    const std::lock_guard lock(fork.mutex);
    auto first = fork.parts.end();
    uint64_t events = 0;
    size_t bytes = 0;
    for (auto part = fork.parts.end(); part != fork.parts.begin();) {
      --part;
      bytes += part->segment->bytes();
      if (bytes > kMergedAtMost) break;
      if (part->segment->events() <= events * kRestFan) first = part;
      events += part->segment->events();
    }
    run.assign(first, fork.parts.end());
  }
  return run.size() > 1 && put_together(fork, run);
}

// The last segments that are in memory alone, as one file.
bool TextIndex::keep_rest(Fork& fork) {
  std::vector<Part> run;
  {
    const std::lock_guard lock(fork.mutex);
    auto first = fork.parts.end();
    uint64_t events = 0;
    for (size_t bytes = 0; first != fork.parts.begin() && (first - 1)->file.empty();) {
      bytes += (first - 1)->segment->bytes();
      if (bytes > kMergedAtMost) break;
      --first;
      events += first->segment->events();
    }
    if (events < options_.large_events) return false;
    run.assign(first, fork.parts.end());
  }
  return run.size() > 1 && put_together(fork, run);
}

bool TextIndex::put_together(Fork& fork, const std::vector<Part>& run) {
  std::vector<std::shared_ptr<const TextSegment>> segments;
  uint32_t events = 0;
  for (const Part& part : run) {
    segments.push_back(part.segment);
    events += part.segment->events();
  }
  std::string bytes = TextSegmentBuilder::merge(segments);
  if (events < options_.large_events) return replace(fork, run, {keep_in_memory(std::move(bytes)), {}});
  auto written = write(fork.name, bytes, segments.front()->base(), events);
  if (!written) {
    const std::lock_guard lock(mutex_);
    failure_ = written.error().message;
    return false;
  }
  const Part made = *std::move(written);
  remove_files(replace(fork, run, made) ? run : std::vector<Part>{made});
  return true;
}

bool TextIndex::write_file(Fork& fork) {
  Part part;
  {
    const std::lock_guard lock(fork.mutex);
    for (const Part& each : fork.parts) {
      if (each.file.empty() && each.segment->events() >= options_.large_events) part = each;
    }
  }
  if (part.segment == nullptr) return false;
  auto written = write(fork.name, std::string(part.segment->content()), part.segment->base(), part.segment->events());
  if (!written) {
    const std::lock_guard lock(mutex_);
    failure_ = written.error().message;
    return false;
  }
  const Part made = *std::move(written);
  if (!replace(fork, {part}, made)) remove_files({made});
  return true;
}

void TextIndex::drop_gone_forks() {
  std::set<std::string> there;
  for (const ForkInfo& fork : store_.forks()) there.insert(fork.name);
  std::vector<std::shared_ptr<Fork>> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto fork = forks_.begin(); fork != forks_.end();) {
      if (there.contains(fork->first)) {
        ++fork;
      } else {
        gone.push_back(fork->second);
        fork = forks_.erase(fork);
      }
    }
  }
  for (const auto& fork : gone) {
    const std::lock_guard lock(fork->mutex);
    remove_files(fork->parts);
  }
}

bool TextIndex::index_new(const ForkInfo& info) {
  const auto view = store_.view({info.name, {}, {}});
  if (!view) return false;
  for (const View::Part& part : view->parts()) {
    if (part.fork != info.name) continue;
    const std::shared_ptr<Fork> fork = fork_of(part.fork);
    if (indexed(*fork, part.base) == part.last) continue;
    const std::lock_guard making(fork->making);
    load(*fork, part.base);
    if (indexed(*fork, part.base) == part.last) continue;
    index_some(*fork, *view, part.base, part.last);
    return true;
  }
  return false;
}

bool TextIndex::index_or_merge() {
  drop_gone_forks();
  for (const ForkInfo& info : store_.forks()) {
    if (index_new(info)) return true;
    const std::shared_ptr<Fork> fork = fork_of(info.name);
    if (merge_large(*fork) || write_file(*fork)) return true;
  }
  return false;
}

bool TextIndex::step() {
  if (index_or_merge()) return true;
  for (const ForkInfo& info : store_.forks()) {
    if (compact(*fork_of(info.name))) return true;
  }
  return false;
}

// Shorter when it is time to end.
void TextIndex::pause(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds most) {
  ending_cv_.wait_for(lock, most, [this] { return is_ending_; });
}

// Whoever appends or reads goes first.
void TextIndex::run() {
  constexpr int kNice = 10;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
  std::unique_lock lock(mutex_);
  pause(lock, options_.begins_after);
  uint64_t bytes = store_.unsealed_bytes();
  uint64_t records = 0;
  int calm = 0;  // looks since something was new
  for (bool is_left = true; !is_ending_;) {
    const uint64_t bytes_before = std::exchange(bytes, store_.unsealed_bytes());
    if (bytes > bytes_before + kManyBytes) {
      pause(lock, kTick);
      continue;
    }
    const uint64_t records_before = std::exchange(records, store_.records());
    if (records != records_before) {
      calm = 0;
      is_left = true;
    }
    if (is_left) {
      const bool is_calm = calm >= kLooksAtRest;
      failure_.clear();
      lock.unlock();
      const auto did = or_damage([&]() -> Result<bool> { return is_calm ? step() : index_or_merge(); });
      lock.lock();
      if (!did || !failure_.empty()) {  // of damage whoever searches is told
        pause(lock, kPause);
        continue;
      }
      if (*did) continue;
      is_left = !is_calm;
    }
    calm++;
    pause(lock, kLook);
  }
}

Result<void> TextIndex::rebuild() {
  std::vector<std::shared_ptr<Fork>> forks;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, fork] : forks_) forks.push_back(fork);
  }
  for (const auto& fork : forks) {
    const std::lock_guard making(fork->making);
    const std::lock_guard lock(fork->mutex);
    fork->is_loaded = true;
    fork->parts.clear();
  }
  const auto names = options_.disk->list(options_.directory);
  if (!names && names.error().code == Code::kNotFound) return {};  // nothing was written yet
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (!parse_file_name(name)) continue;
    if (auto removed = options_.disk->remove(options_.directory + "/" + name); !removed) return removed;
  }
  return {};
}

TextIndexStatus TextIndex::status() const {
  TextIndexStatus status;
  const std::lock_guard lock(mutex_);
  status.failure = failure_;
  for (const auto& [name, fork] : forks_) {
    const std::lock_guard fork_lock(fork->mutex);
    for (const Part& part : fork->parts) {
      status.segments++;
      status.events += part.segment->events();
      (part.file.empty() ? status.memory_bytes : status.file_bytes) += part.segment->bytes();
    }
  }
  return status;
}

}  // namespace chronos
