// Requests that go on after they were answered (the extension io.modelcontextprotocol/tasks): each in a thread of its
// own, asked for by its id, kept for an hour.
//
// A task belongs to the principal that began it: to all others it is not there.  Safe to call from any thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/principal.h"
#include "core/result.h"
#include "mcp/request.h"
#include "mcp/subscriptions.h"

namespace chronos {

class TaskTable {
 public:
  static constexpr size_t kMost = 256;
  static constexpr size_t kMostAtWork = 16;

  // What a task's result says of itself, as any other of the modern era.
  using Finish = std::function<std::string(Outcome outcome)>;

  // Requires: the references outlive it.
  TaskTable(Subscriptions& subscriptions, Clock& clock, Random& random, Finish finish);
  // Stops what is at work, and waits for it.
  ~TaskTable();
  TaskTable(const TaskTable&) = delete;
  TaskTable& operator=(const TaskTable&) = delete;

  // Begins one, with the principal, the capabilities, the answers and the state of `request`.  The result that says so;
  // kUnavailable when there are too many.  Requires: what `work` refers to outlives the table.
  Result<std::string> create(const Request& request, Work work);

  bool has(std::string_view id, const Principal& principal);
  // The rest for ids that has() knew; of one that was forgotten meanwhile they say what they would have said last.
  std::string get(std::string_view id);
  // Gives it answers; those to no question of its are ignored.  It goes on when it has all.
  void update(std::string_view id, ClientAnswers answers);
  void cancel(std::string_view id);

 private:
  struct Task;
  using TaskPtr = std::shared_ptr<Task>;  // owned by the table and by the thread that works on it
  void start(const TaskPtr& task);
  void run(const TaskPtr& task);
  void settle(Task& task, Outcome outcome);
  std::string members(const Task& task) const;
  void note(Task& task, std::string message);
  void tell(const Task& task, std::unique_lock<std::mutex>& lock);
  void forget_old(std::vector<std::thread>* ended);
  TaskPtr find(std::string_view id) const;

  Subscriptions& subscriptions_;
  Clock& clock_;
  Random& random_;
  const Finish finish_;
  std::mutex mutex_;  // guards all below, and what tasks hold
  std::map<std::string, TaskPtr, std::less<>> tasks_;
  size_t at_work_ = 0;
  std::deque<Change> to_tell_;
  bool is_telling_ = false;  // somebody is, and will tell all of these
};

}  // namespace chronos
