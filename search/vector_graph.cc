// The walk: from the entry down through the upper layers, in each to the row nearest to the query among the links, and
// then through the lowest, from the nearest row that was met to what it is linked to, until none that is left is at
// most a tenth farther from the query than the last of the rows that are wanted (Al-Jazzazi et al., "Distance adaptive
// beam search", 2025).  So a walk goes on for as long as the vectors ask for: where many are about as far, longer than
// where few are near.  The distance is that between vectors of length 1: its square is 2 - 2 cosines.
//
// A row that does not count - it comes after the cut, or the filter refuses it - is a step on the way like any other,
// but takes no place among those that are found; so what counts is found, however little that is, at the price of
// looking at more rows.  Where little counts a scan is cheaper: the caller sets a budget, and scans when it is used up.
//
// Of several graphs each is walked by itself, but what was found in those before tells where the last of the wanted is:
// a walk then ends when it has found the nearest few of its own.
//
// What a look costs is waiting for memory.  So all rows linked to are asked for before the first is looked at, and the
// links of the row that is next on the way while they are.
//
// hnswlib (0.6.2) makes the graph.  It is not asked to search: it has no filter, keeps one `ef` for everybody, holds
// all floats in memory, and loads a damaged file without a word.  Its header may be included once in a program: here.
// It is given the rows of bytes, whose distances are exact, in order of position by one thread, and a fixed seed.
#define NO_MANUAL_VECTORIZATION  // its prefetching reads past the end
#include "search/vector_graph.h"

#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <queue>
#include <span>
#include <utility>

#include "core/check.h"
#include "core/log_format.h"

namespace chronos {

// Behind it: for each row 1 + 2 * links numbers (how many, and the rows linked to in layer 0), for each row where its
// links of the upper layers are (kNone without any), for each row its highest layer (1 byte), the links of the upper
// layers, 1 + links numbers for each layer from 1 on.
struct VectorGraph::Header {
  char magic[8];
  uint32_t version;
  uint32_t dimension;
  uint64_t rows_hash;  // of the codes
  uint32_t rows;
  uint32_t links;
  uint32_t entry;
  uint32_t layers;  // the entry's highest layer
  uint64_t upper;   // numbers
};

namespace {

constexpr char kMagic[8] = {'C', 'H', 'R', 'O', 'H', 'N', 'S', 'W'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kSeed = 100;
constexpr uint32_t kMostLinks = 256;
constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr size_t kLeast = 8;  // are found in any case, if so many count
constexpr size_t kMostKept = 2;
constexpr size_t kMoreKept = 52;
constexpr float kFarther = 1.21F;  // times the square of the distance: a tenth farther

// In layer 0: how many links, and room for them.
constexpr size_t numbers_each(size_t links) { return 1 + 2 * links; }

uint64_t hash_of(const VectorSegment::Group& rows) {
  return hash_bytes({reinterpret_cast<const char*>(rows.codes), rows.count * code_stride(rows.dimension)});
}

// Rows of bytes as hnswlib sees them: the codes, and then their scale.
class CodeSpace : public hnswlib::SpaceInterface<float> {
 public:
  explicit CodeSpace(size_t dimension) : stride_(code_stride(dimension)) {}
  size_t get_data_size() override { return stride_ + sizeof(RowScale); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &stride_; }

 private:
  static float distance(const void* left, const void* right, const void* stride_at) {
    const size_t stride = *static_cast<const size_t*>(stride_at);
    const auto* const a = static_cast<const int8_t*>(left);
    const auto* const b = static_cast<const int8_t*>(right);
    RowScale of_a;
    RowScale of_b;
    std::memcpy(&of_a, a + stride, sizeof of_a);
    std::memcpy(&of_b, b + stride, sizeof of_b);
    int32_t dot = 0;
    best_kernels().dot_codes(a, {b, &of_b, stride}, nullptr, 1, &dot);
    return 1.0F - static_cast<float>(dot) * of_a.scale * of_b.scale;
  }
  size_t stride_;
};

template <typename T>
void append(std::string& to, const T* at, size_t count) {
  to.append(reinterpret_cast<const char*>(at), count * sizeof(T));
}

// One list of hnswlib's: how many, and then the rows.
void append_links(std::string& to, const hnswlib::linklistsizeint* list, uint32_t room) {
  uint16_t size;
  std::memcpy(&size, list, sizeof size);
  const uint32_t count = std::min<uint32_t>(size, room);
  std::vector<uint32_t> links(room);
  std::copy_n(reinterpret_cast<const uint32_t*>(list + 1), count, links.begin());
  append(to, &count, 1);
  append(to, links.data(), links.size());
}

}  // namespace

// --- making ---

std::string VectorGraph::build(const VectorSegment::Group& rows, const VectorGraphOptions& options,
                               const std::stop_token& stop) {
  CHECK(rows.count > 0 && options.links >= 2 && options.links <= kMostLinks);
  const size_t stride = code_stride(rows.dimension);
  try {
    CodeSpace space(rows.dimension);
    hnswlib::HierarchicalNSW<float> made(&space, rows.count, options.links, options.construction, kSeed);
    std::vector<int8_t> point(stride + sizeof(RowScale));
    for (uint32_t row = 0; row < rows.count; row++) {
      if (stop.stop_requested()) return {};
      std::memcpy(point.data(), rows.codes_of(row), stride);
      std::memcpy(point.data() + stride, &rows.scales[row], sizeof(RowScale));
      made.addPoint(point.data(), row);
    }
    // Added by one thread: the number inside is the row.
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kVersion;
    header.dimension = rows.dimension;
    header.rows_hash = hash_of(rows);
    header.rows = rows.count;
    header.links = options.links;
    header.entry = made.enterpoint_node_;
    header.layers = static_cast<uint32_t>(made.maxlevel_);
    std::vector<uint32_t> begins(rows.count, kNone);
    std::vector<uint8_t> layers(rows.count);
    std::string lowest;
    std::string upper;
    for (uint32_t row = 0; row < rows.count; row++) {
      append_links(lowest, made.get_linklist0(row), 2 * options.links);
      layers[row] = static_cast<uint8_t>(made.element_levels_[row]);
      if (layers[row] > 0) begins[row] = static_cast<uint32_t>(upper.size() / sizeof(uint32_t));
      for (int layer = 1; layer <= layers[row]; layer++) {
        append_links(upper, made.get_linklist(row, layer), options.links);
      }
    }
    header.upper = upper.size() / sizeof(uint32_t);
    std::string bytes;
    append(bytes, &header, 1);
    bytes += lowest;
    append(bytes, begins.data(), begins.size());
    bytes += upper;
    append(bytes, layers.data(), layers.size());
    return bytes;
  } catch (const std::exception&) {
    return {};
  }
}

// --- reading ---

const VectorGraph::Header& VectorGraph::header() const { return *reinterpret_cast<const Header*>(bytes_.data()); }

std::shared_ptr<const VectorGraph> VectorGraph::open(std::string_view bytes, const VectorSegment::Group& rows,
                                                     std::shared_ptr<const void> memory) {
  if (bytes.size() < sizeof(Header)) return nullptr;
  const auto& header = *reinterpret_cast<const Header*>(bytes.data());
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.version != kVersion) return nullptr;
  if (header.dimension != rows.dimension || header.rows != rows.count || header.entry >= rows.count) return nullptr;
  if (header.links < 2 || header.links > kMostLinks || header.layers > 255) return nullptr;
  if (header.upper > bytes.size()) return nullptr;
  const uint64_t numbers = rows.count * (1 + numbers_each(header.links)) + header.upper;
  if (bytes.size() != sizeof(Header) + numbers * sizeof(uint32_t) + rows.count) return nullptr;
  if (header.rows_hash != hash_of(rows)) return nullptr;
  return std::shared_ptr<const VectorGraph>(new VectorGraph(bytes, std::move(memory)));
}

std::span<const uint32_t> VectorGraph::lowest_room(uint32_t row) const {
  const size_t each = numbers_each(header().links);
  return {reinterpret_cast<const uint32_t*>(bytes_.data() + sizeof(Header)) + row * each, each};
}

VectorGraph::Links VectorGraph::links(uint32_t row, uint32_t layer) const {
  const Header& head = header();
  if (layer == 0) {
    const std::span<const uint32_t> list = lowest_room(row);
    return {list.data() + 1, std::min(list[0], 2 * head.links)};
  }
  const auto* const lowest = reinterpret_cast<const uint32_t*>(bytes_.data() + sizeof(Header));
  const uint32_t* const begins = lowest + head.rows * numbers_each(head.links);
  const uint32_t* const upper = begins + head.rows;
  const auto* const layers = reinterpret_cast<const uint8_t*>(upper + head.upper);
  if (layer > layers[row]) return {nullptr, 0};
  const uint64_t begin = begins[row] + (layer - 1) * (uint64_t{1} + head.links);
  if (begin + 1 + head.links > head.upper) return {nullptr, 0};
  return {upper + begin + 1, std::min(upper[begin], head.links)};
}

// --- walking ---

class VectorGraph::Walker {
 public:
  Walker(const VectorGraph& graph, const VectorSegment::Group& rows, const Walk& walk)
      : graph_(graph),
        rows_(rows),
        walk_(walk),
        codes_{rows.codes, rows.scales, code_stride(rows.dimension)},
        most_(std::max(walk.most * kMostKept + kMoreKept, kLeast)),
        seen_((rows.count + 63) / 64) {}

  std::optional<std::vector<Near>> run() {
    if (walk_.most == 0 || walk_.rows == 0) return std::vector<Near>();
    expect(graph_.header().entry);
    Near at = look().front();
    met_ = {at};
    for (uint32_t layer = graph_.header().layers; layer > 0; layer--) {
      while (step(at, layer)) {
      }
    }
    return lowest();
  }

 private:
  struct Farther {
    bool operator()(const Near& a, const Near& b) const {
      return a.score != b.score ? a.score > b.score : a.row < b.row;
    }
  };
  struct Nearer {
    bool operator()(const Near& a, const Near& b) const { return Farther()(b, a); }
  };

  static void fetch(const void* at, size_t bytes) {
    constexpr size_t kLine = 64;
    for (size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(static_cast<const char*>(at) + i);
  }
  // If it was not met before.
  void expect(uint32_t row) {
    uint64_t& word = seen_[row / 64];
    const uint64_t bit = uint64_t{1} << row % 64;
    if ((std::exchange(word, word | bit) & bit) != 0) return;
    picked_.push_back(row);
    fetch(rows_.codes_of(row), codes_.stride);
    fetch(&rows_.scales[row], sizeof(RowScale));
  }
  void expect(const Links& links) {
    picked_.clear();
    for (uint32_t i = 0; i < links.size; i++) {
      if (links.at[i] < rows_.count) expect(links.at[i]);
    }
  }
  // At the rows that are expected.
  std::span<const Near> look() {
    const size_t count = picked_.size();
    looked_ += count;
    dots_.resize(count);
    best_kernels().dot_codes(walk_.query, codes_, picked_.data(), count, dots_.data());
    looks_.resize(count);
    for (size_t i = 0; i < count; i++) {
      const uint32_t row = picked_[i];
      looks_[i] = {row, static_cast<float>(dots_[i]) * rows_.scales[row].scale};
    }
    return looks_;
  }
  // To the nearest row linked to; false when none is nearer, as none is that was met before.
  bool step(Near& at, uint32_t layer) {
    const uint32_t from = at.row;
    expect(graph_.links(from, layer));
    for (const Near& next : look()) {
      met_.push_back(next);
      if (next.score > at.score) at = next;
    }
    return at.row != from;
  }
  bool counts(uint32_t row) const { return row < walk_.rows && (!walk_.filter || walk_.filter(row)); }

  // From all that was met on the way down.
  std::optional<std::vector<Near>> lowest() {
    std::sort(met_.begin(), met_.end(), Nearer{});
    std::for_each(met_.rbegin(), met_.rend(), [this](const Near& near) { meet(near); });
    while (!ahead_.empty() && ahead_.top().score >= needed_) {
      if (looked_ > walk_.budget) return std::nullopt;
      const Near at = ahead_.top();
      ahead_.pop();
      expect(graph_.links(at.row, 0));
      if (!ahead_.empty()) {
        const std::span<const uint32_t> room = graph_.lowest_room(ahead_.top().row);
        fetch(room.data(), room.size_bytes());
      }
      for (const Near& near : look()) meet(near);
    }
    return std::move(best_);
  }
  void meet(const Near& near) {
    if (near.score <= needed_) return;
    ahead_.push(near);
    if (!counts(near.row)) return;
    if (best_.size() == most_) best_.pop_back();
    best_.insert(std::upper_bound(best_.begin(), best_.end(), near, Farther{}), near);
    needed_ = needed();
  }
  // What scores no more leads nowhere.
  float needed() const {
    if (best_.size() < kLeast) return kLowest;
    float known = walk_.floor;
    if (best_.size() >= walk_.most) known = std::max(known, best_[walk_.most - 1].score);
    const float far = 1 - kFarther * (1 - known * walk_.scale);
    const float bound = std::min(best_[kLeast - 1].score, far / walk_.scale);
    return best_.size() < most_ ? bound : std::max(bound, best_.back().score);
  }

  const VectorGraph& graph_;
  const VectorSegment::Group& rows_;
  const Walk& walk_;
  const CodeRows codes_;
  const size_t most_;
  std::vector<uint64_t> seen_;  // a bit for each row
  std::vector<Near> met_;       // on the way down
  std::priority_queue<Near, std::vector<Near>, Nearer> ahead_;  // the nearest on top
  std::vector<Near> best_;                                      // the nearest first
  float needed_ = kLowest;
  std::vector<uint32_t> picked_;
  std::vector<int32_t> dots_;
  std::vector<Near> looks_;
  size_t looked_ = 0;
};

std::optional<std::vector<VectorGraph::Near>> VectorGraph::walk(const VectorSegment::Group& rows,
                                                                const Walk& walk) const {
  return Walker(*this, rows, walk).run();
}

}  // namespace chronos
