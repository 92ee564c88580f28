// Redis streams through hiredis: an event is an entry of its stream's stream, and a reference to it an entry of the
// stream "log", by which it is found from its position.  A batch is a pipeline.  Durable is appendfsync always, not
// durable is everysec.  Entries' ids are times and positions; from several producers, which would have to take turns
// for that, the server makes them.
#include <hiredis/hiredis.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "bench/measure.h"
#include "bench/peers/frame.h"

namespace chronos::bench {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::string_view text_of(const redisReply* reply) { return {reply->str, reply->len}; }

class Connection {
 public:
  explicit Connection(const std::string& socket) : handle_(redisConnectUnix(socket.c_str())) {
    if (handle_ == nullptr || handle_->err != 0) die(handle_ == nullptr ? "no memory" : handle_->errstr);
  }
  ~Connection() { redisFree(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::span<const std::string_view> words) {
    const char* begins[24];
    size_t lengths[24];
    int count = 0;
    for (const std::string_view word : words) {
      begins[count] = word.data();
      lengths[count++] = word.size();
    }
    redisAppendCommandArgv(handle_, count, begins, lengths);
  }
  Reply receive() {
    void* reply = nullptr;
    if (redisGetReply(handle_, &reply) != REDIS_OK) die(handle_->errstr);
    Reply received(static_cast<redisReply*>(reply));
    if (received->type == REDIS_REPLY_ERROR) die(received->str);
    return received;
  }
  Reply call(std::initializer_list<std::string_view> words) {
    send({words.begin(), words.size()});
    return receive();
  }

 private:
  redisContext* handle_;
};

std::string key_of(std::string_view stream) { return "s:" + std::string(stream); }
std::string id_of(uint64_t position) {
  return std::to_string(time_of(position) / 1000) + "-" + std::to_string(position);
}

class RedisProducer : public PeerProducer {
 public:
  RedisProducer(const std::string& socket, bool is_alone) : connection_(socket), is_alone_(is_alone) {}

  void append(std::span<const PeerEvent> events) override {
    for (const PeerEvent& event : events) {
      const std::string key = key_of(event.stream);
      const std::string id = is_alone_ ? id_of(event.position) : "*";
      const std::string version = std::to_string(event.version);
      const std::string time = std::to_string(event.time_us);
      const std::string_view entry[] = {"XADD", key,  id,     "version",  version,    "type",        event.type,
                                        "time", time, "data", event.data, "metadata", event.metadata};
      connection_.send(entry);
      const std::string_view reference[] = {"XADD", "log", id, "stream", event.stream};
      connection_.send(reference);
    }
    for (size_t i = 0; i < 2 * events.size(); i++) connection_.receive();
  }

 private:
  Connection connection_;
  bool is_alone_;
};

class RedisReads : public PeerReads {
 public:
  explicit RedisReads(const std::string& socket) : connection_(socket) {}

  // Two calls: the reference tells the stream.
  void point(uint64_t position, Copies& to) override {
    const std::string id = id_of(position);
    const Reply reference = connection_.call({"XRANGE", "log", id, id});
    if (reference->elements != 1) die("a position is not in the log");
    const std::string stream(field(reference->element[0], "stream"));
    const std::string key = key_of(stream);
    copy(*connection_.call({"XRANGE", key, id, id}), stream, to);
  }
  void last(const std::string& stream, Copies& to) override {
    const std::string key = key_of(stream);
    copy(*connection_.call({"XREVRANGE", key, "+", "-", "COUNT", "1"}), stream, to);
  }
  void whole(const std::string& stream, Copies& to) override {
    const std::string key = key_of(stream);
    copy(*connection_.call({"XRANGE", key, "-", "+"}), stream, to);
  }
  void as_of(const std::string& stream, uint64_t time_us, StateFold& to) override {
    const std::string key = key_of(stream);
    const std::string until = std::to_string(time_us / 1000);
    const Reply entries = connection_.call({"XRANGE", key, "-", until});
    for (size_t i = 0; i < entries->elements; i++) to.add(field(entries->element[i], "data"));
  }

 private:
  static std::string_view field(const redisReply* entry, std::string_view name) {
    const redisReply* fields = entry->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
      if (text_of(fields->element[i]) == name) return text_of(fields->element[i + 1]);
    }
    die("an entry has no field " + std::string(name));
  }
  static uint64_t number(const redisReply* entry, std::string_view name) {
    return std::strtoull(field(entry, name).data(), nullptr, 10);
  }
  static void copy(const redisReply& entries, const std::string& stream, Copies& to) {
    for (size_t i = 0; i < entries.elements; i++) {
      const redisReply* entry = entries.element[i];
      to.add({stream, field(entry, "type"), field(entry, "data"), field(entry, "metadata")},
             {number(entry, "version"), number(entry, "time")});
    }
  }

  Connection connection_;
};

class RedisPeer : public Peer {
 public:
  explicit RedisPeer(const PeerSetting& setting) : directory_(setting.directory), socket_(setting.address) {}

  bool start(const Start& start) override {
    is_alone_ = start.producers == 1;
    Connection connection(socket_);
    connection.call({"FLUSHALL", "SYNC"});
    connection.call({"CONFIG", "SET", "appendfsync", start.durable ? "always" : "everysec"});
    return true;
  }
  std::string detail(const Start& start) const override {
    return start.durable ? "appendfsync=always" : "appendfsync=everysec";
  }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<RedisProducer>(socket_, is_alone_); }
  uint64_t compact() override {
    Connection connection(socket_);
    connection.call({"BGREWRITEAOF"});
    const auto goes_on = [&] {
      return text_of(connection.call({"INFO", "persistence"}).get()).find("aof_rewrite_in_progress:0") ==
             std::string_view::npos;
    };
    while (goes_on()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const Reply memory = connection.call({"INFO", "memory"});
    constexpr std::string_view kUsed = "used_memory:";
    const size_t at = text_of(memory.get()).find(kUsed);
    emit("memory_bytes", "all of the server's", std::strtod(memory->str + at + kUsed.size(), nullptr), "B");
    return disk_bytes(directory_);
  }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<RedisReads>(socket_); }

 private:
  std::string directory_, socket_;
  bool is_alone_ = true;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_redis",
                  [](const PeerSetting& setting) { return std::make_unique<RedisPeer>(setting); });
}
