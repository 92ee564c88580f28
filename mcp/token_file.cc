#include "mcp/token_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/batch.h"
#include "core/log_format.h"
#include "core/time_text.h"

namespace chronos {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kVersion = 1;
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr size_t kMostNameBytes = 64;
constexpr size_t kMostPrefixBytes = 256;

std::string path_of(const std::string& directory) { return directory + "/tokens"; }

Error damaged(const std::string& what) {
  return Error{Code::kCorrupt,
               "the file of tokens is damaged: " + what +
                   "; delete the file 'tokens' in the data directory and create the tokens anew",
               ""};
}

std::string checksum_text(uint64_t number) {
  std::string hex(16, '0');
  for (size_t i = 16; i-- > 0; number >>= 4) hex[i] = "0123456789abcdef"[number & 15];
  return hex;
}

Json json_of(const Token& token) {
  Json json{{"name", token.principal.name}, {"role", role_name(token.principal.role)}};
  if (!token.principal.streams.empty()) json["streams"] = token.principal.streams;
  if (token.principal.forks_only) json["forks_only"] = true;
  json["sha256"] = hex_of(token.digest);
  json["created_at"] = format_time(token.created_at);
  if (token.expires_at) json["expires_at"] = format_time(*token.expires_at);
  if (token.calls_per_minute) json["calls_per_minute"] = *token.calls_per_minute;
  if (token.max_request_bytes) json["max_request_bytes"] = *token.max_request_bytes;
  return json;
}

// Throws what is no number, or negative, or has a fraction.
uint64_t number_of(const Json& json, const char* name) { return json.at(name).get_ref<const uint64_t&>(); }

// A line that passed the checksum and yet is none of ours throws, or is nullopt.
std::optional<Token> token_of(const Json& json) {
  Token token;
  token.principal.name = json.at("name").get<std::string>();
  const auto role = role_named(json.at("role").get<std::string>());
  const auto digest = digest_of_hex(json.at("sha256").get<std::string>());
  const auto created = parse_time(json.at("created_at").get<std::string>());
  if (!role || !digest || !created) return std::nullopt;
  token.principal.role = *role;
  token.digest = *digest;
  token.created_at = *created;
  if (json.contains("streams")) token.principal.streams = json["streams"].get<std::vector<std::string>>();
  if (json.contains("forks_only")) token.principal.forks_only = json["forks_only"].get<bool>();
  if (json.contains("expires_at")) {
    const auto expires = parse_time(json["expires_at"].get<std::string>());
    if (!expires) return std::nullopt;
    token.expires_at = *expires;
  }
  if (json.contains("calls_per_minute")) {
    const uint64_t calls = number_of(json, "calls_per_minute");
    if (calls == 0 || calls > UINT32_MAX) return std::nullopt;
    token.calls_per_minute = static_cast<uint32_t>(calls);
  }
  if (json.contains("max_request_bytes")) token.max_request_bytes = number_of(json, "max_request_bytes");
  return token;
}

Result<void> replace_file(Disk& disk, const std::string& directory, const std::string& text) {
  const std::string fresh = path_of(directory) + ".new";
  auto left_over = disk.exists(fresh);
  if (!left_over) return left_over.error();
  if (*left_over) {
    if (auto removed = disk.remove(fresh); !removed) return removed;
  }
  {
    auto file = disk.open(fresh, OpenMode::kCreate);
    if (!file) return file.error();
    const std::string_view part = text;
    if (auto written = (*file)->write(0, {&part, 1}); !written) return written;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  if (auto renamed = disk.rename(fresh, path_of(directory)); !renamed) return renamed;
  return disk.sync_directory(directory);
}

// Only one process changes the file at a time; what it read is what it replaces.
Result<void> change_tokens(Disk& disk, const std::string& directory, auto&& change) {
  if (auto made = disk.create_directories(directory); !made) return made;
  const auto lock = disk.lock(path_of(directory) + ".lock");
  if (!lock) {
    return Error{Code::kUnavailable, "another process changes the tokens just now; try again", lock.error().details};
  }
  const auto text = read_token_file(disk, directory);
  if (!text) return text.error();
  std::vector<Token> tokens;
  if (*text) {
    auto parsed = parse_tokens(**text);
    if (!parsed) return parsed.error();
    tokens = *std::move(parsed);
  }
  if (Result<void> changed = change(tokens); !changed) return changed;
  return replace_file(disk, directory, tokens_text(tokens));
}

Result<void> check_name_of(const std::string& name) {
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '@';
  };
  if (name.empty() || name.size() > kMostNameBytes || !std::all_of(name.begin(), name.end(), is_fine)) {
    return Error{Code::kInvalidArgument,
                 "a token's name is 1 to 64 letters, digits, '-', '_', '.' and '@', got '" + name + "'", ""};
  }
  if (name == "local" || name == "store") {
    return Error{Code::kInvalidArgument, "the name '" + name + "' is Chronos's own; give another one", ""};
  }
  return {};
}

Result<void> check_new(const NewToken& wanted) {
  if (auto named = check_name_of(wanted.principal.name); !named) return named;
  for (const std::string& prefix : wanted.principal.streams) {
    if (auto checked = check_name("the prefix of streams", prefix, kMostPrefixBytes); !checked) return checked;
  }
  return {};
}

std::string new_secret(Random& random) {
  std::array<uint64_t, 4> bits;
  for (uint64_t& word : bits) word = random.next();
  return std::string(kTokenPrefix) + base64url({reinterpret_cast<const char*>(bits.data()), sizeof bits});
}

}  // namespace

Result<std::optional<std::string>> read_token_file(Disk& disk, const std::string& directory) {
  auto file = disk.open(path_of(directory), OpenMode::kRead);
  if (!file) {
    if (file.error().code == Code::kNotFound) return std::optional<std::string>();
    return file.error();
  }
  const auto size = (*file)->size();
  if (!size) return size.error();
  if (*size > kMostBytes) return damaged("it is larger than 16 MiB");
  std::string text(*size, '\0');
  const auto got = (*file)->read(0, text.data(), text.size());
  if (!got) return got.error();
  text.resize(*got);
  return std::optional<std::string>(std::move(text));
}

Result<std::vector<Token>> parse_tokens(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return damaged("it has no first line");
  const Json head = Json::parse(text.substr(0, end), nullptr, false);
  text.remove_prefix(end + 1);
  try {
    if (!head.is_object() || head.at("format").get<std::string>() != "chronos tokens") return damaged("no head");
    const uint64_t version = number_of(head, "version");
    if (version < kVersion) return damaged("no version");
    if (version > kVersion) {
      return Error{Code::kInvalidArgument, "the file of tokens is of a newer version of Chronos; use that", ""};
    }
    if (head.at("xxh3").get<std::string>() != checksum_text(hash_bytes(text))) return damaged("the checksum differs");
    std::vector<Token> tokens;
    while (!text.empty()) {
      const size_t line = text.find('\n');
      if (line == std::string_view::npos) return damaged("the last line has no end");
      auto token = token_of(Json::parse(text.substr(0, line)));
      if (!token) return damaged("a line that is no token's");
      tokens.push_back(*std::move(token));
      text.remove_prefix(line + 1);
    }
    return tokens;
  } catch (const std::exception&) {
    return damaged("a line that is no token's");
  }
}

std::string tokens_text(const std::vector<Token>& tokens) {
  std::string lines;
  for (const Token& token : tokens) lines += json_of(token).dump() + '\n';
  const Json head{{"format", "chronos tokens"}, {"version", kVersion}, {"xxh3", checksum_text(hash_bytes(lines))}};
  return head.dump() + '\n' + lines;
}

Result<std::string> create_token(Disk& disk, const std::string& directory, Clock& clock, Random& random,
                                 const NewToken& wanted) {
  if (auto checked = check_new(wanted); !checked) return checked.error();
  std::string secret = new_secret(random);
  const auto add = [&](std::vector<Token>& tokens) -> Result<void> {
    for (const Token& token : tokens) {
      if (token.principal.name != wanted.principal.name) continue;
      return Error{Code::kConflict,
                   "there is a token '" + wanted.principal.name +
                       "' already; revoke it first, or give the new one another name",
                   ""};
    }
    Token token;
    token.principal = wanted.principal;
    token.digest = sha256(secret);
    token.created_at = clock.now();
    if (wanted.lifetime_seconds) {
      token.expires_at = Timestamp{token.created_at.value + static_cast<int64_t>(*wanted.lifetime_seconds) * 1'000'000};
    }
    token.calls_per_minute = wanted.calls_per_minute;
    token.max_request_bytes = wanted.max_request_bytes;
    tokens.push_back(std::move(token));
    return {};
  };
  if (auto changed = change_tokens(disk, directory, add); !changed) return changed.error();
  return secret;
}

Result<void> revoke_token(Disk& disk, const std::string& directory, std::string_view name) {
  return change_tokens(disk, directory, [&](std::vector<Token>& tokens) -> Result<void> {
    const auto found = std::find_if(tokens.begin(), tokens.end(),
                                    [&](const Token& token) { return token.principal.name == name; });
    if (found != tokens.end()) {
      tokens.erase(found);
      return {};
    }
    std::string known;
    for (const Token& token : tokens) known += (known.empty() ? "" : ", ") + token.principal.name;
    return Error{Code::kNotFound,
                 "there is no token '" + std::string(name) + "'; known: " + (known.empty() ? "none" : known), ""};
  });
}

}  // namespace chronos
