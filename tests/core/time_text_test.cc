#include "core/time_text.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

constexpr int64_t kSecond = 1'000'000;

int64_t micros(std::string_view text) {
  const auto time = parse_time(text);
  INFO(text);
  REQUIRE(time);
  return time->value;
}

}  // namespace

TEST_CASE("parse_time reads RFC 3339 instants", "[time_text]") {
  CHECK(micros("1970-01-01T00:00:00Z") == 0);
  CHECK(micros("1970-01-01T00:00:00.000001Z") == 1);
  CHECK(micros("1969-12-31T23:59:59.999999Z") == -1);
  CHECK(micros("2026-11-22T10:09:35Z") == 1'795'342'175 * kSecond);
  CHECK(micros("2026-11-22t10:09:35z") == micros("2026-11-22 10:09:35Z"));
  CHECK(micros("2026-11-22T12:09:35+02:00") == micros("2026-11-22T10:09:35Z"));
  CHECK(micros("2026-11-22T04:39:35-05:30") == micros("2026-11-22T10:09:35Z"));
  CHECK(micros("2026-11-22T10:09:35-00:00") == micros("2026-11-22T10:09:35Z"));
  CHECK(micros("2024-02-29T00:00:00Z") - micros("2024-02-28T00:00:00Z") == 86'400 * kSecond);
  CHECK(micros("2000-02-29T00:00:00Z") > 0);
}

TEST_CASE("parse_time cuts the fraction after microseconds", "[time_text]") {
  CHECK(micros("1970-01-01T00:00:00.5Z") == 500'000);
  CHECK(micros("1970-01-01T00:00:00.123456Z") == 123'456);
  CHECK(micros("1970-01-01T00:00:00.1234569Z") == 123'456);
  CHECK(micros("1970-01-01T00:00:00.999999999Z") == 999'999);
  CHECK(micros("1969-12-31T23:59:59.9999999Z") == -1);
}

TEST_CASE("parse_time reads a leap second as the next second", "[time_text]") {
  CHECK(micros("2016-12-31T23:59:60Z") == micros("2017-01-01T00:00:00Z"));
  CHECK(micros("2016-12-31T23:59:60.25Z") == micros("2017-01-01T00:00:00.25Z"));
  CHECK(micros("2017-01-01T00:59:60+01:00") == micros("2017-01-01T00:00:00Z"));
}

TEST_CASE("parse_time holds to the years 1 to 9999", "[time_text]") {
  CHECK(format_time(*parse_time("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00.000000Z");
  CHECK(format_time(*parse_time("9999-12-31T23:59:59.999999999Z")) == "9999-12-31T23:59:59.999999Z");
  CHECK_FALSE(parse_time("0000-12-31T23:59:59Z"));
  CHECK_FALSE(parse_time("0001-01-01T00:00:00+00:01"));
  CHECK_FALSE(parse_time("9999-12-31T23:59:59-00:01"));
  CHECK_FALSE(parse_time("9999-12-31T23:59:60Z"));
}

TEST_CASE("parse_time refuses everything else and shows what is expected", "[time_text]") {
  for (const char* text : {"",
                           "now",
                           "2026-11-22",
                           "2026-11-22T10:09:35",
                           "2026-11-22T10:09Z",
                           "2026-11-22T10:09:35.Z",
                           "2026-11-22T10:09:35.1234567890Z",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T10:60:00Z",
                           "2026-11-22T10:09:61Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-11-00T00:00:00Z",
                           "2026-11-22T10:09:35+0200",
                           "2026-11-22T10:09:35+24:00",
                           "2026-11-22T10:09:35+02:60",
                           "2026-11-22T10:09:35Z ",
                           " 2026-11-22T10:09:35Z",
                           "2026-11-22T10:09:35ZZ",
                           "+2026-11-22T10:09:35Z",
                           "2026-11-22T10:09:35,5Z",
                           "26-11-22T10:09:35Z",
                           "2026-1-22T10:09:35Z",
                           "2026-11-22T10:09:3 Z",
                           "1795342175",
                           "2026-11-22T-1:09:35Z"}) {
    INFO(text);
    const auto time = parse_time(text);
    REQUIRE_FALSE(time);
    CHECK(time.error().code == Code::kInvalidArgument);
    CHECK(time.error().message.find("2026-11-22T10:09:35.25Z") != std::string::npos);
    CHECK(time.error().message.find(std::string("'") + text + "'") == 0);
  }
  const std::string endless = std::string(63, 'x') + "\xc3\xa9" + std::string(1000, 'y');
  CHECK(parse_time(endless).error().message.find("'" + std::string(63, 'x') + "...' is not") == 0);
}

TEST_CASE("format_time writes six digits in UTC, and what has no form as the nearest that has", "[time_text]") {
  CHECK(format_time(Timestamp{0}) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_time(Timestamp{-1}) == "1969-12-31T23:59:59.999999Z");
  CHECK(format_time(Timestamp{1'795'342'175 * kSecond + 1}) == "2026-11-22T10:09:35.000001Z");
  CHECK(format_time(Timestamp{INT64_MIN}) == "0001-01-01T00:00:00.000000Z");
  CHECK(format_time(Timestamp{INT64_MAX}) == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("times come back from text, in order", "[time_text]") {
  const uint64_t seed = testing::json_seed(3);
  INFO("seed " << seed);
  testing::RandomJson random(seed, {});
  const int64_t earliest = micros("0001-01-01T00:00:00Z");
  const int64_t latest = micros("9999-12-31T23:59:59.999999Z");
  Timestamp before{earliest};
  for (int i = 0; i < 20'000; i++) {
    const Timestamp time{earliest + static_cast<int64_t>(random.below(static_cast<uint64_t>(latest - earliest)))};
    const std::string text = format_time(time);
    INFO(text);
    REQUIRE(parse_time(text)->value == time.value);
    REQUIRE((text < format_time(before)) == (time < before));
    before = time;
  }
}

}  // namespace chronos
