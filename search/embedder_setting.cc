#include "search/embedder_setting.h"

#include <algorithm>
#include <utility>

#include "search/endpoint_embedder.h"
#include "search/static_embedder.h"

namespace chronos {
namespace {

constexpr size_t kMostText = 2048;

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

}  // namespace

Result<EmbedderSetting> parse_embedder_setting(std::string_view text) {
  constexpr std::string_view kStatic = "static:";
  constexpr std::string_view kEndpoint = "openai:";
  EmbedderSetting setting;
  const Error wrong{Code::kInvalidArgument,
                    "search.embedder must be none, static:DIRECTORY or openai:URL#MODEL "
                    "(as openai:http://localhost:11434/v1#nomic-embed-text), got '" +
                        std::string(text.substr(0, 100)) + "'",
                    {}};
  if (text == "none" || text.empty()) return setting;
  if (text.size() > kMostText || !is_plain(text)) return wrong;
  if (text.starts_with(kStatic)) {
    setting.kind = EmbedderSetting::Kind::kStatic;
    setting.place = text.substr(kStatic.size());
    if (!setting.place.starts_with('/')) return wrong;  // the same wherever the store is opened from
  } else if (text.starts_with(kEndpoint)) {
    setting.kind = EmbedderSetting::Kind::kEndpoint;
    const std::string_view rest = text.substr(kEndpoint.size());
    const size_t hash = std::min(rest.find('#'), rest.size());
    setting.place = rest.substr(0, hash);
    setting.model = rest.substr(std::min(hash + 1, rest.size()));
    const size_t host = setting.place.find("://");
    const bool is_http = setting.place.starts_with("http://") || setting.place.starts_with("https://");
    if (!is_http || setting.place.size() <= host + 3 || setting.place.find(' ') != std::string::npos) return wrong;
  } else {
    return wrong;
  }
  return setting;
}

std::string text_of(const EmbedderSetting& setting) {
  switch (setting.kind) {
    case EmbedderSetting::Kind::kStatic: return "static:" + setting.place;
    case EmbedderSetting::Kind::kEndpoint:
      return "openai:" + setting.place + (setting.model.empty() ? "" : "#" + setting.model);
    case EmbedderSetting::Kind::kNone: break;
  }
  return "none";
}

Result<std::shared_ptr<Embedder>> make_embedder(const EmbedderSetting& setting, const EmbedderMakings& makings) {
  if (setting.kind == EmbedderSetting::Kind::kStatic) {
    auto opened = StaticEmbedder::open(*makings.disk, setting.place);
    if (!opened) return opened.error();
    return std::shared_ptr<Embedder>(*std::move(opened));
  }
  if (makings.http == nullptr) return Error{Code::kUnavailable, "this process does not use the network", {}};
  EndpointOptions options;
  options.url = setting.place;
  options.model = setting.model;
  options.key = makings.key;
  return std::shared_ptr<Embedder>(std::make_shared<EndpointEmbedder>(*makings.http, std::move(options)));
}

}  // namespace chronos
