// Checks JSON without parsing it, and tells the members of objects on the way: for what comes in by the million.
//
// It says yes or nothing: text that is wrong, or good in an unusual way, is for validate_json (core/valid_json.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace chronos {

// Of an object, as its text has it.
struct JsonMember {
  std::string_view key;    // with its quotes
  std::string_view value;  // without the space around it
  size_t depth = 0;        // of the value; or more, when it is not exactly known
};

// Keeps its buffers; one thread.
class JsonScan {
 public:
  JsonScan();
  ~JsonScan();
  JsonScan(const JsonScan&) = delete;
  JsonScan& operator=(const JsonScan&) = delete;

  // Begins a text: one JSON text, or several, each a line.
  // Requires: it and kSimdPadding readable bytes behind it stay until the next begin().
  void begin(std::string_view text);
  // Whether `line` is one JSON text, not deeper than max_depth; false says nothing of it.
  // Requires: it is the text, or one of its lines (its end may be left out) behind those taken before.
  bool take(std::string_view line, size_t max_depth);
  // Of the object that the line taken last is, in order; empty when it is another value, or has none, or too many.
  std::span<const JsonMember> members() const { return {members_.data(), member_count_}; }

 private:
  struct Indexer;
  bool index(std::string_view line);
  bool walk(uint32_t limit, size_t max_depth);
  bool take_key(uint32_t limit);
  void pass(uint32_t limit);
  void begin_member(uint32_t key, uint32_t colon);
  std::string_view slice(uint32_t begin, uint32_t end) const;

  static constexpr size_t kMostMembers = 16;

  const std::unique_ptr<Indexer> indexer_;
  std::string_view text_;
  std::string_view piece_;          // of the text: what is indexed
  bool is_good_ = false;            // as far as an index tells
  const uint32_t* next_ = nullptr;  // the first place of the index that is not before the next line
  std::array<JsonMember, kMostMembers> members_;
  size_t member_count_ = 0;
  bool has_more_members_ = false;
};

}  // namespace chronos
