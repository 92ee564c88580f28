// The vectors that a store is searched by, as one setting says: those that a model makes of its events, or, without a
// model, those that clients gave with them.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/disk.h"
#include "core/result.h"
#include "core/store.h"
#include "search/embedder_setting.h"
#include "search/vector_index.h"

namespace chronos {

struct SearchVectorsOptions {
  std::string directory;            // for index files
  std::string embedding_directory;  // for what an endpoint made: kept when the index is deleted
  EmbedderMakings makings;
  bool in_background = true;  // otherwise only what is asked for is indexed
};

// Any thread.
class SearchVectors {
 public:
  // When a model is set, begins soon to embed in the background; without one nothing is indexed before it is asked for.
  // Requires: the store outlives it, and what the makings point to.
  SearchVectors(const Store& store, EmbedderSetting setting, SearchVectorsOptions options);
  // Stops what is done in the background.
  ~SearchVectors();
  SearchVectors(const SearchVectors&) = delete;
  SearchVectors& operator=(const SearchVectors&) = delete;

  // Ends what is done in the background, for good: others may then write to the directories.
  void stop();

  const EmbedderSetting& setting() const { return setting_; }
  bool has_model() const { return setting_.kind != EmbedderSetting::Kind::kNone; }
  // How much words count beside these vectors when nobody says so, 0 to 1: more beside a static model.
  float word_weight() const { return setting_.kind == EmbedderSetting::Kind::kStatic ? 0.7F : 0.5F; }

  // Fails when the model cannot be used: its files are not there, or not what they should be.
  Result<std::shared_ptr<VectorIndex>> index();
  // Of a query.  kUnavailable when the model is elsewhere and does not answer soon.  Requires: has_model().
  Result<std::vector<float>> vector_of(const std::string& query, const std::stop_token& stop);
  // Nothing when no model is set and nobody asked for vectors yet.
  std::shared_ptr<VectorIndex> index_if_made() const;

 private:
  Result<void> make();

  const Store& store_;
  const EmbedderSetting setting_;
  const SearchVectorsOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  bool is_stopped_ = false;
  std::shared_ptr<Embedder> embedder_;
  std::shared_ptr<VectorIndex> index_;
  std::jthread starting_;
};

}  // namespace chronos
