// SQLite: one table, WAL, synchronous=FULL (durable: the WAL is synced at every commit) or NORMAL (not).
//
// A database has one writer at a time.  Producers take turns by a mutex: SQLite's own way, to sleep and try again,
// is slower at every batch.
#include <sqlite3.h>

#include <filesystem>
#include <mutex>

#include "bench/measure.h"
#include "bench/peers/frame.h"

namespace chronos::bench {
namespace {

class Database {
 public:
  Database(const std::string& file, bool durable) {
    if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK) die("cannot open " + file);
    run("PRAGMA journal_mode=WAL");
    run(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    run("PRAGMA cache_size=-262144");
    run("PRAGMA mmap_size=4294967296");
    run("PRAGMA temp_store=MEMORY");
  }
  ~Database() { sqlite3_close_v2(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* text) {
    if (sqlite3_exec(handle_, text, nullptr, nullptr, nullptr) != SQLITE_OK) die(message());
  }
  sqlite3_stmt* prepare(const char* text) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      die(message());
    }
    return statement;
  }
  std::string message() const { return sqlite3_errmsg(handle_); }

 private:
  sqlite3* handle_ = nullptr;
};

// A prepared statement, finalised with its owner.
class Statement {
 public:
  Statement(Database& database, const char* text) : database_(database), handle_(database.prepare(text)) {}
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void text(int at, std::string_view value) {
    sqlite3_bind_text(handle_, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }
  void number(int at, uint64_t value) { sqlite3_bind_int64(handle_, at, static_cast<sqlite3_int64>(value)); }
  bool step() {
    const int result = sqlite3_step(handle_);
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) die(database_.message());
    sqlite3_reset(handle_);
    return false;
  }
  void run() {
    while (step()) {
    }
  }
  std::string_view text(int column) const {
    const auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return {begin, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
  }
  uint64_t number(int column) const { return static_cast<uint64_t>(sqlite3_column_int64(handle_, column)); }

 private:
  Database& database_;
  sqlite3_stmt* handle_;
};

class SqliteProducer : public PeerProducer {
 public:
  SqliteProducer(const std::string& file, bool durable, std::mutex& turn)
      : turn_(turn),
        database_(file, durable),
        begin_(database_, "BEGIN IMMEDIATE"),
        insert_(database_, "INSERT INTO events(position,stream,version,type,time,data,metadata) VALUES(?,?,?,?,?,?,?)"),
        commit_(database_, "COMMIT") {}

  void append(std::span<const PeerEvent> events) override {
    const std::lock_guard lock(turn_);
    begin_.run();
    for (const PeerEvent& event : events) {
      insert_.number(1, event.position);
      insert_.text(2, event.stream);
      insert_.number(3, event.version);
      insert_.text(4, event.type);
      insert_.number(5, event.time_us);
      insert_.text(6, event.data);
      insert_.text(7, event.metadata);
      insert_.run();
    }
    commit_.run();
  }

 private:
  std::mutex& turn_;
  Database database_;
  Statement begin_, insert_, commit_;
};

class SqliteReads : public PeerReads {
 public:
  explicit SqliteReads(const std::string& file)
      : database_(file, false),
        point_(database_, "SELECT stream,version,type,time,data,metadata FROM events WHERE position=?"),
        last_(database_,
              "SELECT stream,version,type,time,data,metadata FROM events WHERE stream=? ORDER BY version DESC LIMIT 1"),
        whole_(database_, "SELECT stream,version,type,time,data,metadata FROM events WHERE stream=? ORDER BY version"),
        as_of_(database_, "SELECT data FROM events WHERE stream=? AND time<=? ORDER BY version") {}

  void point(uint64_t position, Copies& to) override {
    point_.number(1, position);
    copy(point_, to);
  }
  void last(const std::string& stream, Copies& to) override {
    last_.text(1, stream);
    copy(last_, to);
  }
  void whole(const std::string& stream, Copies& to) override {
    whole_.text(1, stream);
    copy(whole_, to);
  }
  void as_of(const std::string& stream, uint64_t time_us, StateFold& to) override {
    as_of_.text(1, stream);
    as_of_.number(2, time_us);
    while (as_of_.step()) to.add(as_of_.text(0));
  }

 private:
  static void copy(Statement& rows, Copies& to) {
    while (rows.step()) {
      to.add({rows.text(0), rows.text(2), rows.text(4), rows.text(5)}, {rows.number(1), rows.number(3)});
    }
  }

  Database database_;
  Statement point_, last_, whole_, as_of_;
};

class SqlitePeer : public Peer {
 public:
  explicit SqlitePeer(const PeerSetting& setting) : file_(setting.directory + "/events.sqlite") {}
  ~SqlitePeer() override { remove(); }

  bool start(const Start& start) override {
    remove();
    durable_ = start.durable;
    Database database(file_, durable_);
    database.run(
        "CREATE TABLE events(position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL,"
        " type TEXT NOT NULL, time INTEGER NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL)");
    database.run("CREATE UNIQUE INDEX by_stream ON events(stream,version)");
    database.run("CREATE INDEX by_type ON events(type)");
    return true;
  }
  std::string detail(const Start& start) const override {
    return start.durable ? "synchronous=FULL" : "synchronous=NORMAL";
  }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<SqliteProducer>(file_, durable_, turn_); }
  uint64_t compact() override {
    {
      Database database(file_, false);
      database.run("VACUUM");
      database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    return disk_bytes(file_) + disk_bytes(file_ + "-wal");
  }
  std::optional<uint64_t> reopen() override {
    const uint64_t start = now_ns();
    SqliteReads reads(file_);
    Copies copies;
    reads.point(1, copies);
    return now_ns() - start;
  }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<SqliteReads>(file_); }

 private:
  void remove() {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(file_ + end);
  }

  std::string file_;
  bool durable_ = true;
  std::mutex turn_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_sqlite",
                  [](const PeerSetting& setting) { return std::make_unique<SqlitePeer>(setting); });
}
