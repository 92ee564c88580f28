// LMDB: three tables in one environment - events by position, positions by stream and version, types.  Durable is its
// default, a sync at every commit; not durable is MDB_NOSYNC.  One writer at a time, by its own lock.
#include <lmdb.h>

#include <filesystem>

#include "bench/measure.h"
#include "bench/peers/frame.h"
#include "bench/peers/packed.h"

namespace chronos::bench {
namespace {

void check(int result, const char* what) {
  if (result != 0) die(std::string(what) + ": " + mdb_strerror(result));
}

MDB_val value_of(const std::string& bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

// What the keys of a stream begin with.
void stream_key(std::string& key, std::string_view stream, uint32_t version) {
  key.assign(stream).push_back('\0');
  append_sorted(key, version);
}

class Environment {
 public:
  Environment(const std::string& directory, bool durable) {
    check(mdb_env_create(&handle), "create");
    check(mdb_env_set_maxdbs(handle, 4), "maxdbs");
    check(mdb_env_set_mapsize(handle, size_t{64} << 30), "mapsize");
    check(mdb_env_open(handle, directory.c_str(), durable ? 0u : unsigned{MDB_NOSYNC}, 0600), "open");
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(handle, nullptr, 0, &transaction), "begin");
    check(mdb_dbi_open(transaction, "events", MDB_CREATE | MDB_INTEGERKEY, &events), "table");
    check(mdb_dbi_open(transaction, "streams", MDB_CREATE, &streams), "table");
    check(mdb_dbi_open(transaction, "types", MDB_CREATE, &types), "table");
    check(mdb_txn_commit(transaction), "commit");
  }
  ~Environment() { mdb_env_close(handle); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  MDB_env* handle = nullptr;
  MDB_dbi events{}, streams{}, types{};
};

class LmdbProducer : public PeerProducer {
 public:
  LmdbProducer(Environment& environment, bool is_alone)
      : environment_(environment), events_flags_(is_alone ? unsigned{MDB_APPEND} : 0u) {}

  void append(std::span<const PeerEvent> events) override {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_.handle, nullptr, 0, &transaction), "begin");
    for (const PeerEvent& event : events) put(transaction, event);
    check(mdb_txn_commit(transaction), "commit");
  }

 private:
  void put(MDB_txn* transaction, const PeerEvent& event) {
    uint64_t position = event.position;
    MDB_val position_value{sizeof position, &position};
    pack(event, value_);
    MDB_val value = value_of(value_);
    check(mdb_put(transaction, environment_.events, &position_value, &value, events_flags_), "put");
    stream_key(key_, event.stream, event.version);
    MDB_val key = value_of(key_);
    check(mdb_put(transaction, environment_.streams, &key, &position_value, MDB_NOOVERWRITE), "put");
    key_.assign(event.type).push_back('\0');
    append_sorted(key_, position);
    key = value_of(key_);
    MDB_val nothing{0, nullptr};
    check(mdb_put(transaction, environment_.types, &key, &nothing, 0), "put");
  }

  Environment& environment_;
  unsigned events_flags_;
  std::string key_, value_;
};

// Each read is a read transaction of its own, renewed as the documentation advises.
class LmdbReads : public PeerReads {
 public:
  explicit LmdbReads(Environment& environment) : environment_(environment) {
    check(mdb_txn_begin(environment_.handle, nullptr, MDB_RDONLY, &transaction_), "begin");
    check(mdb_cursor_open(transaction_, environment_.streams, &cursor_), "cursor");
    mdb_txn_reset(transaction_);
  }
  ~LmdbReads() override {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(transaction_);
  }
  LmdbReads(const LmdbReads&) = delete;
  LmdbReads& operator=(const LmdbReads&) = delete;

  void point(uint64_t position, Copies& to) override {
    renew();
    copy(event_at(position), to);
    mdb_txn_reset(transaction_);
  }
  void last(const std::string& stream, Copies& to) override {
    renew();
    stream_key(key_, stream, UINT32_MAX);
    MDB_val key = value_of(key_);
    MDB_val value;
    const int result = mdb_cursor_get(cursor_, &key, &value, MDB_SET_RANGE);
    check(mdb_cursor_get(cursor_, &key, &value, result == 0 ? MDB_PREV : MDB_LAST), "previous");
    copy(event_at(position_in(value)), to);
    mdb_txn_reset(transaction_);
  }
  void whole(const std::string& stream, Copies& to) override {
    scan(stream, [&](const Unpacked& event) {
      copy(event, to);
      return true;
    });
  }
  void as_of(const std::string& stream, uint64_t time_us, StateFold& to) override {
    scan(stream, [&](const Unpacked& event) {
      if (event.time_us > time_us) return false;
      to.add(event.data);
      return true;
    });
  }

 private:
  void renew() {
    check(mdb_txn_renew(transaction_), "renew");
    check(mdb_cursor_renew(transaction_, cursor_), "renew");
  }
  static uint64_t position_in(const MDB_val& value) {
    uint64_t position = 0;
    std::memcpy(&position, value.mv_data, sizeof position);
    return position;
  }
  Unpacked event_at(uint64_t position) {
    MDB_val key{sizeof position, &position};
    MDB_val value;
    check(mdb_get(transaction_, environment_.events, &key, &value), "get");
    return unpack(view_of(value));
  }
  template <typename Visit>
  void scan(const std::string& stream, Visit visit) {
    renew();
    stream_key(key_, stream, 0);
    const std::string_view prefix(key_.data(), stream.size() + 1);
    MDB_val key = value_of(key_);
    MDB_val value;
    int result = mdb_cursor_get(cursor_, &key, &value, MDB_SET_RANGE);
    while (result == 0 && view_of(key).starts_with(prefix) && visit(event_at(position_in(value)))) {
      result = mdb_cursor_get(cursor_, &key, &value, MDB_NEXT);
    }
    mdb_txn_reset(transaction_);
  }

  Environment& environment_;
  MDB_txn* transaction_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  std::string key_;
};

class LmdbPeer : public Peer {
 public:
  explicit LmdbPeer(const PeerSetting& setting) : directory_(setting.directory + "/lmdb") {}
  ~LmdbPeer() override {
    environment_.reset();
    std::filesystem::remove_all(directory_);
  }

  bool start(const Start& start) override {
    is_alone_ = start.producers == 1;
    environment_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    environment_.emplace(directory_, start.durable);
    return true;
  }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<LmdbProducer>(*environment_, is_alone_); }
  // A copy without free pages takes the place of the original.
  uint64_t compact() override {
    check(mdb_env_sync(environment_->handle, 1), "sync");
    std::filesystem::create_directories(directory_ + "-copy");
    check(mdb_env_copy2(environment_->handle, (directory_ + "-copy").c_str(), MDB_CP_COMPACT), "copy");
    environment_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(directory_ + "-copy", directory_);
    environment_.emplace(directory_, false);
    return disk_bytes(directory_);
  }
  std::optional<uint64_t> reopen() override {
    environment_.reset();
    const uint64_t start = now_ns();
    environment_.emplace(directory_, false);
    Copies copies;
    LmdbReads(*environment_).point(1, copies);
    return now_ns() - start;
  }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<LmdbReads>(*environment_); }

 private:
  std::string directory_;
  bool is_alone_ = true;
  std::optional<Environment> environment_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_lmdb",
                  [](const PeerSetting& setting) { return std::make_unique<LmdbPeer>(setting); });
}
