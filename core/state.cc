// A state is a tree of objects whose leaves are slices of the events they came from.
//
// Folding an event copies no value: a leaf is set by pointing at its text.  Everything the tree itself needs - the
// objects, their arrays of members, keys that had escapes - comes from one arena, so that there is no allocation per
// leaf and nothing to free one by one.  Memory that a removed or replaced subtree took is given back with the whole
// state; it is bounded by the size of the patches.
//
//   Object: [ key, slice | key, Object* | key, slice | (dead) | ... ]   in order of first appearance
//
// Finding a member: patches of one stream mostly have the same shape, so the search begins where the one before it
// ended and nearly always hits at once.  Beyond kIndexedFrom members an object has a hash index as well.  A
// removed member stays as a dead entry, so that removing costs no shifting; dead entries go when the array is full.
//
// Duplicate keys: of two in one patch only the last may have an effect, even where the first is an object that
// would be merged.  So the members of a patch object are gathered before any of them is applied, which costs
// passing over nested objects twice.
#include "core/state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/json_walk.h"

namespace chronos {
namespace {

constexpr uint32_t kFirstCapacity = 8;
constexpr uint32_t kLinearCapacity = 16;  // larger arrays of members have an index
constexpr size_t kFirstBlock = 2048;

struct Object;

struct Member {
  std::string_view name;     // unescaped
  std::string_view leaf;     // JSON text, not of an object
  Object* object = nullptr;  // instead of a leaf
  bool is_alive() const { return object != nullptr || !leaf.empty(); }
};

struct Object {
  Member* members = nullptr;
  uint32_t count = 0;  // dead ones included
  uint32_t capacity = 0;
  uint32_t alive = 0;
  uint32_t next = 0;          // where the next search begins
  uint32_t* index = nullptr;  // 1 + the place of a member in `members`, by hash of its name; 0 is free
  uint32_t index_size = 0;    // a power of two, or 0

  std::span<const Member> all() const { return {members, count}; }
};

// The slot of the index that holds the name, or the free one where it would go.
uint32_t& index_slot(const Object& object, std::string_view name) {
  for (size_t i = std::hash<std::string_view>()(name);; i++) {
    uint32_t& slot = object.index[i & (object.index_size - 1)];
    if (slot == 0 || object.members[slot - 1].name == name) return slot;
  }
}

bool is_at(const Object& object, size_t place, std::string_view name) {
  return place < object.count && object.members[place].is_alive() && object.members[place].name == name;
}

// The place of the living member with this name, or object.count.
size_t find(const Object& object, std::string_view name) {
  if (is_at(object, object.next, name)) return object.next;
  if (object.index_size > 0) {
    const uint32_t slot = index_slot(object, name);
    return slot > 0 && is_at(object, slot - 1, name) ? slot - 1 : object.count;
  }
  size_t place = 0;
  while (place < object.count && !is_at(object, place, name)) place++;
  return place;
}

const Member* find_member(const Object& object, std::string_view name) {
  const size_t place = find(object, name);
  return place < object.count ? &object.members[place] : nullptr;
}

void append_member_value(std::string& to, const Member& member);

void append_object(std::string& to, const Object& object) {
  to.push_back('{');
  bool is_first = true;
  for (const Member& member : object.all()) {
    if (!member.is_alive()) continue;
    if (!is_first) to.push_back(',');
    is_first = false;
    append_json_string(to, member.name);
    to.push_back(':');
    append_member_value(to, member);
  }
  to.push_back('}');
}

void append_member_value(std::string& to, const Member& member) {
  if (member.object != nullptr) return append_object(to, *member.object);
  to.append(member.leaf);
}

std::string value_text(const Member& member) {
  std::string text;
  append_member_value(text, member);
  return text;
}

bool equal_objects(const Object& left, const Object& right) {
  if (left.alive != right.alive) return false;
  return std::all_of(left.all().begin(), left.all().end(), [&](const Member& member) {
    if (!member.is_alive()) return true;
    const Member* other = find_member(right, member.name);
    if (other == nullptr || (member.object == nullptr) != (other->object == nullptr)) return false;
    return member.object != nullptr ? equal_objects(*member.object, *other->object)
                                    : json_equal(member.leaf, other->leaf);
  });
}

// One reference token of a JSON Pointer (RFC 6901).
std::string pointer_token(std::string_view name) {
  std::string token = "/";
  for (const char c : name) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token.push_back(c);
    }
  }
  return token;
}

using Differences = std::vector<State::Difference>;

void compare_objects(const std::string& path, const Object& left, const Object& right, Differences& found) {
  for (const Member& member : left.all()) {
    if (!member.is_alive()) continue;
    const std::string member_path = path + pointer_token(member.name);
    const Member* other = find_member(right, member.name);
    if (other == nullptr) {
      found.push_back({member_path, value_text(member), ""});
    } else if (member.object != nullptr && other->object != nullptr) {
      compare_objects(member_path, *member.object, *other->object, found);
    } else if (member.object != nullptr || other->object != nullptr || !json_equal(member.leaf, other->leaf)) {
      found.push_back({member_path, value_text(member), value_text(*other)});
    }
  }
  for (const Member& member : right.all()) {
    if (!member.is_alive() || find_member(left, member.name) != nullptr) continue;
    found.push_back({path + pointer_token(member.name), "", value_text(member)});
  }
}

}  // namespace

struct State::Tree {
 public:
  // `patch` is the text of an object.
  void merge(Object& target, std::string_view patch);

  Object root;
  std::vector<std::shared_ptr<const char[]>> kept_memory;  // memory of events that no segment keeps

 private:
  // A member of a patch, not yet applied.
  struct Change {
    std::string_view name;
    std::string_view value;
  };
  void gather(std::string_view patch);
  void drop_duplicates(size_t begin);
  void apply(Object& target, Change change);
  Member& add(Object& object, std::string_view name);
  void make_room(Object& object);
  void rebuild_index(Object& object);
  std::string_view name_of(std::string_view key);

  template <typename T>
  T* make(size_t count) {
    return std::uninitialized_value_construct_n(static_cast<T*>(arena_.allocate(count * sizeof(T), alignof(T))),
                                                count) -
           count;
  }

  alignas(std::max_align_t) std::array<std::byte, kFirstBlock> first_block_;
  std::pmr::monotonic_buffer_resource arena_{first_block_.data(), first_block_.size()};
  std::vector<Change> changes_;  // of the patch objects being applied, the innermost last
};

std::string_view State::Tree::name_of(std::string_view key) {
  if (is_plain_string(key)) return key.substr(1, key.size() - 2);
  const std::string name = unescape_json(key);
  char* copy = make<char>(name.size() + 1);
  std::copy(name.begin(), name.end(), copy);
  return {copy, name.size()};
}

void State::Tree::gather(std::string_view patch) {
  JsonWalk walk(ValidJson::trusted(patch));
  walk.enter();
  for (std::string_view key; walk.next_member(key);) {
    const std::string_view name = name_of(key);
    changes_.push_back({name, walk.take()});
  }
}

// Leaves each name once, where it first stood, with its last value.
void State::Tree::drop_duplicates(size_t begin) {
  std::unordered_map<std::string_view, size_t> places;  // only for many
  const bool has_many = changes_.size() - begin > kLinearCapacity;
  size_t end = begin;
  for (size_t i = begin; i < changes_.size(); i++) {
    const Change change = changes_[i];
    size_t place = begin;
    if (has_many) {
      place = places.try_emplace(change.name, end).first->second;
    } else {
      while (place < end && changes_[place].name != change.name) place++;
    }
    if (place == end) changes_[end++].name = change.name;
    changes_[place].value = change.value;
  }
  changes_.resize(end);
}

void State::Tree::merge(Object& target, std::string_view patch) {
  const size_t begin = changes_.size();
  gather(patch);
  drop_duplicates(begin);
  for (size_t i = begin; i < changes_.size(); i++) apply(target, changes_[i]);
  changes_.resize(begin);
}

void State::Tree::apply(Object& target, Change change) {
  const size_t place = find(target, change.name);
  Member* member = place < target.count ? &target.members[place] : nullptr;
  if (change.value.front() == 'n') {
    if (member == nullptr) return;
    member->leaf = {};
    member->object = nullptr;
    target.alive--;
    return;
  }
  target.next = static_cast<uint32_t>(place + 1);
  if (member == nullptr) member = &add(target, change.name);
  if (change.value.front() != '{') {
    member->leaf = change.value;
    member->object = nullptr;
    return;
  }
  if (member->object == nullptr) member->object = make<Object>(1);
  member->leaf = {};
  merge(*member->object, change.value);
}

// The new member is alive as soon as it gets a value.
Member& State::Tree::add(Object& object, std::string_view name) {
  if (object.count == object.capacity) make_room(object);
  Member& member = object.members[object.count++];
  member = Member{.name = name, .leaf = {}, .object = nullptr};
  object.alive++;
  if (object.index_size > 0) index_slot(object, name) = object.count;
  return member;
}

// Drops the dead members, and doubles the array unless that made half of it free.
void State::Tree::make_room(Object& object) {
  Member* to = object.members;
  if (object.capacity == 0 || object.alive > object.capacity / 2) {
    object.capacity = std::max(kFirstCapacity, object.capacity * 2);
    to = make<Member>(object.capacity);
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < object.count; i++) {
    if (object.members[i].is_alive()) to[kept++] = object.members[i];
  }
  object.members = to;
  object.count = kept;
  if (object.capacity > kLinearCapacity) rebuild_index(object);
}

void State::Tree::rebuild_index(Object& object) {
  const uint32_t size = std::bit_ceil(object.capacity * 2);
  if (object.index_size != size) {
    object.index = make<uint32_t>(size);
    object.index_size = size;
  }
  std::fill_n(object.index, size, 0U);
  for (uint32_t i = 0; i < object.count; i++) index_slot(object, object.members[i].name) = i + 1;
}

State::State() : tree_(std::make_unique<Tree>()) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

void State::apply(ValidJson patch) { tree_->merge(tree_->root, patch.text()); }

void State::apply(ValidJson patch, std::shared_ptr<const char[]> memory) {
  if (memory != nullptr) tree_->kept_memory.push_back(std::move(memory));
  apply(patch);
}

void State::apply(const Event& event) { apply(ValidJson::trusted(event.data()), event.memory()); }

std::string State::to_json() const {
  std::string text;
  append_object(text, tree_->root);
  return text;
}

std::vector<State::Difference> State::compare(const State& left, const State& right) {
  Differences found;
  compare_objects("", left.tree_->root, right.tree_->root, found);
  std::sort(found.begin(), found.end(), [](const Difference& a, const Difference& b) { return a.path < b.path; });
  return found;
}

bool State::operator==(const State& other) const { return equal_objects(tree_->root, other.tree_->root); }

State fold(const PositionList& stream, Version version) {
  State state;
  const size_t count = std::min<size_t>(version.value, stream.size());
  for (size_t i = 0; i < count; i++) state.apply(stream.event(i));
  return state;
}

State fold_valid(const PositionList& stream, Timestamp valid_at, std::vector<Position>& folded) {
  std::vector<std::pair<Timestamp, size_t>> order;
  for (size_t i = 0; i < stream.size(); i++) {
    if (const Timestamp valid = stream.event(i).valid_at(); valid <= valid_at) order.emplace_back(valid, i);
  }
  std::sort(order.begin(), order.end());
  State state;
  folded.clear();
  for (const auto& [valid, i] : order) {
    state.apply(stream.event(i));
    folded.push_back(stream[i]);
  }
  return state;
}

}  // namespace chronos
