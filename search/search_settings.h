// How a store is searched: what its operator chose (Store::settings, names that begin with "search."), and the defaults
// where he chose nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "search/analyzer.h"
#include "search/embedder_setting.h"
#include "search/keyword_search.h"

namespace chronos {

struct SearchSettings {
  AnalyzerOptions analyzer;
  Bm25 bm25;
  float neighbours = 0.2F;  // the weight of neighbours in a stream (search/neighbours.h); 0: they do not count
  EmbedderSetting embedder;
  std::optional<float> word_weight;  // beside vectors (search/fusion.h); otherwise as the model has it
  bool fuses_ranks = false;          // and not scores
};

// What can be set, for people.
struct SearchSetting {
  std::string_view name;
  std::string_view otherwise;  // what it is when it was not set
  std::string_view what;
};
const std::vector<SearchSetting>& known_search_settings();

// kInvalidArgument, saying what it may be, for an unknown name or a value it cannot have.
Result<void> check_search_setting(std::string_view name, std::string_view value);

// Values that do not pass the check are as if they had not been set.
SearchSettings read_search_settings(const std::map<std::string, std::string>& settings);

}  // namespace chronos
