#include "prompts/workflows.h"

#include <algorithm>
#include <charconv>

#include "prompts/pages.h"

namespace chronos {
namespace {

// The text up to `end`, which is removed with it; all of it when there is no `end`.
std::string_view cut(std::string_view& text, std::string_view end) {
  const size_t at = text.find(end);
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + end.size());
  return before;
}

Completes completes(std::string_view what) {
  if (what == "stream") return Completes::kStream;
  if (what == "fork") return Completes::kFork;
  if (what == "type") return Completes::kType;
  if (what == "as_of") return Completes::kAsOf;
  return Completes::kNothing;
}

// name (required, completes stream) - description
WorkflowArgument read_argument(std::string_view line) {
  WorkflowArgument argument;
  std::string_view head = cut(line, " - ");
  argument.description = line;
  argument.name = cut(head, " (");
  head = cut(head, ")");
  argument.required = head.starts_with("required");
  cut(head, "completes ");
  argument.completes = completes(head);
  return argument;
}

struct Placed {
  int place = 0;
  Workflow workflow;
};

Placed read_workflow(const Page& file) {
  Placed read;
  read.workflow.name = file.topic;
  std::string_view text = file.text;
  cut(text, "---\n");
  std::string_view front = cut(text, "---\n");
  read.workflow.text = text;
  while (!front.empty()) {
    std::string_view value = cut(front, "\n");
    const std::string_view key = cut(value, ": ");
    if (key == "place") std::from_chars(value.data(), value.data() + value.size(), read.place);
    if (key == "title") read.workflow.title = value;
    if (key == "description") read.workflow.description = value;
    if (key == "argument") read.workflow.arguments.push_back(read_argument(value));
  }
  return read;
}

std::vector<Workflow> read_workflows() {
  std::vector<Placed> placed;
  for (const Page& file : workflow_files()) placed.push_back(read_workflow(file));
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.place < b.place; });
  std::vector<Workflow> workflows;
  workflows.reserve(placed.size());
  for (Placed& one : placed) workflows.push_back(std::move(one.workflow));
  return workflows;
}

void append_escaped(std::string& to, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (byte < 0x20) {
      to += "\\u00";
      to += kHex[byte >> 4];
      to += kHex[byte & 15];
    } else {
      to += c;
    }
  }
}

bool is_position(std::string_view text) {
  return text.size() <= 16 && (text == "0" || (text[0] >= '1' && text[0] <= '9')) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void append_value(std::string& to, std::string_view value, std::string_view before, std::string_view after) {
  if (before.ends_with("\":")) {
    const bool number = is_position(value);
    if (!number) to += '"';
    append_escaped(to, value);
    if (!number) to += '"';
  } else if (before.ends_with('"') && after.starts_with('"')) {
    append_escaped(to, value);
  } else {
    to += value;
  }
}

// The text between the braces of the place that `text` begins with, "" when it begins with none.
std::string_view place_at(std::string_view text) {
  size_t end = 1;
  while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || text[end] == '_')) end++;
  if (end == 1 || end == text.size()) return {};
  if (text[end] == '|') end = text.find('}', end);
  if (end == text.npos || text[end] != '}') return {};
  return text.substr(1, end - 1);
}

// False when the line has a place that cannot be filled.
bool render_line(std::string_view line, const WorkflowArguments& arguments, std::string& to) {
  for (size_t i = 0; i < line.size(); i++) {
    std::string_view place = line[i] == '{' ? place_at(line.substr(i)) : std::string_view();
    if (place.empty()) {
      to += line[i];
      continue;
    }
    const size_t next = i + place.size() + 2;
    const bool optional = place.find('|') != place.npos;
    const auto given = arguments.find(cut(place, "|"));
    const bool absent = given == arguments.end() || given->second.empty();
    if (absent && !optional) return false;
    append_value(to, absent ? place : std::string_view(given->second), line.substr(0, i), line.substr(next));
    i = next - 1;
  }
  return true;
}

}  // namespace

std::span<const Workflow> all_workflows() {
  static const std::vector<Workflow> kWorkflows = read_workflows();
  return kWorkflows;
}

const Workflow* find_workflow(std::string_view name) {
  for (const Workflow& workflow : all_workflows()) {
    if (workflow.name == name) return &workflow;
  }
  return nullptr;
}

std::string_view missing_argument(const Workflow& workflow, const WorkflowArguments& arguments) {
  for (const WorkflowArgument& argument : workflow.arguments) {
    const auto given = arguments.find(argument.name);
    if (argument.required && (given == arguments.end() || given->second.empty())) return argument.name;
  }
  return {};
}

std::string render(const Workflow& workflow, const WorkflowArguments& arguments) {
  std::string message;
  std::string_view text = workflow.text;
  while (!text.empty()) {
    const size_t before = message.size();
    if (render_line(cut(text, "\n"), arguments, message)) {
      message += '\n';
    } else {
      message.resize(before);
    }
  }
  return message;
}

}  // namespace chronos
