#include "mcp/issuer_keys.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "mcp/http_gate.h"
#include "mcp/outgoing_http.h"
#include "mcp/strict_json.h"

namespace chronos {
namespace {

constexpr std::chrono::milliseconds kFetchTime{5'000};

bool is_url(std::string_view text) { return text.starts_with("https://") || text.starts_with("http://"); }

// Whoever can change what is on the way could sign tokens of their own.
Result<void> check_place(std::string_view text) {
  const auto url = parse_http_url(text);
  if (!url) return url.error();
  if (!url->is_secure && !is_loopback_name(url->host)) {
    return Error{Code::kInvalidArgument, "'" + std::string(text) + "' must be https, since keys come from there", ""};
  }
  return {};
}

// A document, in bounded time and memory whatever the other end does.
Result<std::string> fetch_from(const std::string& place, const std::stop_token& stop) {
  if (auto checked = check_place(place); !checked) return checked.error();
  HttpRequest request;
  request.url = place;
  request.headers = {{"Accept", "application/json"}};
  request.timeout = kFetchTime;
  request.max_response_bytes = KeySet::kMostBytes;
  auto answer = OutgoingHttp::get(request, stop);
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  return Error{Code::kUnavailable, "'" + place + "' answers with status " + std::to_string(answer->status), ""};
}

// Where an issuer's metadata may be, most usual first.
std::vector<std::string> metadata_places(std::string issuer) {
  if (issuer.ends_with('/')) issuer.pop_back();
  const size_t path_at = std::min(issuer.find('/', issuer.find("://") + 3), issuer.size());
  const std::string origin = issuer.substr(0, path_at);
  const std::string path = issuer.substr(path_at);
  return {issuer + "/.well-known/openid-configuration", origin + "/.well-known/oauth-authorization-server" + path};
}

}  // namespace

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::open(Options options, Disk& disk) {
  if (is_url(options.keys)) {
    if (auto checked = check_place(options.keys); !checked) return checked.error();
  } else if (options.keys.empty()) {
    if (auto checked = check_place(options.issuer); !checked) return checked.error();
  }
  std::unique_ptr<IssuerKeys> keys(new IssuerKeys(std::move(options), disk));
  if (keys->is_file()) {
    keys->fetch_and_keep();
    if (keys->keys_ == nullptr) return Error{Code::kInvalidArgument, keys->failure_, ""};
  }
  keys->thread_ = std::thread([&made = *keys] { made.run(); });
  return keys;
}

IssuerKeys::IssuerKeys(Options options, Disk& disk) : options_(std::move(options)), disk_(disk) {}

IssuerKeys::~IssuerKeys() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool IssuerKeys::is_file() const { return !options_.keys.empty() && !is_url(options_.keys); }

std::string IssuerKeys::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::shared_ptr<const KeySet> IssuerKeys::keys_for(std::string_view id) {
  std::unique_lock lock(mutex_);
  if (keys_ != nullptr && keys_->has(id)) return keys_;
  const auto now = std::chrono::steady_clock::now();
  if (keys_ != nullptr && now < may_fetch_at_) return keys_;
  may_fetch_at_ = now + options_.least_pause;
  is_wanted_ = true;
  const uint64_t before = fetches_;
  changed_.notify_all();
  changed_.wait_for(lock, options_.patience, [&] { return fetches_ != before || stop_.stop_requested(); });
  return keys_;
}

void IssuerKeys::run() {
  bool is_read = is_file();  // by open()
  while (!stop_.stop_requested()) {
    if (!is_read) fetch_and_keep();
    is_read = false;
    std::unique_lock lock(mutex_);
    const auto pause = keys_ == nullptr ? options_.retry : is_file() ? options_.refresh_file : options_.refresh;
    changed_.wait_for(lock, pause, [this] { return is_wanted_ || stop_.stop_requested(); });
  }
}

void IssuerKeys::fetch_and_keep() {
  {
    const std::lock_guard lock(mutex_);
    is_wanted_ = false;
  }
  const auto text = fetch();
  auto set = text ? KeySet::parse(*text) : Result<KeySet>(text.error());
  const std::lock_guard lock(mutex_);
  failure_ = set ? "" : "the keys of '" + options_.issuer + "' cannot be had: " + set.error().message;
  if (set) keys_ = std::make_shared<const KeySet>(*std::move(set));
  fetches_++;
  changed_.notify_all();
}

Result<std::string> IssuerKeys::fetch() {
  if (is_file()) return read_file();
  if (options_.keys.empty()) return fetch_by_metadata();
  return fetch_from(options_.keys, stop_.get_token());
}

Result<std::string> IssuerKeys::fetch_by_metadata() {
  Error error{Code::kUnavailable, "no metadata", ""};
  for (const std::string& place : metadata_places(options_.issuer)) {
    const auto text = fetch_from(place, stop_.get_token());
    if (!text) {
      error = text.error();
      continue;
    }
    const auto json = read_strict_json(*text);
    if (!json || !json->is_object() || json->value("issuer", nlohmann::json()) != options_.issuer) {
      error = {Code::kUnavailable, "the metadata at '" + place + "' are not those of '" + options_.issuer + "'", ""};
      continue;
    }
    const auto where = json->value("jwks_uri", nlohmann::json());
    if (where.is_string()) return fetch_from(where.get<std::string>(), stop_.get_token());
    error = {Code::kUnavailable, "the metadata at '" + place + "' name no place of keys", ""};
  }
  return error;
}

Result<std::string> IssuerKeys::read_file() const {
  auto file = disk_.open(options_.keys, OpenMode::kRead);
  if (!file) return file.error();
  std::string text(KeySet::kMostBytes + 1, '\0');
  const auto got = (*file)->read(0, text.data(), text.size());
  if (!got) return got.error();
  text.resize(*got);
  return text;
}

}  // namespace chronos
