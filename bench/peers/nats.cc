// NATS JetStream: one file-backed stream, a subject for each event stream.  A batch of one waits for its
// acknowledgement, a larger one is published asynchronously and waits for all of them.
//
// The server acknowledges before the disk has it (it syncs every two minutes), so nothing here is durable.
#include <nats.h>

#include <algorithm>

#include "bench/measure.h"
#include "bench/peers/frame.h"

namespace chronos::bench {
namespace {

void check(natsStatus status, const char* what) {
  if (status != NATS_OK) die(std::string(what) + ": " + natsStatus_GetText(status));
}

class Connection {
 public:
  explicit Connection(const std::string& address) {
    check(natsConnection_ConnectTo(&handle, address.c_str()), "connect");
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = 4000;
    options.PublishAsync.StallWait = 60'000;  // the default of 200 ms gives up on a busy machine
    check(natsConnection_JetStream(&stream, handle, &options), "jetstream");
  }
  ~Connection() {
    jsCtx_Destroy(stream);
    natsConnection_Destroy(handle);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  natsConnection* handle = nullptr;
  jsCtx* stream = nullptr;
};

struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using Message = std::unique_ptr<natsMsg, DestroyMessage>;

std::string subject_of(std::string_view stream) { return "events." + std::string(stream); }

// The layout of a message's body; field by field, so that reading it back is no parsing of JSON.
void write_body(const PeerEvent& event, std::string& to) {
  to.assign(std::to_string(event.version)).append("\n").append(std::to_string(event.time_us)).append("\n");
  to.append(event.type).append("\n").append(event.data).append("\n").append(event.metadata);
}

struct Body : LineFields {
  uint64_t version = 0;
  uint64_t time_us = 0;
};
Body read_body(const natsMsg* message) {
  std::string_view rest(natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message)));
  const auto next = [&rest] {
    const std::string_view part = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    return part;
  };
  Body body;
  body.version = std::strtoull(next().data(), nullptr, 10);
  body.time_us = std::strtoull(next().data(), nullptr, 10);
  body.type = next();
  body.data = next();
  body.metadata = rest;
  return body;
}

class NatsProducer : public PeerProducer {
 public:
  explicit NatsProducer(const std::string& address) : connection_(address) {}

  void append(std::span<const PeerEvent> events) override {
    for (const PeerEvent& event : events) {
      const std::string subject = subject_of(event.stream);
      write_body(event, body_);
      const auto length = static_cast<int>(body_.size());
      if (events.size() == 1) {
        check(js_Publish(nullptr, connection_.stream, subject.c_str(), body_.data(), length, nullptr, nullptr),
              "publish");
      } else {
        check(js_PublishAsync(connection_.stream, subject.c_str(), body_.data(), length, nullptr), "publish");
      }
    }
    if (events.size() > 1) check(js_PublishAsyncComplete(connection_.stream, nullptr), "acknowledgements");
  }

 private:
  Connection connection_;
  std::string body_;
};

class NatsReads : public PeerReads {
 public:
  explicit NatsReads(const std::string& address) : connection_(address) {}

  void point(uint64_t position, Copies& to) override {
    jsDirectGetMsgOptions options;
    jsDirectGetMsgOptions_Init(&options);
    options.Sequence = position;
    const Message message = get(options);
    copy(message.get(), std::string_view(natsMsg_GetSubject(message.get())).substr(subject_of("").size()), to);
  }
  void last(const std::string& stream, Copies& to) override { copy(last_of(stream).get(), stream, to); }
  void whole(const std::string& stream, Copies& to) override {
    scan(stream, [&](const natsMsg* message) {
      copy(message, stream, to);
      return true;
    });
  }
  void as_of(const std::string& stream, uint64_t time_us, StateFold& to) override {
    scan(stream, [&](const natsMsg* message) {
      const Body body = read_body(message);
      if (body.time_us > time_us) return false;
      to.add(body.data);
      return true;
    });
  }

 private:
  Message get(jsDirectGetMsgOptions& options) {
    natsMsg* message = nullptr;
    check(js_DirectGetMsg(&message, connection_.stream, "EVENTS", nullptr, &options), "get");
    return Message(message);
  }
  Message last_of(const std::string& stream) {
    const std::string subject = subject_of(stream);
    jsDirectGetMsgOptions options;
    jsDirectGetMsgOptions_Init(&options);
    options.LastBySubject = subject.c_str();
    return get(options);
  }
  static void copy(const natsMsg* message, std::string_view stream, Copies& to) {
    Body body = read_body(message);
    body.stream = stream;
    to.add(body, {body.version, body.time_us});
  }
  // An ordered consumer, until the version that the stream's last message has.
  template <typename Visit>
  void scan(const std::string& stream, Visit visit) {
    const uint64_t last = read_body(last_of(stream).get()).version;
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Ordered = true;
    options.Config.DeliverPolicy = js_DeliverAll;
    natsSubscription* subscription = nullptr;
    jsErrCode error{};
    check(js_SubscribeSync(&subscription, connection_.stream, subject_of(stream).c_str(), nullptr, &options, &error),
          "subscribe");
    for (uint64_t i = 0; i < last; i++) {
      natsMsg* received = nullptr;
      check(natsSubscription_NextMsg(&received, subscription, 5000), "next");
      const Message message(received);
      if (!visit(message.get())) break;
    }
    natsSubscription_Unsubscribe(subscription);
    natsSubscription_Destroy(subscription);
  }

  Connection connection_;
};

class NatsPeer : public Peer {
 public:
  explicit NatsPeer(const PeerSetting& setting) : directory_(setting.directory), address_(setting.address) {}

  bool start(const Start& start) override {
    if (start.durable) return false;
    Connection connection(address_);
    jsErrCode error{};
    js_DeleteStream(connection.stream, "EVENTS", nullptr, &error);
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    const char* subjects[] = {"events.>"};
    config.Name = "EVENTS";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.AllowDirect = true;
    check(js_AddStream(nullptr, connection.stream, &config, nullptr, &error), "add a stream");
    return true;
  }
  std::unique_ptr<PeerProducer> producer() override { return std::make_unique<NatsProducer>(address_); }
  // It has no compaction to be asked for.
  uint64_t compact() override { return disk_bytes(directory_); }
  std::unique_ptr<PeerReads> reads() override { return std::make_unique<NatsReads>(address_); }

 private:
  std::string directory_, address_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_peer(argc, argv, "peer_nats",
                  [](const PeerSetting& setting) { return std::make_unique<NatsPeer>(setting); });
}
