// The keys of an issuer, kept fresh by a thread of their own: from a file, from a URL, or from where the issuer's
// metadata (OpenID Connect Discovery, RFC 8414) say they are.
//
// An issuer that does not answer, or answers nonsense, changes nothing: the keys that were there stay.
// Safe to call from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "core/disk.h"
#include "core/result.h"
#include "mcp/json_web_key.h"

namespace chronos {

class IssuerKeys {
 public:
  struct Options {
    std::string issuer;
    std::string keys;  // a file or a URL; empty: as the metadata say
    std::chrono::milliseconds refresh{600'000};     // of what comes from a URL
    std::chrono::milliseconds refresh_file{2'000};  // of a file
    std::chrono::milliseconds retry{5'000};         // when there are no keys yet
    std::chrono::milliseconds least_pause{30'000};  // between two fetches because of an unknown key
    std::chrono::milliseconds patience{3'000};      // a caller waits so long for keys
  };
  // kInvalidArgument for an issuer or keys that are no address; plain HTTP only to this machine.  With a file it must
  // be readable now; with a URL the first keys come later.  Requires: the disk outlives it.
  static Result<std::unique_ptr<IssuerKeys>> open(Options options, Disk& disk);
  ~IssuerKeys();
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  // The newest keys.  When none of them has this id ("" is any), they are fetched once more, unless that was done just
  // now, and waited for a little.  Null when there never were any.
  std::shared_ptr<const KeySet> keys_for(std::string_view id);
  // Why the last fetch failed; empty when it did not.
  std::string failure() const;

 private:
  IssuerKeys(Options options, Disk& disk);
  bool is_file() const;
  Result<std::string> fetch();
  Result<std::string> fetch_by_metadata();
  Result<std::string> read_file() const;
  void fetch_and_keep();
  void run();

  const Options options_;
  Disk& disk_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::shared_ptr<const KeySet> keys_;
  std::string failure_;
  uint64_t fetches_ = 0;  // that are over
  bool is_wanted_ = false;
  std::chrono::steady_clock::time_point may_fetch_at_;  // for an unknown key
  std::thread thread_;
};

}  // namespace chronos
