// Where the vectors of a store's events come from: out of the events themselves, or made of their texts by a model.
#pragma once

#include <stop_token>
#include <string>

#include "core/result.h"
#include "core/types.h"
#include "core/view.h"
#include "search/vector_segment.h"

namespace chronos {

// Any thread, but take() is called by one at a time for a fork.
class VectorSource {
 public:
  virtual ~VectorSource() = default;

  // Of the model: vectors of sources with the same identity can be compared, and are the same for the same event.
  virtual const std::string& identity() const = 0;
  // Whether whoever searches may wait for take(): it asks nobody outside of this process.
  virtual bool is_prompt() const = 0;
  // Tells the builder of the events after `from`, up to `to`, in order: of all of them, or of as many as it could
  // before it failed or was stopped.  Throws Damage when the events cannot be read.
  virtual Result<void> take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                            const std::stop_token& stop) = 0;
};

// Those that clients gave with their events.
class ClientVectors : public VectorSource {
 public:
  const std::string& identity() const override { return identity_; }
  bool is_prompt() const override { return true; }
  Result<void> take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                    const std::stop_token& stop) override;

 private:
  const std::string identity_ = "client";
};

}  // namespace chronos
