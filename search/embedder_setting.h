// Which model embeds a store's events, as its operator writes it (setting search.embedder):
//
//   none               no model; a search may be given a vector, to find those that came with events
//   static:DIRECTORY   a model2vec model on this machine
//   openai:URL#MODEL   an endpoint that speaks OpenAI's embeddings API, and what it calls its model
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/disk.h"
#include "core/result.h"
#include "search/embedder.h"
#include "search/http_poster.h"

namespace chronos {

struct EmbedderSetting {
  enum class Kind { kNone, kStatic, kEndpoint };
  Kind kind = Kind::kNone;
  std::string place;  // the directory, or the URL
  std::string model;  // of an endpoint; may be empty
  bool operator==(const EmbedderSetting&) const = default;
};

// kInvalidArgument, saying what it may be.  Looks neither at the disk nor at the network.
Result<EmbedderSetting> parse_embedder_setting(std::string_view text);

// As it is written.
std::string text_of(const EmbedderSetting& setting);

// What embedders are made with.
struct EmbedderMakings {
  Disk* disk = &posix_disk();
  HttpPoster* http = nullptr;  // null: there is no network
  std::string key;             // for endpoints; empty: none
};
// kNotFound or kInvalidArgument when a model on disk is not what it should be.  Requires: kind is not kNone; what the
// makings point to outlives the embedder.
Result<std::shared_ptr<Embedder>> make_embedder(const EmbedderSetting& setting, const EmbedderMakings& makings);

}  // namespace chronos
