// What a store is searched by, beside the Store wherever one is opened: the keyword index, and the vectors.
//
// Making one costs nothing: there are no files before there is enough to write, and a store that is closed again soon
// is not indexed.  Nothing in it is truth: its directory can be deleted at any time, and is made again from the events.
// Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "core/disk.h"
#include "core/result.h"
#include "core/store.h"
#include "search/model_access.h"
#include "search/search_settings.h"
#include "search/search_vectors.h"
#include "search/text_index.h"

namespace chronos {

struct SearchIndexOptions {
  std::string directory;  // for index files alone
  Disk* disk = &posix_disk();
  bool in_background = true;  // otherwise only what is asked for is indexed
  ModelAccess models = {};
};

class SearchIndex {
 public:
  // Requires: the store and the disk outlive it.
  SearchIndex(Store& store, SearchIndexOptions options);
  // Stops what is done in the background.
  ~SearchIndex();
  SearchIndex(const SearchIndex&) = delete;
  SearchIndex& operator=(const SearchIndex&) = delete;

  // The keyword index.  Shared with whoever searches: another takes its place when the settings change.
  std::shared_ptr<TextIndex> text();
  // The vectors, likewise.
  std::shared_ptr<SearchVectors> vectors();
  // As the store has them now.
  SearchSettings settings();
  // Whether a model could be used from here: what is wrong, for people, when it does not answer now but may do so
  // later; empty when nothing is.  kNotFound or kInvalidArgument when its files are not what they should be.
  // Takes seconds when it is elsewhere.
  Result<std::string> try_embedder(const EmbedderSetting& setting, const std::stop_token& stop) const;

 private:
  void follow_settings();

  Store& store_;
  const SearchIndexOptions options_;
  std::mutex mutex_;  // guards what follows
  uint64_t version_;  // of the store's settings
  SearchSettings settings_;
  std::shared_ptr<TextIndex> text_;
  std::shared_ptr<SearchVectors> vectors_;
};

// Where the files of a store's index are.
inline std::string search_directory(const std::string& data_directory) { return data_directory + "/search"; }

}  // namespace chronos
