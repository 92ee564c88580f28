#include "mcp/export.h"

#include <simdjson.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/check.h"
#include "core/damage.h"
#include "core/log.h"
#include "core/scan.h"
#include "core/time_text.h"
#include "tools/arguments.h"
#include "tools/cursor.h"
#include "tools/event_text.h"
#include "tools/json_writer.h"
#include "tools/protocol_tools.h"

namespace chronos {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

std::optional<uint64_t> as_number(const std::string& text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

Result<Address> address_of(const ExportOptions& options) {
  Address address;
  address.fork = options.fork;
  if (options.as_of.empty()) return address;
  if (const auto position = as_number(options.as_of)) {
    address.position = Position{*position};
    return address;
  }
  auto time = parse_time(options.as_of);
  if (!time) {
    return Error{Code::kInvalidArgument,
                 "as-of is '" + options.as_of + "', expected a position or an RFC 3339 time like 2026-11-22T10:00:00Z",
                 ""};
  }
  address.time = *time;
  return address;
}

bool should_stop(const ExportOptions& options) { return options.stop_requested && options.stop_requested(); }

std::string query_arguments(const ExportOptions& options, std::string_view cursor) {
  std::string arguments;
  JsonWriter json(arguments);
  json.begin_object().key("fork").string(options.fork);
  if (const auto position = as_number(options.as_of)) {
    json.key("as_of").integer(*position);
  } else if (!options.as_of.empty()) {
    json.key("as_of").string(options.as_of);
  }
  if (!options.stream.empty()) json.key("stream").string(options.stream);
  json.key("limit").integer(1000).key("detail").string("full");
  if (!cursor.empty()) json.key("cursor").string(cursor);
  json.end_object();
  arguments.reserve(arguments.size() + kSimdPadding);
  return arguments;
}

struct Page {
  std::string lines;
  uint64_t events = 0;
  std::string next_cursor;
};

// Where the first page begins: as a page before it, made at `head`, would have said.
std::string first_cursor(const ExportOptions& options, Position head) {
  const auto arguments = parse_arguments(query_arguments(options, ""));
  CHECK(arguments);
  return make_cursor({head.value, options.since.value + 1}, question_digest("query_events", ArgumentsView(*arguments)));
}

// Reads an answer of query_events, leaving out what is not after `since`.
simdjson::error_code read_page(const std::string& answer, Position since, Page& page) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(answer);
  simdjson::ondemand::document document;
  if (auto error = parser.iterate(padded).get(document)) return error;
  simdjson::ondemand::array events;
  if (auto error = document.find_field_unordered("events").get(events)) return error;
  for (auto item : events) {
    simdjson::ondemand::object event;
    uint64_t position;
    std::string_view raw;
    if (auto error = std::move(item).get(event)) return error;
    if (auto error = event.find_field_unordered("position").get(position)) return error;
    if (position <= since.value) continue;
    if (auto error = event.reset().error()) return error;
    if (auto error = event.raw_json().get(raw)) return error;
    page.lines.append(raw.substr(0, raw.find_last_of('}') + 1)) += '\n';
    page.events++;
  }
  std::string_view cursor;
  if (!document.find_field_unordered("next_cursor").get(cursor)) page.next_cursor = cursor;
  return simdjson::SUCCESS;
}

Result<ExportReport> export_view(const View& view, const ExportOptions& options) {
  EventFilter filter;
  filter.stream = options.stream;
  ExportReport report;
  if (options.since >= view.head()) return report;
  EventScan scan(view, filter, Order::kAscending, Position{options.since.value + 1});
  std::string lines;
  while (const auto event = scan.next()) {
    append_event(lines, *event, Detail::kFull);
    lines += '\n';
    report.events++;
    if (lines.size() < kBlock) continue;
    if (auto written = options.write(lines); !written) return written.error();
    lines.clear();
    if (should_stop(options)) {
      report.stopped = true;
      return report;
    }
  }
  if (auto written = options.write(lines); !written) return written.error();
  return report;
}

}  // namespace

Result<ExportReport> export_events(const Store& store, const ExportOptions& options) {
  auto address = address_of(options);
  if (!address) return address.error();
  auto view = store.view(*address);
  if (!view) return view.error();
  return or_damage([&] { return export_view(*view, options); });
}

Result<ExportReport> export_forwarded(ToolBackend& backend, const ExportOptions& options) {
  ExportReport report;
  Page page;
  if (options.since > Position{0} && options.as_of.empty()) {
    auto head = forwarded_head(backend, options);
    if (!head) return head.error();
    if (*head <= options.since) return report;
    page.next_cursor = first_cursor(options, *head);
  }
  do {
    const std::string arguments = query_arguments(options, page.next_cursor);
    ToolCall call;
    call.tool = find_tool("query_events");
    call.arguments = ValidJson::trusted(arguments);
    call.principal = options.principal;
    auto answer = backend.call(call);
    if (!answer) return answer.error();
    page = {};
    if (auto error = read_page(*answer, options.since, page)) {
      return Error{Code::kInternal, std::string("cannot read the answer: ") + simdjson::error_message(error), ""};
    }
    report.events += page.events;
    if (auto written = options.write(page.lines); !written) return written.error();
    report.stopped = should_stop(options);
  } while (!page.next_cursor.empty() && !report.stopped);
  return report;
}

Result<Position> forwarded_head(ToolBackend& backend, const ExportOptions& options) {
  std::string arguments;
  JsonWriter json(arguments);
  json.begin_object().key("streams").begin_array().begin_object().key("fork").string(options.fork);
  json.end_object().end_array().key("wait_ms").integer(0).end_object();
  arguments.reserve(arguments.size() + kSimdPadding);
  ToolCall call;
  call.tool = find_protocol_tool("await_growth");
  call.arguments = ValidJson::trusted(arguments);
  call.principal = options.principal;
  const auto answer = backend.call(call);
  if (!answer) return answer.error();
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(*answer);
  simdjson::ondemand::document document;
  uint64_t head = 0;
  if (parser.iterate(padded).get(document) || document["grown"].at(0)["version"].get(head)) {
    return Error{Code::kInternal, "cannot read where the fork ends: " + *answer, ""};
  }
  return Position{head};
}

}  // namespace chronos
