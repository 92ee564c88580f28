// Holds a store against its model.  Every check returns what differs as one line, or "" when nothing does, so that a
// test can ask for agreement and the proof of the harness itself can ask for disagreement.
#pragma once

#include <string>

#include "core/scan.h"
#include "core/store.h"
#include "core/view.h"
#include "tests/support/chance.h"
#include "tests/support/model_store.h"

namespace chronos::test {

std::string check_event(const Event& event, const ModelEvent& model);

// Everything a view can tell: events, streams, types, tags, ids, times, states.
std::string check_view(const View& view, ModelLine line);
// A few of them, chosen by chance.
std::string check_some(const View& view, ModelLine line, Chance& chance);

// What EventScan and find_matches find, in either order, from any place, with and without a budget.
std::string check_scan(const View& view, ModelLine line, const EventFilter& filter, Chance& chance);

// stage() leaves out the versions of the streams written and the events missed.
enum class ToldBy { kAppend, kStage };
std::string check_outcome(const AppendOutcome& outcome, const ModelOutcome& model, ToldBy told_by);
// The events that a conflict says the caller missed can be read in its view.
std::string check_missed(const Conflict& conflict, ModelLine line);

std::string check_plan(const MergePlan& plan, const ModelMerge& model);
// The ids of the events that a plan appends, in order.
std::vector<std::string> ids_to_append(const View& source, const MergePlan& plan, OnConflict on_conflict);

// The list of forks, and every fork whole.
std::string check_store(const Store& store, const ModelStore& model);

}  // namespace chronos::test
