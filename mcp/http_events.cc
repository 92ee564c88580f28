// An import reads from a file descriptor, a body is read from the connection: a pipe is between them, the import runs
// in a thread of its own.  A pipe holds little, so a client is as fast as the disk.  When the import ends before the
// body does, at a line that is wrong, writing to the pipe fails and no more is read.
//
// A body that ends too early has lost its end, which the client sends again; what came before is imported and will be
// recognised.  Only its last line may have been cut: it is not given to the import before its line end has come.
#include "mcp/http_events.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "mcp/export.h"
#include "mcp/http_event_log.h"
#include "mcp/import.h"
#include "tools/json_writer.h"

namespace chronos {
namespace {

constexpr std::string_view kLines = "application/x-ndjson";

Error bad_parameter(std::string message) { return {Code::kInvalidArgument, std::move(message), ""}; }

// The parameters of a query, each at most once, none but those known.
class Parameters {
 public:
  static Result<Parameters> read(std::string_view query, std::initializer_list<std::string_view> known) {
    auto items = read_query(query);
    if (!items) return bad_parameter("The query is not percent-encoded UTF-8.");
    Parameters parameters;
    std::string names;
    for (const std::string_view name : known) names.append(names.empty() ? "" : ", ").append(name);
    for (auto& [name, value] : *items) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return bad_parameter("There is no parameter '" + name + "'. Known: " + names + ".");
      }
      if (parameters.find(name)) return bad_parameter("The parameter '" + name + "' was given twice.");
      parameters.items_.emplace_back(std::move(name), std::move(value));
    }
    return parameters;
  }

  std::optional<std::string> find(std::string_view name) const {
    for (const auto& [known, value] : items_) {
      if (known == name) return value;
    }
    return std::nullopt;
  }
  std::string text(std::string_view name, std::string otherwise = "") const {
    return find(name).value_or(std::move(otherwise));
  }

 private:
  HttpHeaders items_;
};

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

class Pipe {
 public:
  Pipe() { CHECK(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close_input();
    close_output();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int output() const { return ends_[0]; }
  void close_output() { close(ends_[0]); }
  void close_input() { close(ends_[1]); }
  // False when nobody reads any more.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(ends_[1], bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

// Gives whole lines to the pipe; the last one, if its end is missing, at the end of a body that is whole.
class LinePump {
 public:
  explicit LinePump(Pipe& pipe) : pipe_(pipe) {}
  bool take(std::string_view part) {
    const size_t end = part.rfind('\n');
    if (end == std::string_view::npos) {
      rest_ += part;
      return rest_.size() <= kLongestLine;
    }
    const bool is_written = pipe_.write(rest_) && pipe_.write(part.substr(0, end + 1));
    rest_ = part.substr(end + 1);
    return is_written;
  }
  void finish() { pipe_.write(rest_); }

 private:
  static constexpr size_t kLongestLine = size_t{16} << 20;  // longer than any event: the import will say so
  Pipe& pipe_;
  std::string rest_;
};

std::string counts_json(const ImportReport& report) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("imported").integer(report.imported).key("skipped").integer(report.skipped);
  json.end_object();
  return text;
}

// Writes lines of an export to a client, as they are or as events.
class EventWriter {
 public:
  EventWriter(HttpExchange& exchange, bool as_events) : exchange_(exchange), as_events_(as_events) {}

  Result<void> write(std::string_view lines) {
    const bool is_sent = exchange_.send(as_events_ ? events_of(lines) : std::string(lines));
    const size_t last = lines.find_last_of('\n', lines.empty() ? 0 : lines.size() - 2);
    if (!lines.empty()) last_ = position_of(lines.substr(last == std::string_view::npos ? 0 : last + 1));
    if (!is_sent) return Error{Code::kUnavailable, "the client is gone", ""};
    return {};
  }
  uint64_t last() const { return last_; }

 private:
  static uint64_t position_of(std::string_view line) {
    constexpr std::string_view kBegin = "{\"position\":";
    CHECK(line.starts_with(kBegin));
    uint64_t position = 0;
    std::from_chars(line.data() + kBegin.size(), line.data() + line.size(), position);
    return position;
  }
  static std::string events_of(std::string_view lines) {
    std::string text;
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      text.append("id: ").append(std::to_string(position_of(line))).append("\n");
      append_event_data(text, line);
    }
    return text;
  }

  HttpExchange& exchange_;
  const bool as_events_;
  uint64_t last_ = 0;
};

// Waits for more than `seen` records in the store, looking at that number now and then.  Another process's is asked
// after a longer moment, since whoever waits there takes a thread from all who ask it.  Returns at once when the
// exchange shall end.
void wait_for_more(HttpExchange& exchange, const Store* store, uint64_t seen) {
  const std::chrono::milliseconds moment(store == nullptr ? 250 : 25);
  std::stop_source ended;
  const auto end = [&ended] { ended.request_stop(); };
  const std::stop_callback when_gone(exchange.gone(), end);
  const std::stop_callback when_stopping(exchange.stopping(), end);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  do {
    never.wait_for(lock, ended.get_token(), moment, [] { return false; });
  } while (store != nullptr && store->records() == seen && !ended.stop_requested());
}

struct Reading {
  ExportOptions options;
  bool as_events = false;
  bool follows = false;
};

Result<Reading> reading_of(const HttpHead& head, const Principal& principal) {
  auto parameters = Parameters::read(head.query, {"fork", "as_of", "stream", "since", "follow"});
  if (!parameters) return parameters.error();
  Reading reading;
  reading.as_events = head.lists("accept", kEventStream);
  reading.options.fork = parameters->text("fork", "main");
  reading.options.as_of = parameters->text("as_of");
  reading.options.stream = parameters->text("stream");
  reading.options.principal = principal;
  const std::string* last_event = head.find("last-event-id");
  const std::string since = last_event != nullptr ? *last_event : parameters->text("since", "0");
  const auto position = number_in(since);
  if (!position) return bad_parameter("since is '" + since + "', expected the position after which to begin.");
  reading.options.since = Position{*position};
  const std::string follow =
      parameters->text("follow", reading.as_events && reading.options.as_of.empty() ? "true" : "false");
  if (follow != "true" && follow != "false")
    return bad_parameter("follow is '" + follow + "', expected true or false.");
  reading.follows = follow == "true";
  if (reading.follows && !reading.options.as_of.empty()) {
    return bad_parameter("The past does not go on: give as_of or follow=true, not both.");
  }
  return reading;
}

}  // namespace

void HttpEvents::handle(HttpExchange& exchange, const Principal& principal) const {
  const std::string& method = exchange.head().method;
  if (method == "GET") return read(exchange, principal);
  if (method == "POST") return import(exchange, principal);
  exchange.answer_error(405, bad_parameter("Send GET or POST here, not " + method + "."), {{"Allow", "GET, POST"}});
}

void HttpEvents::import(HttpExchange& exchange, const Principal& principal) const {
  const HttpHead& head = exchange.head();
  if (!head.is_type(kLines) && !head.is_type("application/ndjson") && !head.is_type("application/jsonl")) {
    return exchange.answer_error(415, bad_parameter("Send one event a line, as Content-Type application/x-ndjson."));
  }
  const auto parameters = Parameters::read(head.query, {"fork", "import_id"});
  if (!parameters) return exchange.answer_error(400, parameters.error());
  const auto store = local_store_();
  if (!store) return exchange.answer_error(http_status(store.error().code), store.error());

  ImportOptions options;
  options.source = "body";
  options.fork = parameters->text("fork", "main");
  options.import_id = parameters->text("import_id");
  std::unique_ptr<ImportTarget> target;
  const ImportHead import_head{options.fork, principal};
  if (*store != nullptr) {
    target = std::make_unique<StoreImportTarget>(**store, import_head);
  } else {
    target = std::make_unique<ForwardedImportTarget>(backend_, import_head);
  }
  Pipe pipe;
  options.fd = pipe.output();
  ImportReport report;
  std::thread importer([&] {
    report = import_events(*target, options);
    pipe.close_output();
  });
  LinePump pump(pipe);
  const bool is_whole = exchange.read_body([&](std::string_view part) { return pump.take(part); });
  if (is_whole) pump.finish();
  pipe.close_input();
  importer.join();
  if (report.failure) {
    const Error& why = *report.failure;
    return exchange.answer_error(http_status(why.code), {why.code, why.message, counts_json(report)});
  }
  if (!is_whole) {
    const HttpRefusal why = exchange.why_unread().value_or(HttpRefusal{413, "A line of the body is too long."});
    const Code code = why.status == 413 ? Code::kTooLarge : Code::kInvalidArgument;
    return exchange.answer_error(why.status, {code, why.message, counts_json(report)});
  }
  exchange.answer_json(200, counts_json(report));
}

void HttpEvents::read(HttpExchange& exchange, const Principal& principal) const {
  auto reading = reading_of(exchange.head(), principal);
  if (!reading) return exchange.answer_error(400, reading.error());
  ExportOptions& options = reading->options;
  EventWriter writer(exchange, reading->as_events);
  const auto begin = [&] {
    if (exchange.has_stream()) return;
    exchange.begin_stream(reading->as_events ? kEventStream : kLines, event_stream_headers());
    if (reading->follows && reading->as_events) exchange.set_comment(std::string(kSilentComment));
    if (reading->follows && !reading->as_events) exchange.set_comment("\n");  // an empty line is no event
  };
  options.write = [&](std::string_view lines) {
    begin();
    return writer.write(lines);
  };
  options.stop_requested = [&] { return exchange.gone().stop_requested() || exchange.stopping().stop_requested(); };
  const auto fail = [&](const Error& error) {
    if (!exchange.has_stream()) return exchange.answer_error(http_status(error.code), error);
    const std::string text = error_json(error);
    std::string event = "event: error\n";
    append_event_data(event, text);
    exchange.send(reading->as_events ? event : text + "\n");
  };
  while (true) {
    const auto store = local_store_();  // each time: it may have come here since
    if (!store) return fail(store.error());
    const uint64_t seen = *store == nullptr ? 0 : (*store)->records();  // before they are read
    const auto report = *store != nullptr ? export_events(**store, options) : export_forwarded(backend_, options);
    if (!report) return fail(report.error());
    begin();
    if (!reading->follows || options.stop_requested()) return;
    options.since = std::max(options.since, Position{writer.last()});
    wait_for_more(exchange, *store, seen);
  }
}

}  // namespace chronos
