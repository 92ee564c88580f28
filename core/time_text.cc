#include "core/time_text.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace chronos {
namespace {

constexpr int64_t kSecond = 1'000'000;                       // in microseconds
constexpr Timestamp kEarliest{-62'135'596'800 * kSecond};    // 0001-01-01T00:00:00Z
constexpr Timestamp kLatest{253'402'300'800 * kSecond - 1};  // 9999-12-31T23:59:59.999999Z
constexpr size_t kShownSize = 64;

// Reads a fixed form from left to right; after the first thing that is not as expected everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

  // Exactly `count` digits, with a value in [low, high].
  int number(size_t count, int low, int high) {
    int value = 0;
    for (size_t i = 0; i < count; i++) value = value * 10 + digit();
    if (value < low || value > high) failed_ = true;
    return value;
  }
  char one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == characters.npos) {
      failed_ = true;
      return '\0';
    }
    return take();
  }
  // After the seconds: nothing, or a point and one to nine digits; in microseconds, the rest dropped.
  int64_t fraction() {
    if (rest_.empty() || rest_.front() != '.') return 0;
    take();
    int64_t micros = 0;
    int digits = 0;
    for (; digits == 0 || (next_is_digit() && digits < 9); digits++) {
      const int value = digit();
      if (digits < 6) micros = micros * 10 + value;
    }
    for (; digits < 6; digits++) micros *= 10;
    return micros;
  }

 private:
  bool next_is_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  int digit() {
    if (next_is_digit()) return take() - '0';
    failed_ = true;
    return 0;
  }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<int64_t> read_days(Reader& reader) {
  const int year = reader.number(4, 1, 9999);
  reader.one_of("-");
  const int month = reader.number(2, 1, 12);
  reader.one_of("-");
  const int day = reader.number(2, 1, 31);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (reader.failed() || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// Seconds east of UTC.
int64_t read_offset(Reader& reader) {
  const char sign = reader.one_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const int64_t hours = reader.number(2, 0, 23);
  reader.one_of(":");
  const int64_t minutes = reader.number(2, 0, 59);
  return (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
}

std::optional<Timestamp> read_time(std::string_view text) {
  Reader reader(text);
  const std::optional<int64_t> days = read_days(reader);
  if (!days) return std::nullopt;
  reader.one_of("Tt ");  // the space is in the note to RFC 3339 section 5.6
  const int64_t hour = reader.number(2, 0, 23);
  reader.one_of(":");
  const int64_t minute = reader.number(2, 0, 59);
  reader.one_of(":");
  const int second = reader.number(2, 0, 60);
  const int64_t micros = reader.fraction();
  const int64_t offset = read_offset(reader);
  if (reader.failed() || !reader.at_end()) return std::nullopt;
  const int64_t seconds = *days * 86'400 + hour * 3600 + minute * 60 + second - offset;
  const Timestamp time{seconds * kSecond + micros};
  if (time < kEarliest || time > kLatest) return std::nullopt;  // the offset, or a leap second, led out of the years
  return time;
}

void write_digits(char* to, int64_t value, int count) {
  for (int i = count - 1; i >= 0; i--, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// At most kShownSize bytes of it, not ending within a character.
std::string shown(std::string_view text) {
  if (text.size() <= kShownSize) return std::string(text);
  size_t end = kShownSize;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end--;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

Result<Timestamp> parse_time(std::string_view text) {
  if (const auto time = read_time(text)) return *time;
  return Error{Code::kInvalidArgument,
               "'" + shown(text) +
                   "' is not a time; write an RFC 3339 instant of the years 1 to 9999 with its offset, such as "
                   "2026-11-22T10:09:35.25Z or 2026-11-22T12:09:35+02:00",
               ""};
}

std::string format_time(Timestamp time) {
  // Years of other than four digits have no RFC 3339 form.
  const std::chrono::microseconds since_epoch(std::clamp(time, kEarliest, kLatest).value);
  const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const int64_t micros = (since_epoch - days).count();
  const int64_t seconds = micros / kSecond;
  std::string text = "0000-00-00T00:00:00.000000Z";
  write_digits(&text[0], static_cast<int>(date.year()), 4);
  write_digits(&text[5], static_cast<unsigned>(date.month()), 2);
  write_digits(&text[8], static_cast<unsigned>(date.day()), 2);
  write_digits(&text[11], seconds / 3600, 2);
  write_digits(&text[14], seconds / 60 % 60, 2);
  write_digits(&text[17], seconds % 60, 2);
  write_digits(&text[20], micros % kSecond, 6);
  return text;
}

}  // namespace chronos
