// RocksDB: one batch of writes a commit, its log synced (durable) or not.  Three kinds of key in one space: events by
// position, positions by stream and version, types.  LZ4 above, Zstandard in the last level; bloom filters.
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <filesystem>

#include "bench/measure.h"
#include "bench/peers/frame.h"
#include "bench/peers/packed.h"

namespace chronos::bench {
namespace {

void check(const rocksdb::Status& status) {
  if (!status.ok()) die(status.ToString());
}

std::unique_ptr<rocksdb::DB> open_database(const std::string& directory) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.IncreaseParallelism(2);
  options.write_buffer_size = size_t{64} << 20;
  options.max_write_buffer_number = 4;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{1} << 30);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = size_t{16} << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* database = nullptr;
  check(rocksdb::DB::Open(options, directory, &database));
  return std::unique_ptr<rocksdb::DB>(database);
}

void event_key(std::string& key, uint64_t position) {
  key.assign("E");
  append_sorted(key, position);
}
void stream_key(std::string& key, std::string_view stream) { key.assign("S").append(stream).push_back('\0'); }

class RocksProducer : public PeerProducer {
 public:
  RocksProducer(rocksdb::DB& database, bool durable) : database_(database) { options_.sync = durable; }

  void append(std::span<const PeerEvent> events) override {
    batch_.Clear();
    for (const PeerEvent& event : events) {
      event_key(key_, event.position);
      pack(event, value_);
      check(batch_.Put(key_, value_));
      stream_key(key_, event.stream);
      append_sorted(key_, event.version);
      value_.assign(reinterpret_cast<const char*>(&event.position), sizeof event.position);
      check(batch_.Put(key_, value_));
      key_.assign("T").append(event.type).push_back('\0');
      append_sorted(key_, event.position);
      check(batch_.Put(key_, rocksdb::Slice()));
    }
    check(database_.Write(options_, &batch_));
  }

 private:
  rocksdb::DB& database_;
  rocksdb::WriteOptions options_;
  rocksdb::WriteBatch batch_;
  std::string key_, value_;
};

class RocksReads : public PeerReads {
 public:
  explicit RocksReads(rocksdb::DB& database) : database_(database) {}

  void point(uint64_t position, Copies& to) override { copy(event_at(position), to); }
  void last(const std::string& stream, Copies& to) override {
    const std::unique_ptr<rocksdb::Iterator> at(database_.NewIterator(options_));
    stream_key(prefix_, stream);
    append_sorted(prefix_, UINT32_MAX);
    at->SeekForPrev(prefix_);
    if (!at->Valid()) die("the last of a stream is not there");
    copy(event_at(position_in(at->value())), to);
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
  static uint64_t position_in(const rocksdb::Slice& value) {
    uint64_t position = 0;
    std::memcpy(&position, value.data(), sizeof position);
    return position;
  }
  Unpacked event_at(uint64_t position) {
    event_key(key_, position);
    value_.Reset();
    check(database_.Get(options_, database_.DefaultColumnFamily(), key_, &value_));
    return unpack(value_.ToStringView());
  }
  template <typename Visit>
  void scan(const std::string& stream, Visit visit) {
    const std::unique_ptr<rocksdb::Iterator> at(database_.NewIterator(options_));
    stream_key(prefix_, stream);
    for (at->Seek(prefix_); at->Valid() && at->key().starts_with(prefix_); at->Next()) {
      if (!visit(event_at(position_in(at->value())))) break;
    }
  }

  rocksdb::DB& database_;
  rocksdb::ReadOptions options_;
  rocksdb::PinnableSlice value_;
  std::string key_, prefix_;
};

class RocksPeer : public Peer {
 public:
  explicit RocksPeer(const PeerSetting& setting) : directory_(setting.directory + "/rocksdb") {}
  ~RocksPeer() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  bool start(const Start& start) override {
    durable_ = start.durable;
    database_.reset();
    std::filesystem::remove_all(directory_);
    database_ = open_database(directory_);
    return true;
  }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<RocksProducer>(*database_, durable_); }
  uint64_t compact() override {
    check(database_->Flush({}));
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    check(database_->CompactRange(options, nullptr, nullptr));
    database_.reset();
    database_ = open_database(directory_);
    return disk_bytes(directory_);
  }
  std::optional<uint64_t> reopen() override {
    database_.reset();
    const uint64_t start = now_ns();
    database_ = open_database(directory_);
    Copies copies;
    RocksReads(*database_).point(1, copies);
    return now_ns() - start;
  }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<RocksReads>(*database_); }

 private:
  std::string directory_;
  bool durable_ = true;
  std::unique_ptr<rocksdb::DB> database_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_rocksdb",
                  [](const PeerSetting& setting) { return std::make_unique<RocksPeer>(setting); });
}
