// Where an import puts its blocks: the engine in this process, or the process that has it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/batch.h"
#include "core/store.h"
#include "mcp/tool_backend.h"

namespace chronos {

// What an encoder of a target made of a block, for its commit(): one of the two.
struct EncodedBlock {
  Batch batch;
  std::string call;  // the arguments of append_events
};

// One thread, but for encoders.  After a failure nothing more is put.
class ImportTarget {
 public:
  // Turns events into blocks; keeps its buffers; one thread, whichever.
  class Encoder {
   public:
    virtual ~Encoder() = default;
    virtual void begin(const std::string& request_id) = 0;
    // Views of the event may go after the call.
    virtual Result<void> add(const NewEvent& event) = 0;
    virtual Result<EncodedBlock> finish() = 0;
  };

  virtual ~ImportTarget() = default;

  virtual const Limits& limits() const = 0;
  // Any thread.  The target outlives it.
  virtual std::unique_ptr<Encoder> encoder() const = 0;
  // Whether a block was committed under this request id.
  virtual Result<bool> knows(const std::string& request_id) = 0;
  // Puts the block behind those before; true when it was there already.  Not yet durable.
  virtual Result<bool> commit(EncodedBlock block) = 0;
  // Returns when all blocks are durable.
  virtual Result<void> finish() = 0;
};

struct ImportHead {
  std::string fork;
  Principal principal;
};

// Stages blocks while a second thread makes those before durable.
class StoreImportTarget final : public ImportTarget {
 public:
  static constexpr uint64_t kMaxBytesInFlight = uint64_t{64} << 20;
  // What is staged is made durable when it is so much, or after so long: each time costs the processor, too.
  static constexpr uint64_t kGroupBytes = uint64_t{8} << 20;
  static constexpr std::chrono::milliseconds kGroupTime{20};

  StoreImportTarget(Store& store, ImportHead head);
  ~StoreImportTarget() override;

  const Limits& limits() const override { return store_.limits(); }
  std::unique_ptr<Encoder> encoder() const override;
  Result<bool> knows(const std::string& request_id) override;
  Result<bool> commit(EncodedBlock block) override;
  Result<void> finish() override;

 private:
  void settle_all();

  Store& store_;
  const ImportHead head_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Lsn staged_;
  Lsn settled_;
  std::optional<Error> failure_;
  bool ending_ = false;
  bool is_awaited_ = false;  // someone waits until all is durable
  std::thread settler_;
};

// Sends each block as a call of append_events.
class ForwardedImportTarget final : public ImportTarget {
 public:
  ForwardedImportTarget(ToolBackend& backend, ImportHead head);

  const Limits& limits() const override { return limits_; }
  std::unique_ptr<Encoder> encoder() const override;
  Result<bool> knows(const std::string& request_id) override;
  Result<bool> commit(EncodedBlock block) override;
  Result<void> finish() override { return {}; }

 private:
  Result<std::string> append(std::string& arguments);

  ToolBackend& backend_;
  const ImportHead head_;
  const Limits limits_;
};

}  // namespace chronos
