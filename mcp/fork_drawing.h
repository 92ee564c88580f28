// The answers of the fork tools, and of compare, as people read them on a terminal.
//
// The answers are those of the tools' output schemas.  Every text ends with a line end; names and texts that came from
// clients are shown without control characters.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace chronos {

// list_forks: a tree with main at the root.
std::string draw_forks(const nlohmann::json& answer);

// merge_fork, the preview: a line for each batch, then what stands out.
std::string draw_preview(const nlohmann::json& answer);

// The first page of compare, up to its events; `stream` is empty for all streams.
std::string draw_difference(const nlohmann::json& answer, const std::string& stream);
// What goes on over pages: the events of a stream, or the streams that changed.
std::string draw_more_differences(const nlohmann::json& answer);

}  // namespace chronos
