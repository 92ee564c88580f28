// The guide pages the server carries (prompts/*.md), compiled in: documents for models, tested like an API.
#pragma once

#include <span>
#include <string_view>

namespace chronos {

struct Page {
  std::string_view topic;  // the file's name without .md
  std::string_view text;   // Markdown; the first line is "# Title"
};

// In order of topic.
std::span<const Page> all_pages();
// The workflows as they are written (prompts/workflows/*.md), in order of name; prompts/workflows.h reads them.
std::span<const Page> workflow_files();

}  // namespace chronos
