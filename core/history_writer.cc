// A commit record is a batch that was given its numbers: what it was given goes, and the store gives it new ones.  Time
// and the seed of ids it asks its clock and its random source for; they say what was true then.
#include "core/history_writer.h"

#include <cstring>
#include <utility>

#include "core/backup.h"
#include "core/batch.h"
#include "core/event.h"
#include "core/log_format.h"

namespace chronos {
namespace {

constexpr uint64_t kMostInFlight = uint64_t{4} << 20;

// Its conditions held when it was appended: they stay in the record and are not looked at again.
Batch batch_of(const std::string& fork, const char* record) {
  const Commit commit(record);
  Batch batch;
  batch.head.fork = fork;
  batch.head.principal = local_principal(std::string(commit.actor()));
  batch.head.request_id = commit.request_id();
  batch.head.durability = Durability::kOs;
  batch.length = record_length(commit.header());
  batch.memory = std::make_unique_for_overwrite<char[]>(batch.length + kSimdPadding);
  std::memcpy(batch.memory.get(), record, batch.length);
  const size_t before_body = sizeof(RecordHeader) + commit.header().head_size;
  batch.body_hash = hash_bytes({record + before_body, sizeof(RecordHeader) + commit.header().size - before_body});
  const char* at = commit.events().data();
  for (uint32_t i = 0; i < commit.event_count(); i++) {
    const Event event(at);
    batch.keys.push_back({hash_bytes(event.stream()), hash_bytes(event.type()), static_cast<uint32_t>(at - record)});
    at += event.head().size;
  }
  return batch;
}

}  // namespace

Result<std::unique_ptr<HistoryWriter>> HistoryWriter::create(const StoreOptions& options, Timestamp created_at) {
  if (auto empty = require_empty(*options.disk, options.directory); !empty) return empty.error();
  std::unique_ptr<HistoryWriter> writer(new HistoryWriter(*options.random));
  writer->clock_.set(created_at);
  StoreOptions own = options;
  own.clock = &writer->clock_;
  own.random = &writer->random_;
  own.allow_os_durability = true;
  auto store = Store::open(own);
  if (!store) return store.error();
  writer->store_ = *std::move(store);
  return writer;
}

Result<Position> HistoryWriter::append(const std::string& fork, const char* record) {
  const Commit commit(record);
  clock_.set(commit.recorded_at());
  random_.set(commit.head().id_seed);
  auto staged = store_->stage(batch_of(fork, record));
  if (!staged) return staged.error();
  if (!staged->outcome.appended || staged->outcome.appended->replayed) {
    return Error{Code::kInternal,
                 "the batch at position " + std::to_string(commit.first_position().value) + " of fork '" + fork +
                     "' is twice in the history; this should not be, report it",
                 {}};
  }
  staged_ = staged->ticket;
  if (store_->bytes_in_flight() > kMostInFlight) {
    if (auto settled = settle(); !settled) return settled.error();
  }
  return staged->outcome.appended->first_position;
}

Result<void> HistoryWriter::create_fork(const PastFork& fork) {
  if (auto settled = settle(); !settled) return settled;
  clock_.set(fork.created_at);
  NewFork wanted;
  wanted.name = fork.name;
  wanted.from.fork = fork.parent;
  wanted.from.position = fork.position;
  wanted.purpose = fork.purpose;
  wanted.principal = local_principal(fork.actor);
  if (fork.expires_at) {
    wanted.ttl_seconds = static_cast<uint64_t>((fork.expires_at->value - fork.created_at.value + 999'999) / 1'000'000);
  }
  auto made = store_->create_fork(wanted);
  return made ? Result<void>() : made.error();
}

Result<void> HistoryWriter::protect_main(std::string_view actor) {
  if (auto settled = settle(); !settled) return settled;
  return store_->protect_main(true, local_principal(std::string(actor)));
}

Result<void> HistoryWriter::change_settings(const std::map<std::string, std::string>& settings,
                                           std::string_view actor) {
  if (auto settled = settle(); !settled) return settled;
  for (const auto& [name, value] : settings) {
    if (auto done = store_->change_setting(name, value, local_principal(std::string(actor))); !done) return done;
  }
  return {};
}

Result<void> HistoryWriter::finish() {
  if (auto settled = settle(); !settled) return settled;
  auto sealed = store_->seal();
  store_.reset();
  return sealed;
}

Result<void> HistoryWriter::settle() { return store_->settle(staged_); }

}  // namespace chronos
