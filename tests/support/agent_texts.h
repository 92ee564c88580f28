// Texts for models (guide pages, workflows, instructions, descriptions) checked like an API: what they name must exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chronos::test {

// A call as a text writes it: `get_state {"stream":"order-7"}`.
struct ExampleCall {
  std::string tool;
  std::string arguments;  // the JSON object; `[...]` in place of events is filled in
};

// Of every tool there is.
std::vector<ExampleCall> example_calls(std::string_view text);

// What is wrong with the arguments of `call`: "" when they are JSON and fit the tool's published schema.
std::string misfit(const ExampleCall& call);

// Words in backquotes that are no tool, argument, field, value, error code, topic or workflow.
std::vector<std::string> unknown_words(std::string_view text);
// The same of words with an underscore in plain text, where names stand without backquotes, and of the guide's topics.
std::vector<std::string> unknown_plain_words(std::string_view text);

// The JSON object that begins at `from`, or "".
std::string object_at(std::string_view text, size_t from);

bool is_ascii(std::string_view text);

}  // namespace chronos::test
