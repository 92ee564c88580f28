// Leader and followers.
//
// One thread, the leader, reads.  It answers what is cheap (all but tool calls) itself.  When it has read a tool call
// it wakes a follower to be the next leader, and runs the call itself: the bytes it has just read are in its cache,
// and no call waits for another thread to wake up before it begins.  When it is done it writes the answer and becomes
// a follower, or the leader if there is none.
//
//        read call 1 -> promote B -> run call 1 ............ -> write -> follower
//   B:                  read call 2 -> promote C -> run .. -> write -> follower
//   C:                                 read "cancelled 1": takes effect at once
//
// Invariants:
//  * Only the leader reads and accepts, so messages take effect in the order they came, and a cancellation never
//    overtakes its request.
//  * A thread leaves the lead only if another can take it.  When all others are running, the call is put in the queue
//    and the leader goes on reading, so that cancellations always get through.  The queue is bounded: beyond that we
//    stop reading, and the pipe holds the client back.
//  * Threads are made when they are first needed; a client that waits for each answer costs two.
//
// The thread that called run() is none of these: it waits for the end and sees to it that the end is quick.
#include "mcp/stdio_server.h"

#include <system_error>
#include <utility>

namespace chronos {
namespace {

constexpr size_t kMaxQueuedCalls = 1024;
constexpr size_t kMaxQueuedBytes = size_t{64} << 20;

}  // namespace

StdioServer::StdioServer(Dispatcher& dispatcher, ToolBackend& backend, StdioOptions options)
    : dispatcher_(dispatcher),
      backend_(backend),
      options_(options),
      reader_({options.in, options.out, options.stop_fd, options.max_line_bytes, options.quiet_after}),
      output_(std::make_shared<Output>(options.out)) {
  connection_.attach(output_);
}

void StdioServer::run() {
  std::unique_lock lock(mutex_);
  threads_.emplace_back([this] { work(); });
  supervisor_.wait(lock, [this] { return ended_; });
  lock.unlock();
  connection_.end();
  lock.lock();
  const auto is_done = [this] { return running_ == 0 && queue_.empty(); };
  if (!supervisor_.wait_for(lock, options_.read_grace, is_done)) connection_.stop_reads();
  lock.unlock();
  for (std::thread& thread : threads_) thread.join();  // none is made after the end
}

void StdioServer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!queue_.empty()) {
      Job job = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= job.line.size_bytes();
      room_.notify_one();
      run_job(lock, std::move(job));
    } else if (ended_) {
      return;
    } else if (!has_leader_) {
      lead(lock);
    } else {
      ++idle_;
      followers_.wait(lock, [this] { return ended_ || !has_leader_ || !queue_.empty(); });
      --idle_;
    }
  }
}

// Reads calls until one can be run here with another thread leading.
void StdioServer::lead(std::unique_lock<std::mutex>& lock) {
  has_leader_ = true;
  do {
    lock.unlock();
    std::optional<Job> job = read_job();
    lock.lock();
    if (!job) {
      ended_ = true;
      followers_.notify_all();
      supervisor_.notify_one();
    } else if (promote()) {
      has_leader_ = false;
      run_job(lock, std::move(*job));
      return;
    } else {
      enqueue(lock, std::move(*job));
    }
  } while (!ended_ && running_ > 0);  // with nobody running, the queue is ours to run
  has_leader_ = false;
}

// Answers everything up to the next call.  Nothing at the end of the input.
std::optional<StdioServer::Job> StdioServer::read_job() {
  for (;;) {
    Job job;
    switch (reader_.next(&job.line)) {
      case LineReader::Event::kEnd: return std::nullopt;
      case LineReader::Event::kQuiet: backend_.quiet(); continue;
      case LineReader::Event::kTooLong:
        output_->writer.write(dispatcher_.too_long(connection_, options_.max_line_bytes));
        continue;
      case LineReader::Event::kLine: break;
    }
    job.accepted = dispatcher_.accept(connection_, job.line.text());
    if (!job.accepted.is_done()) return job;
    std::string reply = dispatcher_.run(connection_, std::move(job.accepted), *output_);
    if (!reply.empty()) output_->writer.write(std::move(reply));
  }
}

void StdioServer::run_job(std::unique_lock<std::mutex>& lock, Job job) {
  ++running_;
  lock.unlock();
  std::string reply = dispatcher_.run(connection_, std::move(job.accepted), *output_);
  if (!reply.empty()) output_->writer.write(std::move(reply));
  lock.lock();
  --running_;
  if (ended_) supervisor_.notify_one();
}

// Finds another thread to lead.  False when all are running.
bool StdioServer::promote() {
  if (idle_ > 0) {
    followers_.notify_one();
    return true;
  }
  if (threads_.size() >= options_.max_threads) return false;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // The machine has no thread for us.  Alone, run it: the input waits meanwhile.
    return running_ == 0;
  }
  return true;
}

// Requires: we lead, so the order of calls is kept.
void StdioServer::enqueue(std::unique_lock<std::mutex>& lock, Job job) {
  room_.wait(lock, [this] { return queue_.size() < kMaxQueuedCalls && queued_bytes_ < kMaxQueuedBytes; });
  queued_bytes_ += job.line.size_bytes();
  queue_.push_back(std::move(job));
  followers_.notify_one();  // some may have become free while we waited for room
}

}  // namespace chronos
