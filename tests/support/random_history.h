// Random things to do to a store, over few names so that they collide: batches under every kind of condition, true
// and false, re-sent as they were or changed; forks at any past moment; filters.
//
// What is likely differs from seed to seed, so that some runs are nearly all conflicts and others nearly all forks.
#pragma once

#include <string>
#include <vector>

#include "core/store.h"
#include "tests/support/chance.h"
#include "tests/support/model_store.h"

namespace chronos::test {

class RandomHistory {
 public:
  explicit RandomHistory(Chance& chance);

  // A batch for a random living fork.
  ModelBatch batch(const ModelStore& model);
  // A new fork of a random living one, sometimes at an impossible moment, under a taken name or of an unknown parent.
  NewFork fork(const ModelStore& model);
  // A merge of any two of them, possible or not.
  MergeRequest merge(const ModelStore& model);
  // The name of a living fork, main included.
  std::string living(const ModelStore& model);
  Match match();
  Match match_or_none() { return chance_.percent(30) ? Match{} : match(); }
  std::string stream() { return chance_.pick(streams_); }

 private:
  struct Likely {  // in percent
    uint64_t condition, true_condition, request_id, resend, change, client_id, known_id, tag, link, valid_at, metadata;
    uint64_t most_events;
  };
  ModelEvent event(ModelLine line);
  Condition condition(ModelLine line);
  Condition true_condition(ModelLine line);
  Condition any_condition(ModelLine line);
  MatchItem match_item();
  std::string data();
  ModelBatch changed(ModelBatch batch);
  // Events that are there already, under their ids, possibly of several commits.
  ModelEvents known_events(ModelLine line);

  Chance& chance_;
  Likely likely_;
  std::vector<std::string> streams_;
  std::vector<std::string> types_ = {"Opened", "Paid", "Shipped", "Closed"};
  std::vector<std::string> tags_ = {"customer:1", "customer:2", "customer:3", "region:eu", "urgent"};
  std::vector<ModelBatch> sent_;  // those that may be sent again
  uint64_t names_given_ = 0;
};

}  // namespace chronos::test
