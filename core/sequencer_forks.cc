// Making and discarding forks: one record each.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/check.h"
#include "core/replay_match.h"
#include "core/sequencer.h"

namespace chronos {
namespace {

constexpr size_t kForkNameBytes = 64;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message), {}}; }

// So that fork@position reads the same in a URI, a shell and a sentence.
Result<void> check_fork_name(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!name.empty() && name.size() <= kForkNameBytes && plain &&
      std::isalnum(static_cast<unsigned char>(name[0])) != 0) {
    return {};
  }
  return invalid("fork name '" + std::string(name.substr(0, kForkNameBytes)) +
                 "' is not usable; give 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit");
}

// What was asked, for comparison with a repeated request.
std::string request_text(const NewFork& wanted) {
  std::string text = wanted.name + '\n' + wanted.from.fork + '\n';
  if (wanted.from.position) text += "p" + std::to_string(wanted.from.position->value);
  if (wanted.from.time) text += "t" + std::to_string(wanted.from.time->value);
  text += '\n' + wanted.purpose + '\n';
  if (wanted.ttl_seconds) text += std::to_string(*wanted.ttl_seconds);
  return text;
}

}  // namespace

Lsn Sequencer::stage_change(const Change& change, std::shared_ptr<Fork> fork, Pending::Then then, Timestamp now) {
  const ControlRecord encoded = encode_change(change, now);
  char* const record = change_records_.allocate(encoded.bytes.size(), kSimdPadding);
  std::memcpy(record, encoded.bytes.data(), encoded.bytes.size());
  staged_.value++;
  seal_record(record, {staged_, durable_}, encoded.body_hash);
  Pending pending;
  pending.record = {record, encoded.bytes.size()};
  pending.fork = std::move(fork);
  pending.then = then;
  pending_.push_back(std::move(pending));
  bytes_in_flight_.fetch_add(encoded.bytes.size(), std::memory_order_relaxed);
  if (const auto* made = std::get_if<ForkCreated>(&change); made != nullptr && !made->request_id.empty()) {
    remember_request(made->request_id, record);
  }
  return staged_;
}

Result<Lsn> Sequencer::create_fork(const NewFork& wanted, std::shared_ptr<Fork>& made) {
  if (auto ok = check_fork_name(wanted.name); !ok) return ok.error();
  if (!wanted.request_id.empty()) {
    if (auto ok = check_name("request_id", wanted.request_id, Limits{}.id_bytes); !ok) return ok.error();
  }
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  const std::string request = request_text(wanted);
  if (const char* before = wanted.request_id.empty() ? nullptr : find_request(wanted.request_id)) {
    return repeated_fork(before, wanted, request, made);
  }
  if (env_.forks.name_taken(wanted.name)) {
    return invalid("fork name '" + wanted.name + "' is taken, now or by a fork that was discarded; choose another");
  }
  const std::shared_ptr<Fork> parent = env_.forks.find(wanted.from.fork);
  if (parent == nullptr || env_.forks.is_closed(parent->id)) {
    return Error{
        Code::kNotFound, "fork '" + wanted.from.fork + "' does not exist; known: " + env_.forks.known_names(), {}};
  }
  const View view = ForkTable::view(*parent);
  Position point = view.head();
  if (wanted.from.position) point = *wanted.from.position;
  if (wanted.from.time) point = view.position_at(*wanted.from.time);
  if (point > view.head()) {
    return invalid("position " + std::to_string(point.value) + " is past the head of fork '" + wanted.from.fork +
                   "', which is at " + std::to_string(view.head().value) + "; fork at a position up to that");
  }
  const Timestamp now = next_time();
  std::optional<Timestamp> expires;
  if (wanted.ttl_seconds) expires = Timestamp{now.value + static_cast<int64_t>(*wanted.ttl_seconds) * 1'000'000};
  made = env_.forks.add({wanted.name, parent->id, point, now, expires, wanted.purpose});
  const ForkCreated change{made->id,     parent->id,        point,  expires, wanted.name, wanted.purpose,
                           wanted.actor, wanted.request_id, request};
  return stage_change(change, made, Pending::Then::kShow, now);
}

Result<Lsn> Sequencer::repeated_fork(const char* record, const NewFork& wanted, const std::string& request,
                                     std::shared_ptr<Fork>& made) const {
  const LogRecord before = record_at(record);
  if (before.kind == RecordKind::kControl) {
    const auto decoded = decode_change(before);
    CHECK(decoded.has_value());
    const auto& change = std::get<ForkCreated>(decoded->change);
    if (change.request == request) {
      made = env_.forks.by_id(change.fork);
      if (made != nullptr) return before.lsn;
      return Error{Code::kNotFound, "fork '" + change.name + "' was created by this request and discarded since", {}};
    }
  }
  return Error{Code::kIdReused,
               "request_id '" + wanted.request_id +
                   "' was used before for another request; use a new request_id for a new request",
               {}};
}

Result<Lsn> Sequencer::discard_fork(std::string_view name, std::string_view reason, std::string_view actor,
                                    Timestamp& when) {
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  const std::shared_ptr<Fork> fork = env_.forks.find(name);
  if (fork == nullptr || env_.forks.is_closed(fork->id)) {
    return Error{
        Code::kNotFound, "fork '" + std::string(name) + "' does not exist; known: " + env_.forks.known_names(), {}};
  }
  if (fork->id == kMainFork) return invalid("main cannot be discarded; discard a fork");
  if (env_.forks.has_children(fork->id)) {
    return Error{Code::kConflict, "fork '" + std::string(name) + "' has forks of its own; discard those first", {}};
  }
  when = next_time();
  env_.forks.close(fork->id);
  return stage_change(ForkDiscarded{fork->id, std::string(reason), std::string(actor)}, fork, Pending::Then::kHide,
                      when);
}

}  // namespace chronos
