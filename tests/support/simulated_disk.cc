// How the simulator keeps the two truths apart.
//
// A Node is a file's content: `seen`, what reads return; `synced`, what survives; and `changes`, the writes and
// truncations in between, in order.  sync() applies the changes to `synced`; power_cut() applies a random part of
// them and makes the result both truths.  A Directory does the same with names.  Names point to Nodes, so that a
// file that is renamed or removed keeps its content apart from its name, as inodes do.
//
// A power cut first draws how lucky this cut is (everything kept ... everything lost), then each change's fate from
// that, so that the extremes, where the bugs are, come up often.
//
// A Node that is shared has its bytes in `shared` too, where nobody sees who writes; they are taken over whenever
// somebody looks, as one change of the whole content.
//
// Files and locks carry the epoch they were made in; a power cut begins a new epoch, and operations of an older
// one fail.  One mutex guards everything: a simulated disk is for order, not for speed.
#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "core/check.h"

namespace chronos::test {
namespace {

constexpr size_t kSector = 512;

struct Change {
  size_t offset = 0;  // of a write; the new size for a truncation
  std::string bytes;
  bool is_truncation = false;
};

void apply_change(std::string& content, const Change& change) {
  if (change.is_truncation) {
    content.resize(change.offset);
    return;
  }
  content.resize(std::max(content.size(), change.offset + change.bytes.size()));
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

struct Node {
  std::string seen;
  std::string synced;
  std::vector<Change> changes;
  std::shared_ptr<std::string> shared;  // with the SharedMemory; null when the file is not shared

  void change(Change change) {
    apply_change(seen, change);
    changes.push_back(std::move(change));
  }

  // What the process wrote to the memory belongs to the file.
  void take_shared() {
    if (shared != nullptr && *shared != seen) change({.offset = 0, .bytes = *shared});
  }

  void sync() {
    for (const Change& change : changes) apply_change(synced, change);
    changes.clear();
  }

  void settle(std::string content) {
    shared = nullptr;
    seen = synced = std::move(content);
    changes.clear();
  }
};

using Names = std::map<std::string, std::shared_ptr<Node>>;

// A creation (node, to), a removal (from) or a rename (from, to).
struct NameChange {
  std::shared_ptr<Node> node;
  std::string from;
  std::string to;
};

void apply_change(Names& names, const NameChange& change) {
  if (change.node != nullptr && !change.to.empty()) names[change.to] = change.node;
  if (!change.from.empty()) names.erase(change.from);
}

struct Directory {
  Names seen;
  Names synced;
  std::vector<NameChange> changes;

  void change(NameChange change) {
    apply_change(seen, change);
    changes.push_back(std::move(change));
  }
};

struct Path {
  std::string directory;
  std::string name;
};

Path split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Error failure(std::string_view operation, const std::string& path, std::string_view why, Code code) {
  return {.code = code,
          .message = std::string("cannot ").append(operation).append(" '").append(path).append("': ").append(why),
          .details = {}};
}

using Generator = std::mt19937_64;

bool draw(Generator& random, unsigned percent) { return random() % 100 < percent; }

// The pieces of a write that the disk wrote before something happened, sector by sector.
std::vector<Change> torn(const Change& change, Generator& random, unsigned percent_kept) {
  std::vector<Change> kept;
  for (size_t done = 0; done < change.bytes.size();) {
    const size_t at = change.offset + done;
    const size_t size = std::min(kSector - at % kSector, change.bytes.size() - done);
    if (draw(random, percent_kept)) kept.push_back({.offset = at, .bytes = change.bytes.substr(done, size)});
    done += size;
  }
  return kept;
}

// What of the unsynced changes the disk made before something happened, on top of what was synced.
std::string partly_changed(const Node& node, Generator& random, unsigned percent_kept) {
  std::string content = node.synced;
  for (const Change& change : node.changes) {
    const bool is_kept = draw(random, percent_kept);
    if (!change.is_truncation && draw(random, 50)) {
      for (const Change& piece : torn(change, random, percent_kept)) apply_change(content, piece);
    } else if (is_kept) {
      apply_change(content, change);
    }
  }
  return content;
}

std::string survivor(const Node& node, Generator& random, unsigned percent_kept) {
  std::string content = partly_changed(node, random, percent_kept);
  if (content.size() < node.seen.size() && draw(random, percent_kept)) {
    content.resize(content.size() + random() % (node.seen.size() - content.size() + 1));
  }
  return content;
}

}  // namespace

struct SimulatedDisk::Machine {
  mutable std::mutex mutex;
  std::map<std::string, Directory> directories;
  std::set<std::string> locked;
  Generator random;
  uint64_t epoch = 0;
  uint64_t operations = 0;
  uint64_t fails_at = 0;  // the operation's number; 0: none
  bool fails_from_then_on = false;
  bool has_failed = false;
  std::optional<uint64_t> free_bytes;
  bool refuses_links = false;
  bool ignores_sync = false;
  bool ignores_directory_sync = false;

  // Counts an operation.  The error it has to fail with, if any.
  std::optional<Error> begin(std::string_view operation, const std::string& path) {
    operations++;
    if (fails_at == 0 || operations < fails_at) return std::nullopt;
    if (operations > fails_at && !fails_from_then_on) return std::nullopt;
    has_failed = true;
    return failure(operation, path, "simulated fault", Code::kUnavailable);
  }

  std::optional<Error> begin(std::string_view operation, const std::string& path, uint64_t opened_in) {
    auto error = begin(operation, path);
    if (opened_in != epoch) error = failure(operation, path, "the power was cut since", Code::kUnavailable);
    return error;
  }

  std::shared_ptr<Node> find(const std::string& path) const {
    const auto [directory, name] = split(path);
    const auto found = directories.find(directory);
    if (found == directories.end()) return nullptr;
    const auto node = found->second.seen.find(name);
    return node == found->second.seen.end() ? nullptr : node->second;
  }

  Node& existing(const std::string& path) const {
    const auto node = find(path);
    CHECK(node != nullptr);
    return *node;
  }

  // Everything that has been written to shared memory is in its file.
  void take_shared() {
    for (auto& [path, directory] : directories) {
      for (auto& [name, node] : directory.seen) node->take_shared();
      for (auto& [name, node] : directory.synced) node->take_shared();
    }
  }

  void replace(const std::string& path, std::string content) {
    const auto [directory, name] = split(path);
    Directory& holder = directories[directory];
    auto node = find(path);
    if (node == nullptr) node = std::make_shared<Node>();
    node->settle(std::move(content));
    holder.seen[name] = holder.synced[name] = node;
  }

  // Lets what `choose` says survive for every file that has a surviving name.
  template <typename Choose>
  void restart(Choose choose) {
    epoch++;
    locked.clear();
    fails_at = 0;
    for (auto& [path, directory] : directories) {
      directory.seen = directory.synced;
      directory.changes.clear();
      for (auto& [name, node] : directory.seen) node->settle(choose(*node));
    }
  }
};

namespace {

class SimulatedFile final : public File {
 public:
  SimulatedFile(std::shared_ptr<SimulatedDisk::Machine> machine, std::string path, std::shared_ptr<Node> node,
                bool is_writable)
      : machine_(std::move(machine)),
        path_(std::move(path)),
        node_(std::move(node)),
        is_writable_(is_writable),
        opened_in_(machine_->epoch) {}

  Result<void> write(uint64_t offset, std::span<const std::string_view> parts) override {
    const std::lock_guard lock(machine_->mutex);
    CHECK(is_writable_ && node_->shared == nullptr);
    Change change{.offset = offset, .bytes = {}};
    for (const std::string_view part : parts) change.bytes.append(part);
    if (auto error = machine_->begin("write to", path_, opened_in_)) {
      if (opened_in_ == machine_->epoch) {
        for (Change& piece : torn(change, machine_->random, 50)) node_->change(std::move(piece));
      }
      return *error;
    }
    const bool fits = take_space(change);
    if (!change.bytes.empty()) node_->change(std::move(change));
    if (!fits) return failure("write to", path_, "No space left on device", Code::kUnavailable);
    return {};
  }

  Result<size_t> read(uint64_t offset, char* to, size_t size) override {
    const std::lock_guard lock(machine_->mutex);
    if (auto error = machine_->begin("read", path_, opened_in_)) return *error;
    node_->take_shared();
    if (offset >= node_->seen.size()) return size_t{0};
    const size_t got = std::min<size_t>(size, node_->seen.size() - offset);
    std::memcpy(to, node_->seen.data() + offset, got);
    return got;
  }

  Result<void> sync() override {
    const std::lock_guard lock(machine_->mutex);
    if (auto error = machine_->begin("sync", path_, opened_in_)) {
      if (opened_in_ == machine_->epoch) {
        node_->synced = partly_changed(*node_, machine_->random, 50);
        node_->changes.clear();  // the cache calls them clean from now on
      }
      return *error;
    }
    if (!machine_->ignores_sync) node_->sync();
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    const std::lock_guard lock(machine_->mutex);
    CHECK(is_writable_);
    if (auto error = machine_->begin("truncate", path_, opened_in_)) return *error;
    node_->change({.offset = size, .bytes = {}, .is_truncation = true});
    return {};
  }

  Result<uint64_t> size() override {
    const std::lock_guard lock(machine_->mutex);
    if (auto error = machine_->begin("tell the size of", path_, opened_in_)) return *error;
    return node_->seen.size();
  }

 private:
  // Shortens a write to what the disk still holds; false when it had to.
  bool take_space(Change& change) const {
    const size_t end = change.offset + change.bytes.size();
    if (!machine_->free_bytes || end <= node_->seen.size()) return true;
    const size_t growth = end - node_->seen.size();
    const size_t missing = growth - std::min<size_t>(growth, *machine_->free_bytes);
    *machine_->free_bytes -= growth - missing;
    change.bytes.resize(change.bytes.size() - std::min(change.bytes.size(), missing));
    return missing == 0;
  }

  const std::shared_ptr<SimulatedDisk::Machine> machine_;  // outlives the disk when a file does
  const std::string path_;
  const std::shared_ptr<Node> node_;  // shared with the directory; lives on when the name is removed
  const bool is_writable_;
  const uint64_t opened_in_;
};

// Memory of a process that died is written in vain: the node has let go of it.
class SimulatedSharedMemory final : public SharedMemory {
 public:
  SimulatedSharedMemory(std::shared_ptr<SimulatedDisk::Machine> machine, std::shared_ptr<Node> node)
      : machine_(std::move(machine)), node_(std::move(node)), content_(node_->shared) {}
  ~SimulatedSharedMemory() override {
    const std::lock_guard lock(machine_->mutex);
    if (node_->shared != content_) return;
    node_->take_shared();
    node_->shared = nullptr;
  }

  std::span<char> bytes() override { return {content_->data(), content_->size()}; }

 private:
  const std::shared_ptr<SimulatedDisk::Machine> machine_;
  const std::shared_ptr<Node> node_;
  const std::shared_ptr<std::string> content_;  // shared with the node as long as the process lives
};

// Its bytes as they were when it was mapped: nobody writes it any more.
class SimulatedMappedFile final : public MappedFile {
 public:
  explicit SimulatedMappedFile(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }
  Result<size_t> read(uint64_t offset, char* to, size_t size) const override {
    return offset > bytes_.size() ? 0 : bytes_.copy(to, size, offset);
  }
  void forget() override {}

 private:
  const std::string bytes_;
};

class SimulatedLock final : public DirectoryLock {
 public:
  SimulatedLock(std::shared_ptr<SimulatedDisk::Machine> machine, std::string path)
      : machine_(std::move(machine)), path_(std::move(path)), opened_in_(machine_->epoch) {}
  ~SimulatedLock() override {
    const std::lock_guard lock(machine_->mutex);
    if (machine_->epoch == opened_in_) machine_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<SimulatedDisk::Machine> machine_;
  const std::string path_;
  const uint64_t opened_in_;
};

}  // namespace

SimulatedDisk::SimulatedDisk(uint64_t seed) : machine_(std::make_shared<Machine>()) { machine_->random.seed(seed); }
SimulatedDisk::~SimulatedDisk() = default;

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(machine_->mutex);
  const std::string_view operation = mode == OpenMode::kCreate ? "create" : "open";
  if (auto error = machine_->begin(operation, path)) return *error;
  auto node = machine_->find(path);
  if (mode == OpenMode::kCreate) {
    if (node != nullptr) return failure(operation, path, "File exists", Code::kUnavailable);
    const auto [directory, name] = split(path);
    const auto holder = machine_->directories.find(directory);
    if (holder == machine_->directories.end()) return failure(operation, path, "No such directory", Code::kNotFound);
    node = std::make_shared<Node>();
    holder->second.change({.node = node, .from = {}, .to = name});
  }
  if (node == nullptr) return failure(operation, path, "No such file", Code::kNotFound);
  return std::unique_ptr<File>(
      std::make_unique<SimulatedFile>(machine_, path, std::move(node), mode != OpenMode::kRead));
}

Result<std::unique_ptr<SharedMemory>> SimulatedDisk::share(const std::string& path) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("share memory with", path)) return *error;
  const auto node = machine_->find(path);
  if (node == nullptr) return failure("share memory with", path, "No such file", Code::kNotFound);
  node->take_shared();
  node->shared = std::make_shared<std::string>(node->seen);
  return std::unique_ptr<SharedMemory>(std::make_unique<SimulatedSharedMemory>(machine_, node));
}

Result<std::unique_ptr<MappedFile>> SimulatedDisk::map(const std::string& path) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("map", path)) return *error;
  const auto node = machine_->find(path);
  if (node == nullptr) return failure("map", path, "No such file", Code::kNotFound);
  return std::unique_ptr<MappedFile>(std::make_unique<SimulatedMappedFile>(node->seen));
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& directory) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("list", directory)) return *error;
  const auto found = machine_->directories.find(directory);
  if (found == machine_->directories.end()) return failure("list", directory, "No such directory", Code::kNotFound);
  std::vector<std::string> names;
  for (const auto& [name, node] : found->second.seen) names.push_back(name);
  return names;
}

Result<bool> SimulatedDisk::exists(const std::string& path) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("look for", path)) return *error;
  return machine_->find(path) != nullptr || machine_->directories.contains(path);
}

Result<void> SimulatedDisk::create_directories(const std::string& directory) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("create directory", directory)) return *error;
  for (size_t end = 0; end != std::string::npos;) {
    end = directory.find('/', end + 1);
    machine_->directories.try_emplace(directory.substr(0, end));
  }
  return {};
}

Result<void> SimulatedDisk::sync_directory(const std::string& directory) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("sync directory", directory)) return *error;
  const auto found = machine_->directories.find(directory);
  if (found == machine_->directories.end()) {
    return failure("sync directory", directory, "No such directory", Code::kNotFound);
  }
  if (machine_->ignores_directory_sync) return {};
  found->second.synced = found->second.seen;
  found->second.changes.clear();
  return {};
}

Result<void> SimulatedDisk::remove(const std::string& path) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("remove", path)) return *error;
  if (machine_->find(path) == nullptr) return failure("remove", path, "No such file", Code::kNotFound);
  const auto [directory, name] = split(path);
  machine_->directories.at(directory).change({.node = nullptr, .from = name, .to = {}});
  return {};
}

Result<bool> SimulatedDisk::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("link", from)) return *error;
  const auto node = machine_->find(from);
  if (node == nullptr) return failure("link", from, "No such file", Code::kNotFound);
  if (machine_->find(to) != nullptr) return failure("link", from, "File exists", Code::kUnavailable);
  const auto [directory, name] = split(to);
  const auto holder = machine_->directories.find(directory);
  if (holder == machine_->directories.end()) return failure("link", to, "No such directory", Code::kNotFound);
  if (machine_->refuses_links) return false;
  holder->second.change({.node = node, .from = {}, .to = name});
  return true;
}

Result<void> SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("rename", from)) return *error;
  const auto node = machine_->find(from);
  if (node == nullptr) return failure("rename", from, "No such file", Code::kNotFound);
  const Path source = split(from);
  const Path target = split(to);
  const auto holder = machine_->directories.find(source.directory);
  // Between directories the two halves would have to survive together; no store of ours does that.
  CHECK(source.directory == target.directory);
  if (source.name != target.name) holder->second.change({.node = node, .from = source.name, .to = target.name});
  return {};
}

Result<std::unique_ptr<DirectoryLock>> SimulatedDisk::lock(const std::string& path) {
  const std::lock_guard lock(machine_->mutex);
  if (auto error = machine_->begin("lock", path)) return *error;
  const auto [directory, name] = split(path);
  const auto holder = machine_->directories.find(directory);
  if (holder == machine_->directories.end()) return failure("lock", path, "No such directory", Code::kNotFound);
  if (machine_->find(path) == nullptr) {
    holder->second.change({.node = std::make_shared<Node>(), .from = {}, .to = name});
  }
  if (!machine_->locked.insert(path).second) return failure("lock", path, "it is in use", Code::kUnavailable);
  return std::unique_ptr<DirectoryLock>(std::make_unique<SimulatedLock>(machine_, path));
}

void SimulatedDisk::power_cut(uint64_t seed) {
  const std::lock_guard lock(machine_->mutex);
  Generator random(seed);
  const unsigned percent_kept = static_cast<unsigned>(random() % 5) * 25;
  machine_->take_shared();
  for (auto& [path, directory] : machine_->directories) {
    for (const NameChange& change : directory.changes) {
      if (draw(random, percent_kept)) apply_change(directory.synced, change);
    }
  }
  machine_->restart([&](const Node& node) { return survivor(node, random, percent_kept); });
}

void SimulatedDisk::kill() {
  const std::lock_guard lock(machine_->mutex);
  // The system goes on: what was unsynced still is.
  machine_->take_shared();
  for (auto& [path, directory] : machine_->directories) {
    for (auto& [name, node] : directory.seen) node->shared = nullptr;
  }
  machine_->epoch++;
  machine_->locked.clear();
  machine_->fails_at = 0;
}

void SimulatedDisk::fail_after(uint64_t n, Failing failing) {
  const std::lock_guard lock(machine_->mutex);
  CHECK(n >= 1);
  machine_->fails_at = machine_->operations + n;
  machine_->fails_from_then_on = failing == Failing::kFromThenOn;
  machine_->has_failed = false;
}

void SimulatedDisk::stop_failing() {
  const std::lock_guard lock(machine_->mutex);
  machine_->fails_at = 0;
}

bool SimulatedDisk::has_failed() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->has_failed;
}

void SimulatedDisk::refuse_links(bool refuse) {
  const std::lock_guard lock(machine_->mutex);
  machine_->refuses_links = refuse;
}

void SimulatedDisk::set_free_bytes(std::optional<uint64_t> bytes) {
  const std::lock_guard lock(machine_->mutex);
  machine_->free_bytes = bytes;
}

uint64_t SimulatedDisk::operation_count() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->operations;
}

void SimulatedDisk::ignore_sync(bool ignore) {
  const std::lock_guard lock(machine_->mutex);
  machine_->ignores_sync = ignore;
}

void SimulatedDisk::ignore_directory_sync(bool ignore) {
  const std::lock_guard lock(machine_->mutex);
  machine_->ignores_directory_sync = ignore;
}

std::map<std::string, std::string> SimulatedDisk::files() const {
  const std::lock_guard lock(machine_->mutex);
  machine_->take_shared();
  std::map<std::string, std::string> all;
  for (const auto& [path, directory] : machine_->directories) {
    for (const auto& [name, node] : directory.seen) all[path + "/" + name] = node->seen;
  }
  return all;
}

std::string SimulatedDisk::contents(const std::string& path) const {
  const std::lock_guard lock(machine_->mutex);
  machine_->take_shared();
  return machine_->existing(path).seen;
}

void SimulatedDisk::put(const std::string& path, std::string_view bytes) {
  const std::lock_guard lock(machine_->mutex);
  machine_->replace(path, std::string(bytes));
}

void SimulatedDisk::flip_bit(const std::string& path, size_t byte, unsigned bit) {
  std::string content = contents(path);
  content.at(byte) = static_cast<char>(content.at(byte) ^ (1 << bit));
  put(path, content);
}

void SimulatedDisk::cut(const std::string& path, size_t size) { put(path, contents(path).substr(0, size)); }

void SimulatedDisk::duplicate(const std::string& path, Region region) {
  const std::string content = contents(path);
  put(path, std::string(content).insert(region.to, content, region.from, region.size));
}

}  // namespace chronos::test
