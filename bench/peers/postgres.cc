// PostgreSQL through libpq: one table with a primary key on the position, a unique index on stream and version and one
// on the type; data and metadata as jsonb.  A batch of one is a prepared INSERT, a larger one a COPY of its own
// transaction.  Durable is synchronous_commit=on, not durable is off.
#include <libpq-fe.h>

#include <filesystem>

#include "bench/measure.h"
#include "bench/peers/frame.h"

namespace chronos::bench {
namespace {

// A result, cleared with its owner.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result) {}
  ~Rows() { PQclear(result_); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  int count() const { return PQntuples(result_); }
  std::string_view text(int row, int column) const {
    return {PQgetvalue(result_, row, column), static_cast<size_t>(PQgetlength(result_, row, column))};
  }
  uint64_t number(int row, int column) const { return std::strtoull(PQgetvalue(result_, row, column), nullptr, 10); }
  ExecStatusType status() const { return PQresultStatus(result_); }

 private:
  PGresult* result_;
};

class Connection {
 public:
  explicit Connection(const std::string& address) : handle_(PQconnectdb(address.c_str())) {
    if (PQstatus(handle_) != CONNECTION_OK) fail();
  }
  ~Connection() { PQfinish(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void run(const std::string& text) {
    const Rows rows(PQexec(handle_, text.c_str()));
    expect(rows, PGRES_COMMAND_OK);
  }
  uint64_t number(const std::string& text) {
    const Rows rows(PQexec(handle_, text.c_str()));
    expect(rows, PGRES_TUPLES_OK);
    return rows.number(0, 0);
  }
  void prepare(const char* name, const std::string& text) {
    const Rows rows(PQprepare(handle_, name, text.c_str(), 0, nullptr));
    expect(rows, PGRES_COMMAND_OK);
  }
  Rows query(const char* name, std::span<const std::string> arguments) {
    return Rows(execute(name, arguments, PGRES_TUPLES_OK));
  }
  void insert(const char* name, std::span<const std::string> arguments) {
    PQclear(execute(name, arguments, PGRES_COMMAND_OK));
  }
  void copy(const std::string& command, const std::string& rows) {
    {
      const Rows begun(PQexec(handle_, command.c_str()));
      expect(begun, PGRES_COPY_IN);
    }
    if (PQputCopyData(handle_, rows.data(), static_cast<int>(rows.size())) != 1) fail();
    if (PQputCopyEnd(handle_, nullptr) != 1) fail();
    while (PGresult* result = PQgetResult(handle_)) {
      const Rows ended(result);
      expect(ended, PGRES_COMMAND_OK);
    }
  }

 private:
  [[noreturn]] void fail() const { die(PQerrorMessage(handle_)); }
  void expect(const Rows& rows, ExecStatusType status) const {
    if (rows.status() != status) fail();
  }
  PGresult* execute(const char* name, std::span<const std::string> arguments, ExecStatusType status) {
    std::vector<const char*> values;
    for (const std::string& argument : arguments) values.push_back(argument.c_str());
    PGresult* result =
        PQexecPrepared(handle_, name, static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0);
    if (PQresultStatus(result) != status) fail();
    return result;
  }

  PGconn* handle_;
};

constexpr const char* kColumns = "position,stream,version,type,time,data,metadata";

class PostgresProducer : public PeerProducer {
 public:
  PostgresProducer(const std::string& address, bool durable) : connection_(address) {
    connection_.run(std::string("SET synchronous_commit=") + (durable ? "on" : "off"));
    connection_.prepare("insert", std::string("INSERT INTO events(") + kColumns + ") VALUES ($1,$2,$3,$4,$5,$6,$7)");
  }

  void append(std::span<const PeerEvent> events) override {
    if (events.size() == 1) return insert(events.front());
    rows_.clear();
    for (const PeerEvent& event : events) add_row(event);
    connection_.copy(std::string("COPY events(") + kColumns + ") FROM STDIN", rows_);
  }

 private:
  void insert(const PeerEvent& event) {
    const std::string arguments[] = {std::to_string(event.position), std::string(event.stream),
                                     std::to_string(event.version),  std::string(event.type),
                                     std::to_string(event.time_us),  std::string(event.data),
                                     std::string(event.metadata)};
    connection_.insert("insert", arguments);
  }
  void add_row(const PeerEvent& event) {
    rows_.append(std::to_string(event.position)).append("\t").append(event.stream).append("\t");
    rows_.append(std::to_string(event.version)).append("\t").append(event.type).append("\t");
    rows_.append(std::to_string(event.time_us)).append("\t");
    add_escaped(event.data);
    rows_ += '\t';
    add_escaped(event.metadata);
    rows_ += '\n';
  }
  void add_escaped(std::string_view text) {
    for (const char c : text) {
      if (c == '\\') rows_ += '\\';
      rows_ += c;
    }
  }

  Connection connection_;
  std::string rows_;
};

class PostgresReads : public PeerReads {
 public:
  explicit PostgresReads(const std::string& address) : connection_(address) {
    const std::string select = "SELECT stream,version,type,time,data,metadata FROM events ";
    connection_.prepare("point", select + "WHERE position=$1");
    connection_.prepare("last", select + "WHERE stream=$1 ORDER BY version DESC LIMIT 1");
    connection_.prepare("whole", select + "WHERE stream=$1 ORDER BY version");
    connection_.prepare("as_of", "SELECT data FROM events WHERE stream=$1 AND time<=$2 ORDER BY version");
  }

  void point(uint64_t position, Copies& to) override { copy("point", std::to_string(position), to); }
  void last(const std::string& stream, Copies& to) override { copy("last", stream, to); }
  void whole(const std::string& stream, Copies& to) override { copy("whole", stream, to); }
  void as_of(const std::string& stream, uint64_t time_us, StateFold& to) override {
    const std::string arguments[] = {stream, std::to_string(time_us)};
    const Rows rows = connection_.query("as_of", arguments);
    for (int i = 0; i < rows.count(); i++) to.add(rows.text(i, 0));
  }

 private:
  void copy(const char* name, const std::string& argument, Copies& to) {
    const Rows rows = connection_.query(name, {&argument, 1});
    for (int i = 0; i < rows.count(); i++) {
      to.add({rows.text(i, 0), rows.text(i, 2), rows.text(i, 4), rows.text(i, 5)},
             {rows.number(i, 1), rows.number(i, 3)});
    }
  }

  Connection connection_;
};

class PostgresPeer : public Peer {
 public:
  explicit PostgresPeer(const PeerSetting& setting) : address_(setting.address) {}

  bool start(const Start& start) override {
    durable_ = start.durable;
    Connection connection(address_);
    connection.run("DROP TABLE IF EXISTS events");
    connection.run(
        "CREATE TABLE events(position bigint PRIMARY KEY, stream text NOT NULL, version int NOT NULL,"
        " type text NOT NULL, time bigint NOT NULL, data jsonb NOT NULL, metadata jsonb NOT NULL,"
        " UNIQUE(stream,version))");
    connection.run("CREATE INDEX by_type ON events(type)");
    connection.run("CHECKPOINT");
    return true;
  }
  std::string detail(const Start& start) const override { return start.batch == 1 ? "method=insert" : "method=copy"; }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<PostgresProducer>(address_, durable_); }
  uint64_t compact() override {
    Connection connection(address_);
    connection.run("VACUUM (FULL, ANALYZE) events");
    connection.run("CHECKPOINT");
    return connection.number("SELECT pg_total_relation_size('events')");
  }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<PostgresReads>(address_); }

 private:
  std::string address_;
  bool durable_ = true;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_postgres",
                  [](const PeerSetting& setting) { return std::make_unique<PostgresPeer>(setting); });
}
