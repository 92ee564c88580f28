// Where an import puts its blocks: the engine in this process, or the process that has it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/batch.h"
#include "core/store.h"
#include "mcp/tool_backend.h"

namespace chronos {

// One thread.  After a failure nothing more is put.
class ImportTarget {
 public:
  virtual ~ImportTarget() = default;

  virtual const Limits& limits() const = 0;
  // Whether a block was committed under this request id.
  virtual Result<bool> knows(const std::string& request_id) = 0;
  virtual void begin(const std::string& request_id) = 0;
  // Views of the event may go after the call.
  virtual Result<void> add(const NewEvent& event) = 0;
  // Puts the block behind those before; true when it was there already.  Not yet durable.
  virtual Result<bool> commit() = 0;
  // Returns when all blocks are durable.
  virtual Result<void> finish() = 0;
};

struct ImportHead {
  std::string fork;
  std::string actor;
};

// Stages blocks while a second thread makes those before durable.
class StoreImportTarget final : public ImportTarget {
 public:
  static constexpr uint64_t kMaxBytesInFlight = uint64_t{32} << 20;

  StoreImportTarget(Store& store, ImportHead head);
  ~StoreImportTarget() override;

  const Limits& limits() const override { return store_.limits(); }
  Result<bool> knows(const std::string& request_id) override;
  void begin(const std::string& request_id) override;
  Result<void> add(const NewEvent& event) override { return builder_.add(event); }
  Result<bool> commit() override;
  Result<void> finish() override;

 private:
  void settle_all();
  BatchHead head(const std::string& request_id) const;

  Store& store_;
  const ImportHead head_;
  BatchBuilder builder_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Lsn staged_;
  Lsn settled_;
  std::optional<Error> failure_;
  bool ending_ = false;
  std::thread settler_;
};

// Sends each block as a call of append_events.
class ForwardedImportTarget final : public ImportTarget {
 public:
  ForwardedImportTarget(ToolBackend& backend, ImportHead head);

  const Limits& limits() const override { return limits_; }
  Result<bool> knows(const std::string& request_id) override;
  void begin(const std::string& request_id) override;
  Result<void> add(const NewEvent& event) override;
  Result<bool> commit() override;
  Result<void> finish() override { return {}; }

 private:
  Result<std::string> append(std::string& arguments);

  ToolBackend& backend_;
  const ImportHead head_;
  const Limits limits_;
  BatchBuilder checker_;   // of names and sizes, so that a wrong line is told from its neighbours
  std::string arguments_;  // of the call, open at its end
  bool is_first_ = true;
};

}  // namespace chronos
