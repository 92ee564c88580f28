// A task works in rounds: its work is called, and either it is over, or there are questions; when these are answered
// the work is called again, in a new thread.  So a task that waits for somebody costs no thread.
#include "mcp/task_table.h"

#include <iterator>
#include <system_error>
#include <utility>

#include "core/time_text.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

constexpr int64_t kKeptUs = int64_t{3600} * 1'000'000;
constexpr std::string_view kTimes = R"("ttlMs":3600000,"pollIntervalMs":500)";

std::string random_id(Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (int half = 0; half < 2; half++) {
    uint64_t bits = random.next();
    for (int i = 0; i < 16; i++, bits >>= 4) id += kDigits[bits & 15];
  }
  return id;
}

}  // namespace

struct TaskTable::Task {
  enum class Status { kWorking, kInputRequired, kCompleted, kCancelled, kFailed };
  static std::string_view name(Status status) {
    constexpr std::string_view kNames[] = {"working", "input_required", "completed", "cancelled", "failed"};
    return kNames[static_cast<size_t>(status)];
  }
  bool is_over() const { return status > Status::kInputRequired; }

  std::string id;
  Principal principal;
  ClientCapabilities client;
  Work work;
  Timestamp created;
  Timestamp updated;
  Status status = Status::kWorking;
  std::string message;
  std::string ending;                // the member of a finished task that has its result or error
  std::vector<Question> questions;   // not answered yet
  ClientAnswers answers;             // for the next round
  std::string state;
  std::stop_source stop;
  std::thread thread;                // of the last round
  bool is_at_work = false;
};

TaskTable::TaskTable(Subscriptions& subscriptions, Clock& clock, Random& random, Finish finish)
    : subscriptions_(subscriptions), clock_(clock), random_(random), finish_(std::move(finish)) {}

TaskTable::~TaskTable() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, task] : tasks_) {
      task->stop.request_stop();
      if (task->thread.joinable()) threads.push_back(std::move(task->thread));
    }
  }
  for (std::thread& thread : threads) thread.join();
}

Result<std::string> TaskTable::create(const Request& request, Work work) {
  std::vector<std::thread> ended;
  auto task = std::make_shared<Task>();
  task->principal = request.principal;
  task->client = request.client;
  task->answers = request.answers;
  task->state = request.state;
  task->work = std::move(work);
  Result<std::string> made = Error{Code::kUnavailable, "Too many tasks are running. Wait for one of them to end.", ""};
  {
    const std::lock_guard lock(mutex_);
    forget_old(&ended);
    if (tasks_.size() < kMost && at_work_ < kMostAtWork) {
      task->id = random_id(random_);
      task->created = task->updated = clock_.now();
      try {
        start(task);
        tasks_.emplace(task->id, task);
        made = "{" + members(*task) + "}";
      } catch (const std::system_error& error) {
        made = Error{Code::kUnavailable, std::string("The machine has no thread for a task: ") + error.what(), ""};
      }
    }
  }
  for (std::thread& thread : ended) thread.join();
  return made;
}

// Under the lock.
void TaskTable::start(const TaskPtr& task) {
  task->thread = std::thread([this, task] { run(task); });
  task->is_at_work = true;
  at_work_++;
}

void TaskTable::run(const TaskPtr& task) {
  Request request;
  {
    const std::lock_guard lock(mutex_);
    request.principal = task->principal;
    request.client = task->client;
    request.cancelled = task->stop.get_token();
    request.answers = std::exchange(task->answers, {});
    request.state = task->state;
  }
  request.progress = [this, task](double, double, std::string_view message) { note(*task, std::string(message)); };
  Outcome outcome = task->work(request);
  std::unique_lock lock(mutex_);
  task->is_at_work = false;
  at_work_--;
  if (task->is_over()) return;  // cancelled
  settle(*task, std::move(outcome));
  tell(*task, lock);
}

// Under the lock.
void TaskTable::settle(Task& task, Outcome outcome) {
  task.updated = clock_.now();
  if (!outcome.questions.empty()) {
    task.status = Task::Status::kInputRequired;
    task.questions = std::move(outcome.questions);
    task.state = std::move(outcome.state);
    return;
  }
  task.message.clear();
  if (outcome.error) {
    task.status = Task::Status::kFailed;
    task.ending = R"("error":{"code":)" + std::to_string(static_cast<int>(outcome.error->code)) + ",\"message\":";
    append_json_string(task.ending, outcome.error->message);
    if (!outcome.error->data.empty()) task.ending.append(",\"data\":").append(outcome.error->data);
    task.ending.append("}");
    return;
  }
  task.status = Task::Status::kCompleted;
  task.ending = "\"result\":" + finish_(std::move(outcome));
}

void TaskTable::note(Task& task, std::string message) {
  const std::lock_guard lock(mutex_);
  if (task.is_over()) return;
  task.message = std::move(message);
}

std::string TaskTable::members(const Task& task) const {
  std::string text = R"("taskId":")" + task.id + R"(","status":")" + std::string(Task::name(task.status)) + "\",";
  if (!task.message.empty()) {
    text.append("\"statusMessage\":");
    append_json_string(text, task.message);
    text.append(",");
  }
  text.append(R"("createdAt":")").append(format_time(task.created));
  text.append(R"(","lastUpdatedAt":")").append(format_time(task.updated)).append("\",").append(kTimes);
  if (task.status == Task::Status::kInputRequired) {
    text.append(R"(,"inputRequests":{)");
    for (size_t i = 0; i < task.questions.size(); i++) {
      const Question& question = task.questions[i];
      text.append(i == 0 ? "" : ",");
      append_json_string(text, question.key);
      text.append(R"(:{"method":")").append(question_method(question.needs)).append(R"(","params":)");
      text.append(question.params).append("}");
    }
    text.append("}");
  }
  if (!task.ending.empty()) text.append(",").append(task.ending);
  return text;
}

// Gives up the lock.  Whoever comes while another tells leaves it to that one, so all is told in the order in which it
// happened.
void TaskTable::tell(const Task& task, std::unique_lock<std::mutex>& lock) {
  to_tell_.push_back({Change::Kind::kTask, task.id, members(task)});
  if (!is_telling_) {
    is_telling_ = true;
    while (!to_tell_.empty()) {
      const Change change = std::move(to_tell_.front());
      to_tell_.pop_front();
      lock.unlock();
      subscriptions_.publish(change);
      lock.lock();
    }
    is_telling_ = false;
  }
  lock.unlock();
}

// Under the lock.  Those whose time is over, and of the others the oldest that are over, when there are too many.
void TaskTable::forget_old(std::vector<std::thread>* ended) {
  const Timestamp now = clock_.now();
  const auto forget = [&](auto at) {
    if (at->second->thread.joinable()) ended->push_back(std::move(at->second->thread));
    return tasks_.erase(at);
  };
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    Task& task = *at->second;
    const bool is_old = now.value > task.created.value + kKeptUs;
    if (is_old && task.is_at_work) task.stop.request_stop();
    at = is_old && !task.is_at_work ? forget(at) : std::next(at);
  }
  while (tasks_.size() >= kMost) {
    auto oldest = tasks_.end();
    for (auto at = tasks_.begin(); at != tasks_.end(); ++at) {
      if (!at->second->is_over() || at->second->is_at_work) continue;
      if (oldest == tasks_.end() || at->second->created < oldest->second->created) oldest = at;
    }
    if (oldest == tasks_.end()) return;
    forget(oldest);
  }
}

// Under the lock.
TaskTable::TaskPtr TaskTable::find(std::string_view id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second;
}

bool TaskTable::has(std::string_view id, const Principal& principal) {
  const std::lock_guard lock(mutex_);
  const TaskPtr task = find(id);
  return task != nullptr && task->principal.name == principal.name;
}

std::string TaskTable::get(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const TaskPtr task = find(id);
  return task == nullptr ? "{}" : "{" + members(*task) + "}";
}

void TaskTable::update(std::string_view id, ClientAnswers answers) {
  std::thread ended;
  {
    std::unique_lock lock(mutex_);
    const TaskPtr task = find(id);
    if (task == nullptr || task->status != Task::Status::kInputRequired) return;
    std::erase_if(task->questions, [&](const Question& question) {
      const auto answer = answers.find(question.key);
      if (answer == answers.end()) return false;
      task->answers.insert_or_assign(question.key, std::move(answer->second));
      return true;
    });
    task->updated = clock_.now();
    if (!task->questions.empty()) return tell(*task, lock);
    task->status = Task::Status::kWorking;
    ended = std::move(task->thread);
    tell(*task, lock);  // before the work begins, which may be over at once
    lock.lock();
    const bool goes_on = !task->is_over() && find(id) == task;  // or it was cancelled, or forgotten
    try {
      if (goes_on) start(task);
    } catch (const std::system_error&) {
      settle(*task, Outcome::failed(RpcCode::kInternalError, "The machine has no thread to go on with the task."));
      tell(*task, lock);
    }
  }
  if (ended.joinable()) ended.join();
}

void TaskTable::cancel(std::string_view id) {
  std::unique_lock lock(mutex_);
  const TaskPtr task = find(id);
  if (task == nullptr || task->is_over()) return;
  task->status = Task::Status::kCancelled;
  task->updated = clock_.now();
  task->questions.clear();
  std::stop_source stop = task->stop;
  tell(*task, lock);
  stop.request_stop();  // runs stop callbacks of the work: not under the lock
}

}  // namespace chronos
