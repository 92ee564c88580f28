#include "mcp/fork_drawing.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace chronos {
namespace {

using Json = nlohmann::json;
using Row = std::vector<std::string>;

// What a client wrote must not move the cursor of a terminal.
std::string plain(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string text_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end()) return "";
  return plain(found->is_string() ? found->get<std::string>() : found->dump());
}

uint64_t number_of(const Json& object, const char* member) { return object.value(member, uint64_t{0}); }

const Json& list_of(const Json& object, const char* member) {
  static const Json kNone = Json::array();
  const auto found = object.find(member);
  return found == object.end() ? kNone : *found;
}

std::string counted(uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}
std::string events(uint64_t count) { return counted(count, "event", "events"); }

// "main@42"
std::string address(const Json& at) { return text_of(at, "fork") + "@" + text_of(at, "position"); }

// "2026-11-22T10:09:35.000001Z" to the second.
std::string to_the_second(std::string time) {
  const size_t dot = time.find('.');
  if (dot != std::string::npos) time.erase(dot, time.size() - dot - 1);
  return time;
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Columns as wide as they need to be; those in `right` end where their widest one ends.
std::string table(const std::vector<Row>& rows, const std::string& right) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); c++) widths[c] = std::max(widths[c], characters(row[c]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); c++) {
      const std::string gap(widths[c] - characters(row[c]), ' ');
      line += c == 0 ? "" : "  ";
      line += right[c] == '>' ? gap + row[c] : row[c] + gap;
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

// --- the tree ---

using Children = std::map<std::string, std::vector<const Json*>>;

// Without recursion, since forks of forks may be deep.
void add_rows(const Children& children, const Json& root, std::vector<Row>& rows) {
  struct Open {
    const Json* fork;
    std::string before;  // what stands before its children
    std::string name;    // with its branch
  };
  std::vector<Open> open = {{&root, "", text_of(root, "fork")}};
  while (!open.empty()) {
    const Open next = std::move(open.back());
    open.pop_back();
    const Json& fork = *next.fork;
    rows.push_back({next.name, fork.contains("position") ? text_of(fork, "position") : "-", text_of(fork, "head"),
                    text_of(fork, "own_events"), to_the_second(text_of(fork, "expires_at")), text_of(fork, "purpose")});
    const auto found = children.find(text_of(fork, "fork"));
    if (found == children.end()) continue;
    // The last one is opened first: it is drawn last.
    for (size_t i = found->second.size(); i-- > 0;) {
      const bool is_last = i + 1 == found->second.size();
      open.push_back({found->second[i], next.before + (is_last ? "    " : "|   "),
                      next.before + (is_last ? "`-- " : "|-- ") + text_of(*found->second[i], "fork")});
    }
  }
}

// --- a merge ---

std::string shortened(std::string text) {
  constexpr size_t kMost = 48;
  if (text.size() <= kMost) return text;
  size_t end = kMost - 3;
  while ((text[end] & 0xc0) == 0x80) end--;
  return text.substr(0, end) + "...";
}

std::string found_text(const Json& found) {
  const std::string position = text_of(found, "position");
  if (found.contains("id")) return "id " + text_of(found, "id") + " is taken by event " + position;
  if (found.contains("actual_version")) return "version " + text_of(found, "actual_version");
  if (found.contains("first_match")) return "event " + text_of(found, "first_match") + " matches";
  if (!found.contains("head")) return "no event matches";
  const std::string head = "head " + text_of(found, "head");
  return position.empty() ? head + ", a batch before it stays behind" : head + ", first event " + position;
}

std::string batch_table(const Json& answer) {
  std::vector<Row> rows = {{"POSITION", "EVENTS", "STATUS", "CONDITION", "FOUND"}};
  for (const Json& batch : list_of(answer, "batches")) {
    rows.push_back({text_of(batch, "position"), text_of(batch, "events"), text_of(batch, "status"),
                    shortened(text_of(batch, "condition")),
                    batch.contains("found") ? shortened(found_text(batch["found"])) : ""});
  }
  return rows.size() == 1 ? "no batches to merge\n" : table(rows, ">>  ");
}

// --- a difference ---

std::string tally_text(const Json& tally) {
  std::string types;
  for (const auto& [type, count] : tally["types"].items()) {
    types += (types.empty() ? ": " : ", ") + plain(type) + " " + count.dump();
  }
  if (tally.contains("more_types")) types += ", and " + text_of(tally, "more_types") + " more types";
  return events(number_of(tally, "events")) + shortened(types);
}

}  // namespace

std::string draw_forks(const Json& answer) {
  std::vector<Row> rows = {{"FORK", "FROM", "HEAD", "EVENTS", "EXPIRES", "PURPOSE"}};
  const Json& forks = list_of(answer, "forks");
  std::map<std::string, bool> listed;
  for (const Json& fork : forks) listed[text_of(fork, "fork")] = true;
  Children children;
  for (const Json& fork : forks) {
    if (fork.contains("parent")) children[text_of(fork, "parent")].push_back(&fork);
  }
  for (const Json& fork : forks) {
    // A root: main, or a fork whose parent was not listed.
    if (!fork.contains("parent") || !listed.contains(text_of(fork, "parent"))) add_rows(children, fork, rows);
  }
  std::string text = table(rows, " >>>  ");
  if (answer.contains("more_forks")) {
    text += counted(number_of(answer, "more_forks"), "older fork is", "older forks are") + " not shown\n";
  }
  return text;
}

std::string draw_preview(const Json& answer) {
  std::string text = batch_table(answer);
  if (answer.contains("more_batches")) {
    const Json& totals = answer["totals"];
    text += "... and " + counted(number_of(answer, "more_batches"), "batch", "batches") + " more; in all " +
            text_of(totals, "clean") + " clean, " + text_of(totals, "conflict") + " in conflict, " +
            text_of(totals, "duplicate") + " duplicate\n";
  }
  for (const Json& stream : list_of(answer, "touched_on_both")) {
    text += "both sides appended to " + text_of(stream, "stream") + ": " + text_of(stream, "source_events") +
            " in the fork, " + text_of(stream, "target_events") + " in the target\n";
  }
  if (answer.contains("more_touched")) {
    text += "... and to " + counted(number_of(answer, "more_touched"), "stream", "streams") + " more\n";
  }
  if (!answer.contains("preview_token")) {
    return text + "a conflict is in the way: nothing would be appended to " + address(answer["at"]) + '\n';
  }
  text += "would append " + events(number_of(answer, "would_append")) + " to " + address(answer["at"]);
  if (answer.contains("skipped")) text += ", skip " + text_of(answer, "skipped");
  if (answer.contains("duplicates")) text += ", " + text_of(answer, "duplicates") + " are there already";
  return text + '\n';
}

std::string draw_difference(const Json& answer, const std::string& stream) {
  std::string text = "left   " + address(answer["left_at"]) + "\nright  " + address(answer["at"]) + '\n';
  if (stream.empty()) {
    const Json& ancestor = answer["ancestor"];
    text += "the same up to " + address(ancestor) + '\n';
    text += "only left   " + tally_text(answer["left_only"]) + '\n';
    text += "only right  " + tally_text(answer["right_only"]) + '\n';
    if (list_of(answer, "changed").empty() && !answer.contains("next_cursor")) text += "no stream differs\n";
    return text + draw_more_differences(answer);
  }
  const Json& differences = list_of(answer, "differences");
  if (differences.empty()) text += "the state of " + plain(stream) + " is the same\n";
  for (const Json& difference : differences) {
    const auto side = [&](const char* name) {
      return difference.contains(name) ? plain(difference[name].dump()) : std::string("(absent)");
    };
    text += text_of(difference, "path") + "  " + side("left") + " -> " + side("right") + '\n';
  }
  return text + draw_more_differences(answer);
}

std::string draw_more_differences(const Json& answer) {
  std::string text;
  for (const Json& stream : list_of(answer, "changed")) {
    text += text_of(stream, "stream") + "  version " + text_of(stream, "left_version") + " -> " +
            text_of(stream, "right_version") + '\n';
  }
  for (const Json& event : list_of(answer, "events")) {
    text += (text_of(event, "side") == "left" ? "< " : "> ") + text_of(event, "position") + "  " +
            text_of(event, "type") + "  " + plain(event["data"].dump()) + '\n';
  }
  return text;
}

}  // namespace chronos
