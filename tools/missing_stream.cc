#include "tools/missing_stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tools/address.h"
#include "tools/json_writer.h"
#include "tools/schema.h"

namespace chronos {
namespace {

// Names are compared only in this many streams: help with a slip must not cost more than the call.
constexpr size_t kMostNames = 20'000;
constexpr size_t kMostSuggestions = 3;

// Up to three streams with a name like `wanted`, nearest first.
std::vector<std::string> similar_streams(const View& view, const std::string& wanted) {
  std::vector<std::pair<size_t, std::string>> near;
  const size_t most = wanted.size() / 4 + 2;
  size_t seen = 0;
  view.for_each_stream([&](std::string_view name, const PositionList&) {
    if (seen++ >= kMostNames || name.size() > wanted.size() + most || wanted.size() > name.size() + most) return;
    const size_t distance = edit_distance(wanted, name);
    if (distance <= most) near.emplace_back(distance, name);
  });
  std::sort(near.begin(), near.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < near.size() && i < kMostSuggestions; i++) names.push_back(near[i].second);
  return names;
}

}  // namespace

Error no_such_stream(const View& view, const std::string& stream) {
  Error error;
  error.code = Code::kNotFound;
  error.message = "stream " + shown(stream) + " has no events in fork \"" + view.fork_name() + "\" as of position " +
                  std::to_string(view.head().value);
  const auto near = similar_streams(view, stream);
  JsonWriter json(error.details);
  json.begin_object();
  if (near.empty()) {
    error.message += ": describe_store lists the busiest streams, query_events with match stream_prefix finds others";
  } else {
    error.message += ": similar names are ";
    json.key("similar").begin_array();
    for (size_t i = 0; i < near.size(); i++) {
      error.message += (i == 0 ? "" : ", ") + shown(near[i]);
      json.string(near[i]);
    }
    json.end_array();
  }
  json.key("at");
  write_at(json, view);
  json.end_object();
  return error;
}

}  // namespace chronos
