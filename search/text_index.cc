// Small segments are merged by whoever adds to them: that is bounded, and keeps them few.  Large ones are merged and
// written by the background thread alone, which holds no lock meanwhile, and takes the place of what it merged when it
// is done.  Neither touches what is the other's: what is large, the options say.
#include "search/text_index.h"

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
    return Opened{segment, std::string(file->read(file->footer().sections[1]))};
  });
}

}  // namespace

TextIndex::TextIndex(const Store& store, const TextIndexOptions& options) : store_(store), options_(options) {}

Result<std::unique_ptr<TextIndex>> TextIndex::open(const Store& store, const TextIndexOptions& options) {
  auto analyzer = Analyzer::make(options.analyzer);
  if (!analyzer) return analyzer.error();
  if (auto made = options.disk->create_directories(options.directory); !made) return made.error();
  std::unique_ptr<TextIndex> index(new TextIndex(store, options));
  index->identity_ = (*analyzer)->identity();
  index->query_analyzer_ = *std::move(analyzer);
  if (options.in_background) index->thread_ = std::thread([raw = index.get()] { raw->run(); });
  return index;
}

TextIndex::~TextIndex() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_cv_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Terms TextIndex::analyze(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  Terms terms;
  query_analyzer_->add(text, terms);
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

std::vector<TextPiece> TextIndex::cover(const View& view) {
  std::vector<TextPiece> pieces;
  for (const View::Part& part : view.parts()) {
    const std::shared_ptr<Fork> fork = fork_of(part.fork);
    if (indexed(*fork, part.base) < part.last) {
      const std::lock_guard making(fork->making);
      load(*fork, part.base);
      while (indexed(*fork, part.base) < part.last) index_some(*fork, view, part.base, part.last);
    }
    const std::lock_guard lock(fork->mutex);
    for (const Part& each : fork->parts) {
      const uint64_t base = each.segment->base().value;
      if (base >= part.last.value) break;
      const uint64_t cut = std::min<uint64_t>(each.segment->events(), part.last.value - base);
      pieces.push_back({each.segment, static_cast<uint32_t>(cut)});
    }
  }
  return pieces;
}

void TextIndex::index_some(Fork& fork, const View& view, Position base, Position last) {
  if (fork.analyzer == nullptr) fork.analyzer = *Analyzer::make(options_.analyzer);
  const Position from = indexed(fork, base);
  const uint64_t to = std::min(last.value, from.value + kAtOnce);
  TextSegmentBuilder builder(from);
  Terms terms;
  for (uint64_t position = from.value + 1; position <= to; position++) {
    terms.clear();
    fork.analyzer->add(view.at(Position{position}), terms);
    builder.add(terms);
  }
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
    CHECK(replace(fork, run, {keep_in_memory(TextSegmentBuilder::merge(segments)), {}}));
  }
}

// False when they are not there any more.
bool TextIndex::replace(Fork& fork, const std::vector<Part>& run, Part merged) {
  const std::lock_guard lock(fork.mutex);
  const auto first = std::find_if(fork.parts.begin(), fork.parts.end(),
                                  [&](const Part& part) { return part.segment == run.front().segment; });
  if (static_cast<size_t>(fork.parts.end() - first) < run.size()) return false;
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
  if (run.empty()) return false;
  std::vector<std::shared_ptr<const TextSegment>> segments;
  uint32_t events = 0;
  for (const Part& part : run) {
    segments.push_back(part.segment);
    events += part.segment->events();
  }
  const std::string bytes = TextSegmentBuilder::merge(segments);
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

bool TextIndex::step() {
  drop_gone_forks();
  for (const ForkInfo& info : store_.forks()) {
    const auto view = store_.view({info.name, {}, {}});
    if (!view) continue;
    for (const View::Part& part : view->parts()) {
      if (part.fork != info.name) continue;
      const std::shared_ptr<Fork> fork = fork_of(part.fork);
      if (indexed(*fork, part.base) < part.last) {
        const std::lock_guard making(fork->making);
        load(*fork, part.base);
        if (indexed(*fork, part.base) < part.last) {
          index_some(*fork, *view, part.base, part.last);
          return true;
        }
      }
      if (merge_large(*fork) || write_file(*fork)) return true;
    }
  }
  return false;
}

void TextIndex::run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    failure_.clear();
    lock.unlock();
    bool is_damaged = false;
    bool did_something = false;
    try {
      did_something = step();
    } catch (const Damage&) {
      is_damaged = true;  // whoever searches is told
    }
    lock.lock();
    if (did_something) continue;
    const bool has_failed = is_damaged || !failure_.empty();
    ending_cv_.wait_for(lock, has_failed ? std::chrono::milliseconds(kPause) : kLook, [this] { return is_ending_; });
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
