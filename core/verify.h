// Checks a store's history against itself: every record intact, positions and versions dense, time never going
// back, and the indexes telling the same story as the events.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/sealed_segment.h"
#include "core/store.h"
#include "core/view.h"

namespace chronos {

// Every page of the segments' files, each once.  Added to `report`; false when `go_on` ended it.
bool verify_files(const std::vector<std::shared_ptr<const SealedSegment>>& segments, HistoryReport& report,
                  const std::function<bool(double done)>& go_on);

// `views` are of every fork; a fork's inherited part is checked once, with its parent.  `go_on` is told the share done
// (0 to 1) now and then, and ends the check by returning false.  Any thread.
// Added to `report`; goes on behind what is damaged.
void verify_views(const std::vector<View>& views, HistoryReport& report, const std::function<bool(double done)>& go_on);

}  // namespace chronos
