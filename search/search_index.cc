#include "search/search_index.h"

#include <utility>
#include <vector>

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

std::shared_ptr<SearchVectors> open_vectors(const Store& store, const SearchIndexOptions& options,
                                            const EmbedderSetting& setting) {
  SearchVectorsOptions wanted;
  wanted.directory = options.directory;
  wanted.embedding_directory = options.directory + "/embeddings";
  wanted.makings = {options.disk, options.models.http, options.models.key};
  wanted.in_background = options.in_background;
  return std::make_shared<SearchVectors>(store, setting, std::move(wanted));
}

}  // namespace

SearchIndex::SearchIndex(Store& store, SearchIndexOptions options)
    : store_(store),
      options_(std::move(options)),
      version_(store.settings_version()),
      settings_(read_search_settings(store.settings())),
      text_(open_text(store_, options_, settings_.analyzer)),
      vectors_(open_vectors(store_, options_, settings_.embedder)) {}

SearchIndex::~SearchIndex() = default;

// What the index of another analyzer wrote goes when the new one looks at the directory: by then nobody writes it.
void SearchIndex::follow_settings() {
  const uint64_t version = store_.settings_version();
  if (version == version_) return;
  version_ = version;
  SearchSettings settings = read_search_settings(store_.settings());
  const bool has_same_words = settings.analyzer == settings_.analyzer;
  const bool has_same_vectors = settings.embedder == settings_.embedder;
  settings_ = std::move(settings);
  if (!has_same_words) {
    text_->stop();
    text_ = open_text(store_, options_, settings_.analyzer);
  }
  if (!has_same_vectors) {
    vectors_->stop();
    vectors_ = open_vectors(store_, options_, settings_.embedder);
  }
}

std::shared_ptr<TextIndex> SearchIndex::text() {
  const std::lock_guard lock(mutex_);
  follow_settings();
  return text_;
}

std::shared_ptr<SearchVectors> SearchIndex::vectors() {
  const std::lock_guard lock(mutex_);
  follow_settings();
  return vectors_;
}

Result<std::string> SearchIndex::try_embedder(const EmbedderSetting& setting, const std::stop_token& stop) const {
  if (setting.kind == EmbedderSetting::Kind::kNone) return std::string();
  const auto embedder = make_embedder(setting, {options_.disk, options_.models.http, options_.models.key});
  if (!embedder) {
    if (setting.kind == EmbedderSetting::Kind::kEndpoint) return embedder.error().message;
    return embedder.error();
  }
  if ((*embedder)->is_local()) return std::string();
  const std::vector<std::string> texts = {"test"};
  const auto vectors = (*embedder)->embed(texts, EmbeddingPurpose::kQuery, stop);
  return vectors ? std::string() : vectors.error().message;
}

SearchSettings SearchIndex::settings() {
  const std::lock_guard lock(mutex_);
  follow_settings();
  return settings_;
}

}  // namespace chronos
