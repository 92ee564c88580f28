#include "tools/cursor.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace chronos {
namespace {

using Json = nlohmann::json;

// FNV-1a: a guard against mixed-up cursors, not against forged ones, which could show nothing that a query cannot.
uint64_t digest(std::string_view text, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash ^ (hash >> 32);
}

std::string hex(uint64_t value) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return {digits.data(), end.ptr};
}

Error refused() {
  return Error{Code::kInvalidArgument,
               "the cursor does not belong to this question: send next_cursor as it was given, together with the same "
               "arguments as the page before, or leave cursor out to begin again",
               ""};
}

}  // namespace

uint64_t question_digest(std::string_view tool, const ArgumentsView& arguments) {
  Json question = arguments.json();  // its members are in order of name, so one question has one text
  for (const char* name : {"cursor", "limit", "max_tokens", "detail"}) question.erase(name);
  if (!question.contains("fork")) question["fork"] = "main";
  return digest(question.dump(-1, ' ', false, Json::error_handler_t::replace), digest(tool, 0));
}

std::string make_cursor(const std::vector<uint64_t>& numbers, uint64_t question) {
  std::string cursor = "1";
  for (const uint64_t number : numbers) cursor += "." + std::to_string(number);
  return cursor + "." + hex(digest(cursor, question));
}

Result<std::vector<uint64_t>> read_cursor(std::string_view cursor, size_t count, uint64_t question) {
  std::vector<uint64_t> numbers;
  if (!cursor.starts_with("1.")) return refused();
  const char* at = cursor.data() + 2;
  const char* end = cursor.data() + cursor.size();
  while (numbers.size() < count) {
    uint64_t number = 0;
    const auto read = std::from_chars(at, end, number);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '.') return refused();
    numbers.push_back(number);
    at = read.ptr + 1;
  }
  // One text for one cursor: written again it must be the same.
  if (make_cursor(numbers, question) != cursor) return refused();
  return numbers;
}

Result<View> pinned(const View& now, uint64_t position) {
  if (position > now.head().value) return refused();
  return now.cut(Position{position});
}

}  // namespace chronos
