// Checks a store's history against itself: every record intact, positions and versions dense, time never going
// back, and the indexes telling the same story as the events.
#pragma once

#include <functional>
#include <vector>

#include "core/store.h"
#include "core/view.h"

namespace chronos {

// `views` are of every fork; a fork's inherited part is checked once, with its parent.  `go_on` is told the share done
// (0 to 1) now and then, and ends the check by returning false.  Any thread.
HistoryReport verify_views(const std::vector<View>& views, const std::function<bool(double done)>& go_on);

}  // namespace chronos
