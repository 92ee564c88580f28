// Workflows: texts with places for arguments that tell an agent how to go about a task with the tools, offered to users
// by clients as prompts (prompts/workflows/*.md, compiled in).
//
// A file opens with lines between two `---`: `place` (its rank in the list), `title`, `description`, and for each
// argument `argument: name (required, completes stream) - description`, the parentheses only when there is something to
// say.  The text follows.  In it `{name}` and `{name|otherwise}` are places.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chronos {

// What a client is offered while the user types an argument.
enum class Completes { kNothing, kStream, kFork, kType, kAsOf };

struct WorkflowArgument {
  std::string_view name;
  std::string_view description;
  bool required = false;
  Completes completes = Completes::kNothing;
};

// Its views are of constants.
struct Workflow {
  std::string_view name;  // the file's name without .md: investigate
  std::string_view title;
  std::string_view description;
  std::vector<WorkflowArgument> arguments;
  std::string_view text;
};

using WorkflowArguments = std::map<std::string, std::string, std::less<>>;

// In the order in which they are listed.  Any thread.
std::span<const Workflow> all_workflows();
// Null when there is none of that name.
const Workflow* find_workflow(std::string_view name);

// The first required argument that is absent or empty, "" when there is none.
std::string_view missing_argument(const Workflow& workflow, const WorkflowArguments& arguments);

// The text of the message, with the arguments in their places.
//
// An empty argument counts as absent, unknown ones are ignored.  A line with the place of an absent argument is left
// out, unless the place says what to write otherwise.  A place after `":` becomes a JSON value, digits a number; one
// within `"..."` the inside of a JSON string; any other the bare text.  What an argument says is no place itself.
// Requires: no required argument is missing.
std::string render(const Workflow& workflow, const WorkflowArguments& arguments);

}  // namespace chronos
