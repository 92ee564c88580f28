#include "mcp/progress.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "core/valid_json.h"

namespace chronos {
namespace {

constexpr int kPerSecond = 10;
constexpr int64_t kSecondUs = 1'000'000;

void append_number(std::string& to, double number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.append(digits, end);
}

}  // namespace

Progress::Progress(std::string token, MessageSink& sink, Clock& clock, std::stop_token cancelled)
    : token_(std::move(token)), cancelled_(std::move(cancelled)), sink_(&sink), clock_(clock) {}

// A clock that was set back begins a new second rather than silence.
bool Progress::may_send(bool is_last) {
  const int64_t now = clock_.now().value;
  if (sent_in_second_ == 0 || now >= second_began_us_ + kSecondUs || now < second_began_us_) {
    second_began_us_ = now;
    sent_in_second_ = 0;
  }
  if (sent_in_second_ >= kPerSecond && !is_last) return false;
  ++sent_in_second_;
  return true;
}

void Progress::report(double done, double total, std::string_view message) {
  std::lock_guard lock(mutex_);
  if (sink_ == nullptr || cancelled_.stop_requested()) return;
  if (!std::isfinite(done) || done <= last_ || !may_send(done == total)) return;
  last_ = done;
  std::string text = R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token_;
  text.append(R"(,"progress":)");
  append_number(text, done);
  if (std::isfinite(total) && total > 0) {
    text.append(R"(,"total":)");
    append_number(text, total);
  }
  if (!message.empty()) {
    text.append(R"(,"message":)");
    append_json_string(text, message);
  }
  text.append("}}");
  sink_->send(text);
}

void Progress::close() {
  std::lock_guard lock(mutex_);
  sink_ = nullptr;
}

}  // namespace chronos
