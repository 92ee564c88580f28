#include "search/search_index.h"

#include <utility>

namespace chronos {
namespace {

std::shared_ptr<TextIndex> open_text(const Store& store, const SearchIndexOptions& options,
                                     const AnalyzerOptions& analyzer) {
  TextIndexOptions wanted;
  wanted.directory = options.directory;
  wanted.disk = options.disk;
  wanted.in_background = options.in_background;
  wanted.analyzer = analyzer;
  auto opened = TextIndex::open(store, wanted);
  CHECK(opened);  // the settings were checked
  return *std::move(opened);
}

}  // namespace

SearchIndex::SearchIndex(Store& store, SearchIndexOptions options)
    : store_(store),
      options_(std::move(options)),
      version_(store.settings_version()),
      settings_(read_search_settings(store.settings())),
      text_(open_text(store_, options_, settings_.analyzer)) {}

SearchIndex::~SearchIndex() = default;

// What the index of another analyzer wrote goes when the new one looks at the directory: by then nobody writes it.
void SearchIndex::follow_settings() {
  const uint64_t version = store_.settings_version();
  if (version == version_) return;
  version_ = version;
  SearchSettings settings = read_search_settings(store_.settings());
  const bool is_same = settings.analyzer == settings_.analyzer;
  settings_ = std::move(settings);
  if (is_same) return;
  text_->stop();
  text_ = open_text(store_, options_, settings_.analyzer);
}

std::shared_ptr<TextIndex> SearchIndex::text() {
  const std::lock_guard lock(mutex_);
  follow_settings();
  return text_;
}

SearchSettings SearchIndex::settings() {
  const std::lock_guard lock(mutex_);
  follow_settings();
  return settings_;
}

}  // namespace chronos
