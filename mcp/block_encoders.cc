#include "mcp/block_encoders.h"

#include <utility>

#include "core/check.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

// What is deeper is not even looked at; the decoder tells which field is deeper than the limit.
constexpr size_t kParsedDepth = 1000;

}  // namespace

Result<void> LineEncoder::add(std::string_view line) {
  if (scan_.take(line, kParsedDepth) && !scan_.members().empty()) {
    auto event = decoder_.decode(scan_.members());
    return event ? encoder_->add(*event) : event.error();
  }
  auto json = validate_json(line, kParsedDepth);
  if (!json) return json.error();
  auto event = decoder_.decode(*json);
  if (!event) return event.error();
  return encoder_->add(*event);
}

TakenBlock LineEncoder::encode(ImportBlock block) {
  TakenBlock taken;
  taken.block = std::move(block);
  encoder_->begin(taken.block.request_id);
  scan_.begin(taken.block.kept.text);
  for (; taken.good < taken.block.lines.size(); taken.good++) {
    if (auto added = add(taken.block.line(taken.good)); !added) {
      taken.wrong = added.error();
      return taken;
    }
  }
  auto encoded = encoder_->finish();
  if (encoded) {
    taken.encoded = std::move(*encoded);
  } else {
    taken.wrong = encoded.error();
  }
  return taken;
}

BlockEncoders::BlockEncoders(const ImportTarget& target, size_t threads) : target_(target) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; i++) threads_.emplace_back([this] { run(); });
}

BlockEncoders::~BlockEncoders() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    waiting_.clear();
  }
  put_cv_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockEncoders::put(ImportBlock block) {
  CHECK(has_room());
  auto slot = std::make_shared<Slot>();
  slot->taken.block = std::move(block);
  on_the_way_++;
  {
    const std::lock_guard lock(mutex_);
    slots_.push_back(slot);
    waiting_.push_back(std::move(slot));
  }
  put_cv_.notify_one();
}

bool BlockEncoders::is_ready() {
  const std::lock_guard lock(mutex_);
  return !slots_.empty() && slots_.front()->is_done;
}

TakenBlock BlockEncoders::take() {
  CHECK(!empty());
  on_the_way_--;
  std::unique_lock lock(mutex_);
  done_cv_.wait(lock, [this] { return slots_.front()->is_done; });
  const std::shared_ptr<Slot> slot = std::move(slots_.front());
  slots_.pop_front();
  return std::move(slot->taken);
}

void BlockEncoders::run() {
  LineEncoder encoder(target_);
  std::unique_lock lock(mutex_);
  for (;;) {
    put_cv_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    const std::shared_ptr<Slot> slot = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    TakenBlock taken = encoder.encode(std::move(slot->taken.block));
    lock.lock();
    slot->taken = std::move(taken);
    slot->is_done = true;
    if (slot == slots_.front()) done_cv_.notify_one();
  }
}

}  // namespace chronos
