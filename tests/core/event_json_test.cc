#include "core/event_json.h"

#include <string>
#include <vector>

#include "core/log.h"
#include "core/time_text.h"
#include "tests/support/catch.h"

namespace chronos {
namespace {

// Text with the padding a parser wants behind it.
class Padded {
 public:
  explicit Padded(std::string text) : bytes_(std::move(text)), size_(bytes_.size()) {
    bytes_.append(kSimdPadding, ' ');
  }
  ValidJson json() const {
    auto json = validate_json(std::string_view(bytes_).substr(0, size_), 256);
    REQUIRE(json);
    return *json;
  }

 private:
  std::string bytes_;
  size_t size_;
};

std::string refusal(const std::string& text, EventSource source = EventSource::kClient) {
  Limits limits;
  EventDecoder decoder(limits, source);
  Padded padded(text);
  const ValidJson json = padded.json();
  auto event = decoder.decode(json);
  REQUIRE_FALSE(event);
  JsonScan scan;  // which leaves the same to say
  scan.begin(json.text());
  if (scan.take(json.text(), 64) && !scan.members().empty()) {
    EventDecoder other(limits, source);
    const auto same = other.decode(scan.members());
    REQUIRE_FALSE(same);
    CHECK(same.error().message == event.error().message);
  }
  return std::string(code_name(event.error().code)) + ": " + event.error().message;
}

std::string nested(size_t depth) {
  std::string text = "{\"a\":";
  for (size_t i = 1; i < depth; i++) text += "[";
  for (size_t i = 1; i < depth; i++) text += "]";
  return text + "}";
}

}  // namespace

TEST_CASE("an event with every field is read, its data and metadata byte by byte", "[event_json]") {
  Padded padded(R"( { "stream" : "order-7", "type":"OrderPaid" ,"data" : {"b":1.50, "a":"\u0041"} , "metadata":{ } ,)"
                R"("tags":["customer:3" , "r\u00e9gion"],"id":"e-1","correlation_id":"c\"1","causation_id":"e-0",)"
                R"("valid_at":"2024-02-29T12:00:00+02:00","embedding":[0.5,-1,2e1]} )");
  Limits limits;
  EventDecoder decoder(limits, EventSource::kClient);
  auto event = decoder.decode(padded.json());
  REQUIRE(event);
  CHECK(event->stream == "order-7");
  CHECK(event->type == "OrderPaid");
  CHECK(event->data == R"({"b":1.50, "a":"\u0041"})");
  CHECK(event->metadata == "{ }");
  REQUIRE(event->tags.size() == 2);
  CHECK(event->tags[0] == "customer:3");
  CHECK(event->tags[1] == "r\u00e9gion");
  CHECK(event->id == "e-1");
  CHECK(event->correlation_id == "c\"1");
  CHECK(event->causation_id == "e-0");
  REQUIRE(event->valid_at.has_value());
  CHECK(format_time(*event->valid_at) == "2024-02-29T10:00:00.000000Z");
  REQUIRE(event->embedding.size() == 3);
  CHECK(event->embedding[1] == -1.0f);
  CHECK(event->embedding[2] == 20.0f);
}

TEST_CASE("a decoder keeps nothing from the event before", "[event_json]") {
  Limits limits;
  EventDecoder decoder(limits, EventSource::kExport);
  Padded full(R"({"stream":"s","type":"t","data":{},"metadata":{},"tags":["x"],"id":"i","correlation_id":"c",)"
              R"("causation_id":"d","recorded_at":"2024-01-01T00:00:00Z","embedding":[1]})");
  REQUIRE(decoder.decode(full.json()));
  Padded bad(R"({"stream":"s","type":"t","data":{},"tags":["x",1]})");
  REQUIRE_FALSE(decoder.decode(bad.json()));
  Padded bare(R"({"stream":"s2","type":"t2","data":{"k":2}})");
  auto event = decoder.decode(bare.json());
  REQUIRE(event);
  CHECK(event->stream == "s2");
  CHECK(event->metadata.empty());
  CHECK(event->tags.empty());
  CHECK(event->id.empty());
  CHECK(event->correlation_id.empty());
  CHECK(event->causation_id.empty());
  CHECK_FALSE(event->valid_at.has_value());
  CHECK(event->embedding.empty());
}

TEST_CASE("a decoder expects the fields of the event before, and reads whatever comes", "[event_json]") {
  Limits limits;
  EventDecoder decoder(limits, EventSource::kClient);
  for (const char* text : {R"({"stream":"s","type":"t","data":{},"id":"i"})",
                           R"({"id":"i","data":{},"type":"t","stream":"s"})",
                           R"({"stream":"s","id":"i","type":"t","data":{}})",
                           R"({"str\u0065am":"s","type":"t","data":{},"id":"i"})",
                           R"({"stream":"s","type":"t","data":{},"metadata":{},"id":"i"})"}) {
    INFO(text);
    const Padded padded(text);
    const auto event = decoder.decode(padded.json());
    REQUIRE(event);
    CHECK(event->stream == "s");
    CHECK(event->type == "t");
    CHECK(event->data == "{}");
    CHECK(event->id == "i");
  }
  const Padded twice(R"({"type":"t","type":"u","stream":"s","data":{}})");  // the second where one was before
  CHECK(decoder.decode(twice.json()).error().message == "type is given twice in the event: give it once");
  const Padded unknown(R"({"stream":"s","typ":"t","data":{}})");
  CHECK(decoder.decode(unknown.json()).error().message.starts_with("unknown field 'typ' in the event"));
  const Padded missing(R"({"stream":"s","data":{}})");
  CHECK(decoder.decode(missing.json()).error().message.starts_with("type is missing"));
}

TEST_CASE("field names may be escaped like any other string", "[event_json]") {
  Padded padded(R"({"str\u0065am":"s","type":"t","data":{}})");
  Limits limits;
  EventDecoder decoder(limits, EventSource::kClient);
  auto event = decoder.decode(padded.json());
  REQUIRE(event);
  CHECK(event->stream == "s");
  CHECK(refusal(R"({"stream":"s","type":"t","data":{},"\u0073tream":"x"})") ==
        "invalid_argument: stream is given twice in the event: give it once");
}

TEST_CASE("a wrong event is refused by a sentence that names field, value and expectation", "[event_json]") {
  const std::string rest = R"("stream":"s","type":"t","data":{})";
  CHECK(refusal("[1, 2]") == "invalid_argument: the event is [1, 2], expected a JSON object");
  CHECK(refusal("{}") == "invalid_argument: stream is missing in the event; stream, type and data are required");
  CHECK(refusal(R"({"stream":"s","type":"t"})") ==
        "invalid_argument: data is missing in the event; stream, type and data are required");
  CHECK(refusal(R"({"stream":7,"type":"t","data":{}})") == "invalid_argument: stream is 7, expected a string");
  CHECK(refusal(R"({"stream":null,"type":"t","data":{}})") == "invalid_argument: stream is null, expected a string");
  CHECK(refusal(R"({"stream":{"a":[1]} ,"type":"t","data":{}})") ==
        R"(invalid_argument: stream is {"a":[1]}, expected a string)");
  CHECK(refusal(R"({"stream":"s","type":"t","data":[1, [2]]})") ==
        "invalid_argument: data is [1, [2]], expected a JSON object");
  CHECK(refusal(R"({"stream":"s","type":"t","data":"{}"})") ==
        "invalid_argument: data is \"{}\", expected a JSON object");
  CHECK(refusal("{" + rest + R"(,"metadata":null})") == "invalid_argument: metadata is null, expected a JSON object");
  CHECK(refusal("{" + rest + R"(,"tags":"x"})") == "invalid_argument: tags is \"x\", expected an array of strings");
  CHECK(refusal("{" + rest + R"(,"tags":["x",null]})") == "invalid_argument: tags[1] is null, expected a string");
  CHECK(refusal("{" + rest + R"(,"embedding":[1,"2"]})") ==
        "invalid_argument: embedding[1] is \"2\", expected a number within a 32-bit float");
  CHECK(refusal("{" + rest + R"(,"embedding":[1e200]})") ==
        "invalid_argument: embedding[0] is 1e200, expected a number within a 32-bit float");
  CHECK(refusal("{" + rest + R"(,"embedding":[]})") ==
        "invalid_argument: embedding is [], expected at least one number (leave the field out to give none)");
  CHECK(refusal("{" + rest + R"(,"id":""})") ==
        "invalid_argument: id is \"\", expected a non-empty string (leave the field out to give none)");
  CHECK(refusal("{" + rest + R"(,"position":4})") ==
        "invalid_argument: unknown field 'position' in the event; known: stream, type, data, metadata, tags, id, "
        "correlation_id, causation_id, valid_at, embedding");
  CHECK(refusal("{" + rest + R"(,"data":{}})") == "invalid_argument: data is given twice in the event: give it once");
  CHECK(refusal("{" + rest + R"(,"valid_at":"yesterday"})").find("invalid_argument: valid_at: ") == 0);
  CHECK(refusal("{" + rest + R"(,"valid_at":1700000000})") ==
        "invalid_argument: valid_at is 1700000000, expected a string");
}

TEST_CASE("a long wrong value is shortened between characters", "[event_json]") {
  std::string text = "\"";
  for (int i = 0; i < 100; i++) text += "\u00e9";
  const std::string message = refusal(R"({"stream":"s","type":"t","data":)" + text + "\"}");
  CHECK(message.size() < 140);
  const Padded checked("\"" + message.substr(message.find('\xc3'), message.find("...") - message.find('\xc3')) + "\"");
  CHECK_NOTHROW(checked.json());
}

TEST_CASE("data and metadata may be as deep as the limit and no deeper", "[event_json]") {
  Limits limits;
  EventDecoder decoder(limits, EventSource::kClient);
  const Padded deep(R"({"stream":"s","type":"t","data":)" + nested(limits.json_depth) + "}");
  CHECK(decoder.decode(deep.json()));
  CHECK(refusal(R"({"stream":"s","type":"t","data":)" + nested(limits.json_depth + 1) + "}")
            .find("too_large: data is nested deeper than 64 levels") == 0);
  CHECK(refusal(R"({"stream":"s","type":"t","data":{},"metadata":)" + nested(limits.json_depth + 1) + "}")
            .find("too_large: metadata is nested deeper") == 0);
  std::string wide = R"({"stream":"s","type":"t","data":{"a":[)";
  for (int i = 0; i < 500; i++) wide += i == 0 ? "[]" : ",{}";
  const Padded flat(wide + "]}}");
  CHECK(decoder.decode(flat.json()));
}

TEST_CASE("an exported event is read without what the store gives anew", "[event_json]") {
  const std::string exported =
      R"({"position":3,"stream":"s","version":1,"type":"t","data":{},"id":"i","fork":"main","actor":"local",)"
      R"("recorded_at":"2024-05-01T00:00:00.000001Z")";
  Limits limits;
  EventDecoder decoder(limits, EventSource::kExport);
  const Padded without(exported + "}");
  auto event = decoder.decode(without.json());
  REQUIRE(event);
  CHECK(format_time(event->valid_at.value()) == "2024-05-01T00:00:00.000001Z");
  const Padded with(exported + R"(,"valid_at":"2023-05-01T00:00:00Z"})");
  event = decoder.decode(with.json());
  REQUIRE(event);
  CHECK(format_time(event->valid_at.value()) == "2023-05-01T00:00:00.000000Z");
  CHECK(refusal(exported + R"(,"extra":1})", EventSource::kExport).find("known: stream, type, data") !=
        std::string::npos);
}

TEST_CASE("more tags or numbers than the limits are refused before they are kept", "[event_json]") {
  std::string tags = R"({"stream":"s","type":"t","data":{},"tags":["x")";
  for (int i = 0; i < 64; i++) tags += ",\"x\"";
  CHECK(refusal(tags + "]}").find("too_large: tags has more than 64 entries") == 0);
  std::string numbers = R"({"stream":"s","type":"t","data":{},"embedding":[1)";
  for (int i = 0; i < 8192; i++) numbers += ",1";
  CHECK(refusal(numbers + "]}").find("too_large: embedding has more than 8192 numbers") == 0);
}

}  // namespace chronos
