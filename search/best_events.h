// The best of the events that are found one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "search/keyword_search.h"

namespace chronos {

// As many as are wanted, the worst of them in front.  One thread.
class BestEvents {
 public:
  explicit BestEvents(size_t most) : most_(most) {}

  bool is_full() const { return found_.size() == most_; }
  // What scores less is not among them.
  float threshold() const { return is_full() ? found_.front().score : 0.0F; }
  void add(const ScoredEvent& event) {
    if (is_full()) {
      if (!comes_before(event, found_.front())) return;
      std::pop_heap(found_.begin(), found_.end(), comes_before);
      found_.back() = event;
    } else {
      found_.push_back(event);
    }
    std::push_heap(found_.begin(), found_.end(), comes_before);
  }
  std::vector<ScoredEvent> sorted() {
    std::sort(found_.begin(), found_.end(), comes_before);
    return std::move(found_);
  }

 private:
  const size_t most_;
  std::vector<ScoredEvent> found_;
};

}  // namespace chronos
