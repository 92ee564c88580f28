// Runs the scripts of tests/core/scripts: each block of commands is followed by `---` and what it printed.
//
//   append STREAM TYPE DATA [key=value ...] [; STREAM TYPE DATA ...]   one commit
//       per event: id= tags=a,b valid=T correlation= causation= metadata=
//       per commit, anywhere: request= durability=os version=STREAM:N exists=STREAM none=TAG[@AFTER] some=TAG head=N
//   on FORK COMMAND          runs a command in that fork
//   as_of P|t=T read|state|find ...    reads at a past moment
//   read [STREAM] · state STREAM [valid=T] · find ID · forks · verify · status
//   fork NAME [from=FORK] [at=P|t=T] · discard NAME
//   clock T                  sets the clock, in microseconds
//   settle                   makes what `stage` staged durable;  stage takes what append takes
//   crash · kill · reopen    power cut, process killed, closed and opened again
//   fail N · cut N · flip N  the Nth disk operation from now fails; bytes cut from, or one bit flipped in, the log
//   dump [FROM [SIZE]]       bytes of the last log file
//   !COMMAND                 must fail; s1: and s2: before a command name a session, for the reader only
//
// UPDATE=1 rewrites what is expected.  Clock, ids and disk are the script's own, so every byte repeats.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/state.h"
#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Words = std::vector<std::string>;

// Split at spaces; braces and quotes keep a JSON object together.
Words split(const std::string& line) {
  Words words;
  std::string word;
  int depth = 0;
  for (const char c : line) {
    if (c == '{') depth++;
    if (c == '}') depth--;
    if (c != ' ' || depth > 0) {
      word += c;
      continue;
    }
    if (!word.empty()) words.push_back(word);
    word.clear();
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::string number(uint64_t n) { return std::to_string(n); }
Timestamp time_of(const std::string& text) { return Timestamp{std::stoll(text)}; }

class Script {
 public:
  Script() : random_(1) { open(); }

  // What one line prints.
  std::string run(std::string line) {
    const size_t colon = line.find(": ");
    if (line[0] == 's' && colon == 2) line = line.substr(4);
    const bool must_fail = line[0] == '!';
    failed_ = false;
    fork_ = "main";
    address_ = {};
    const std::string printed = command(split(must_fail ? line.substr(1) : line));
    if (failed_ != must_fail) return printed + (failed_ ? "UNEXPECTED ERROR\n" : "EXPECTED AN ERROR\n");
    return printed;
  }

 private:
  std::string open() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &random_;
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    if (!opened) return error(opened.error());
    store_ = *std::move(opened);
    const std::string report = store_->status().recovery_report;
    return report.empty() ? "open\n" : "open, " + report + "\n";
  }

  std::string error(const Error& error) {
    failed_ = true;
    return "error " + std::string(code_name(error.code)) + ": " + error.message + "\n";
  }

  std::string command(Words words) {
    if (words.size() > 2 && words[0] == "on") {
      fork_ = words[1];
      words.erase(words.begin(), words.begin() + 2);
    }
    if (words.size() > 2 && words[0] == "as_of") {
      if (words[1].starts_with("t="))
        address_.time = time_of(words[1].substr(2));
      else
        address_.position = Position{std::stoull(words[1])};
      words.erase(words.begin(), words.begin() + 2);
    }
    address_.fork = fork_;
    const std::string name = words[0];
    words.erase(words.begin());
    if (name == "append" || name == "stage") return append(words, name == "stage");
    if (name == "read" || name == "state" || name == "find") return look(name, words);
    if (name == "forks" || name == "verify" || name == "status") return tell(name);
    if (name == "fork" || name == "discard") return change_forks(name, words);
    if (!store_ && name != "reopen" && name != "flip" && name != "cut" && name != "dump")
      return "the store is not open\n";
    if (name == "settle") return settle();
    return handle_disk(name, words);
  }

  std::string settle() {
    const Result<void> settled = store_->settle(ticket_);
    return settled ? "settled\n" : error(settled.error());
  }

  std::string handle_disk(const std::string& name, const Words& words) {
    if (name == "clock") clock_.set(time_of(words[0]));
    if (name == "fail") disk_.fail_after(std::stoull(words[0]));
    if (name == "crash") disk_.power_cut(1);
    if (name == "kill") disk_.kill();
    if (name == "flip") disk_.flip_bit(log_path(), std::stoull(words[0]), 0);
    if (name == "cut") disk_.cut(log_path(), disk_.contents(log_path()).size() - std::stoull(words[0]));
    if (name == "dump") return dump(words);
    if (name != "crash" && name != "kill" && name != "reopen") return "";
    store_.reset();
    disk_.stop_failing();
    return open();
  }

  std::string log_path() const {
    std::string last;
    for (const auto& [path, bytes] : disk_.files()) {
      if (path.ends_with(".log")) last = path;
    }
    return last;
  }

  std::string dump(const Words& words) const {
    std::string bytes = disk_.contents(log_path());
    if (!words.empty()) bytes = bytes.substr(std::min<size_t>(bytes.size(), std::stoull(words[0])));
    if (words.size() > 1) bytes.resize(std::min<size_t>(bytes.size(), std::stoull(words[1])));
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 16) {
      char text[8];
      std::string readable;
      for (size_t k = i; k < std::min(i + 16, bytes.size()); k++) {
        std::snprintf(text, sizeof text, "%02x ", static_cast<unsigned char>(bytes[k]));
        out += text;
        readable += bytes[k] >= 0x20 && bytes[k] < 0x7f ? bytes[k] : '.';
      }
      out += "|" + readable + "|\n";
    }
    return out;
  }

  // key=value of a commit; false when it is one of an event.
  bool commit_option(BatchHead& head, const std::string& key, const std::string& value) const {
    Condition condition;
    const size_t mark = value.rfind(key == "version" ? ':' : '@');
    const std::string after = mark == std::string::npos ? "0" : value.substr(mark + 1);
    condition.stream = value.substr(0, mark);
    if (key == "request") return head.request_id = value, true;
    if (key == "durability") return head.durability = Durability::kOs, true;
    if (key == "version") {
      condition.version = Version{static_cast<uint32_t>(std::stoul(after))};
    } else if (key == "exists") {
      condition.kind = Condition::Kind::kStreamExists;
    } else if (key == "none" || key == "some") {
      condition.kind = key == "none" ? Condition::Kind::kNoneMatch : Condition::Kind::kSomeMatch;
      condition.match = {MatchItem{{}, {condition.stream}, {}, {}}};
      condition.position = Position{std::stoull(after)};
      condition.stream.clear();
    } else if (key == "head") {
      condition.kind = Condition::Kind::kHead;
      condition.position = Position{std::stoull(value)};
      condition.stream.clear();
    } else {
      return false;
    }
    head.conditions.push_back(condition);
    return true;
  }

  static void event_option(ModelEvent& event, const std::string& key, const std::string& value) {
    if (key == "id") event.client_id = value;
    if (key == "valid") event.valid_at = time_of(value);
    if (key == "correlation") event.correlation_id = value;
    if (key == "causation") event.causation_id = value;
    if (key == "metadata") event.metadata = value;
    if (key != "tags") return;
    std::istringstream tags(value);
    for (std::string tag; std::getline(tags, tag, ',');) event.tags.push_back(tag);
  }

  std::string append(const Words& words, bool stage) {
    ModelBatch batch;
    batch.head.fork = fork_;
    size_t field = 0;
    for (const std::string& word : words) {
      const size_t equals = word.find('=');
      if (word == ";") {
        field = 0;
      } else if (word[0] != '{' && equals != std::string::npos) {
        const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
        if (!commit_option(batch.head, key, value)) event_option(batch.events.back(), key, value);
      } else {
        if (field == 0) batch.events.push_back({});
        ModelEvent& event = batch.events.back();
        (field == 0 ? event.stream : field == 1 ? event.type : event.data) = word;
        field++;
      }
    }
    Result<Batch> encoded = to_engine(batch);
    if (!encoded) return error(encoded.error());
    if (!stage) {
      const Result<AppendOutcome> outcome = store_->append(*std::move(encoded));
      return outcome ? answer(*outcome) : error(outcome.error());
    }
    const Result<Store::Staged> staged = store_->stage(*std::move(encoded));
    if (staged) ticket_ = std::max(ticket_, staged->ticket);
    return staged ? "staged, " + answer(staged->outcome) : error(staged.error());
  }

  std::string answer(const AppendOutcome& outcome) {
    if (outcome.conflict) return refused(*outcome.conflict);
    const Appended& appended = *outcome.appended;
    std::string out = appended.replayed ? "replayed " : "appended ";
    out += appended.fork + "@" + number(appended.first_position.value);
    if (appended.last_position > appended.first_position) out += ".." + number(appended.last_position.value);
    out += " at " + std::to_string(appended.recorded_at.value);
    for (const auto& [stream, version] : appended.versions) out += ", " + stream + " version " + number(version.value);
    return out + "\n";
  }

  std::string refused(const Conflict& conflict) {
    failed_ = true;
    std::string out = "conflict: condition " + number(conflict.condition_index);
    using Kind = Condition::Kind;
    if (conflict.condition.kind == Kind::kStreamVersion)
      out += ", " + conflict.condition.stream + " is at version " + number(conflict.actual_version.value);
    if (conflict.condition.kind == Kind::kStreamExists) out += ", " + conflict.condition.stream + " does not exist";
    if (conflict.condition.kind == Kind::kNoneMatch)
      out += ", position " + number(conflict.first_match.value) + " matches";
    if (conflict.condition.kind == Kind::kSomeMatch) out += ", nothing matches";
    if (conflict.condition.kind == Kind::kHead) out += ", the head is " + number(conflict.actual_head.value);
    if (!conflict.missed.empty()) out += "; missed";
    for (const Position position : conflict.missed) out += " " + number(position.value);
    return out + "\n";
  }

  std::string look(const std::string& name, const Words& words) {
    const Result<View> view = store_->view(address_);
    if (!view) return error(view.error());
    if (name == "state") return state(*view, words);
    if (name == "find") {
      const std::optional<Position> found = view->find_id(words[0]);
      return found ? line(view->at(*found)) : "nothing\n";
    }
    std::string out = view->fork_name() + "@" + number(view->head().value) + "\n";
    if (!words.empty()) {
      const PositionList events = view->stream(words[0]);
      for (size_t i = 0; i < events.size(); i++) out += line(events.event(i));
      return out;
    }
    for (uint64_t p = 1; p <= view->head().value; p++) out += line(view->at(Position{p}));
    return out;
  }

  static std::string line(const Event& event) {
    std::string out = "  " + number(event.position().value) + " " + std::string(event.stream()) + " #" +
                      number(event.version().value) + " " + std::string(event.type()) + " " +
                      std::string(event.data()) + " at " + std::to_string(event.recorded_at().value);
    if (event.has_valid_at()) out += " valid " + std::to_string(event.valid_at().value);
    event.for_each_tag([&](std::string_view tag) { out += " [" + std::string(tag) + "]"; });
    return out + " id " + event.id() + "\n";
  }

  static std::string state(const View& view, const Words& words) {
    const PositionList events = view.stream(words[0]);
    if (words.size() == 1) return fold(events, Version{static_cast<uint32_t>(events.size())}).to_json() + "\n";
    std::vector<Position> folded;
    std::string out = fold_valid(events, time_of(words[1].substr(6)), folded).to_json() + " from";
    for (const Position position : folded) out += " " + number(position.value);
    return out + "\n";
  }

  std::string tell(const std::string& name) {
    if (name == "status") {
      const std::string reason = store_->status().read_only_reason;
      return reason.empty() ? "takes writes\n" : "read-only: " + reason + "\n";
    }
    if (name == "verify") {
      const HistoryReport report = store_->verify([](double) { return true; });
      return number(report.events) + " events, " + number(report.problems.size()) + " problems\n";
    }
    std::string out;
    for (const ForkInfo& fork : store_->forks()) {
      out += fork.name;
      if (!fork.parent.empty()) out += " from " + fork.parent + "@" + number(fork.position.value);
      out += ", head " + number(fork.head.value) + ", own events " + number(fork.own_events) + "\n";
    }
    return out;
  }

  std::string change_forks(const std::string& name, const Words& words) {
    if (name == "discard") {
      const Result<DiscardedFork> discarded = store_->discard_fork(words[0], "", local_principal(""));
      return discarded ? "discarded\n" : error(discarded.error());
    }
    NewFork fork;
    fork.name = words[0];
    for (const std::string& word : words) {
      if (word.starts_with("from=")) fork.from.fork = word.substr(5);
      if (word.starts_with("at=")) fork.from.position = Position{std::stoull(word.substr(3))};
      if (word.starts_with("t=")) fork.from.time = time_of(word.substr(2));
    }
    const Result<ForkInfo> made = store_->create_fork(fork);
    return made ? made->name + " from " + made->parent + "@" + number(made->position.value) + "\n"
                : error(made.error());
  }

  SimulatedDisk disk_;
  Chance random_;
  ManualClock clock_{Timestamp{1000}};
  std::unique_ptr<Store> store_;
  Lsn ticket_;
  bool failed_ = false;
  std::string fork_;
  Address address_;
};

// The script with what it prints now.
std::string replayed(const std::string& text) {
  Script script;
  std::istringstream lines(text);
  std::string out, printed;
  bool skipping = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "---") {
      out += "---\n" + printed + "\n";
      printed.clear();
      skipping = true;
    } else if (line.empty()) {
      if (!skipping) out += "\n";
      skipping = false;
    } else if (!skipping) {
      out += line + "\n";
      if (line[0] != '#') printed += script.run(line);
    }
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("the scripts of tests/core/scripts print what they say", "[store][golden]") {
  const std::filesystem::path folder = std::filesystem::path(CHRONOS_SOURCE_DIR) / "tests/core/scripts";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO("script: " << entry.path().filename().string() << " (UPDATE=1 rewrites it)");
    std::ifstream in(entry.path());
    const std::string expected{std::istreambuf_iterator<char>(in), {}};
    const std::string now = replayed(expected);
    if (std::getenv("UPDATE") != nullptr)
      std::ofstream(entry.path()) << now;
    else
      CHECK(now == expected);
    count++;
  }
  CHECK(count >= 10);
}

}  // namespace chronos::test
