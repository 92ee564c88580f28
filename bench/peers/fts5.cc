// SQLite FTS5: a contentless table, stemmed (porter), bm25() with its own k1 1.2 and b 0.75.  It has the places of
// words, since without them and without the texts it scores nothing.
#include <sqlite3.h>

#include "bench/measure.h"
#include "bench/peers/search_frame.h"

namespace chronos::bench {
namespace {

constexpr size_t kBatch = 10'000;

class Fts5 : public SearchPeer {
 public:
  explicit Fts5(const std::string& directory) : file_(directory + "/messages.db") {}
  ~Fts5() override {
    sqlite3_finalize(search_);
    sqlite3_close_v2(handle_);
  }

  void index(const SearchWorkload& workload) override {
    connect();
    run("CREATE VIRTUAL TABLE messages USING fts5(words, content='', tokenize='porter unicode61')");
    sqlite3_stmt* const insert = prepare("INSERT INTO messages(rowid, words) VALUES(?,?)");
    for (size_t i = 0; i < workload.events(); i++) {
      if (i % kBatch == 0) run("BEGIN");
      const std::string words = workload.message(i).all();
      sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(i + 1));
      sqlite3_bind_text(insert, 2, words.data(), static_cast<int>(words.size()), SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE) die(sqlite3_errmsg(handle_));
      sqlite3_reset(insert);
      if ((i + 1) % kBatch == 0 || i + 1 == workload.events()) run("COMMIT");
    }
    sqlite3_finalize(insert);
  }

  void compact() override {
    run("INSERT INTO messages(messages) VALUES('optimize')");
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    run("VACUUM");
    run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  void open() override {
    connect();
    search_ = prepare("SELECT rowid FROM messages WHERE messages MATCH ? ORDER BY rank LIMIT 10");
  }

  std::vector<uint64_t> best(const std::string& query) override {
    std::string any;
    for (const char c : query) any += c == ' ' ? std::string(" OR ") : std::string(1, c);
    std::vector<uint64_t> found;
    sqlite3_bind_text(search_, 1, any.data(), static_cast<int>(any.size()), SQLITE_STATIC);
    while (sqlite3_step(search_) == SQLITE_ROW) {
      found.push_back(static_cast<uint64_t>(sqlite3_column_int64(search_, 0)));
    }
    sqlite3_reset(search_);
    return found;
  }

 private:
  void connect() {
    if (sqlite3_open(file_.c_str(), &handle_) != SQLITE_OK) die("cannot open " + file_);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=NORMAL");
    run("PRAGMA cache_size=-262144");
    run("PRAGMA mmap_size=4294967296");
    run("PRAGMA temp_store=MEMORY");
  }
  void run(const char* text) {
    if (sqlite3_exec(handle_, text, nullptr, nullptr, nullptr) != SQLITE_OK) die(sqlite3_errmsg(handle_));
  }
  sqlite3_stmt* prepare(const char* text) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(handle_));
    }
    return statement;
  }

  const std::string file_;
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* search_ = nullptr;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_search_peer(argc, argv, "peer_fts5",
                         [](const std::string& directory) { return std::make_unique<Fts5>(directory); });
}
