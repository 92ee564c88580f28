#include "mcp/fork_drawing.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace chronos {

using Json = nlohmann::json;

TEST_CASE("forks are drawn as a tree, children under their parent in order", "[cli]") {
  const Json answer = Json::parse(R"({"forks":[
    {"fork":"main","head":42,"own_events":42},
    {"fork":"try-2","parent":"main","position":20,"head":25,"own_events":5,
     "expires_at":"2026-11-29T14:43:12.016732Z","purpose":"cheaper\nplan"},
    {"fork":"try-3","parent":"main","position":42,"head":42,"own_events":0},
    {"fork":"deeper","parent":"try-2","position":22,"head":23,"own_events":1},
    {"fork":"caf\u00e9","parent":"deeper","position":22,"head":22,"own_events":0}]})");
  CHECK("\n" + draw_forks(answer) == R"(
FORK              FROM  HEAD  EVENTS  EXPIRES               PURPOSE
main                 -    42      42
|-- try-2           20    25       5  2026-11-29T14:43:12Z  cheaper plan
|   `-- deeper      22    23       1
|       `-- café    22    22       0
`-- try-3           42    42       0
)");
}

TEST_CASE("a tree with older forks left out is drawn from what there is", "[cli]") {
  const Json answer = Json::parse(R"({"forks":[
    {"fork":"main","head":1,"own_events":1},
    {"fork":"deeper","parent":"gone","position":1,"head":1,"own_events":0},
    {"fork":"deepest","parent":"deeper","position":1,"head":1,"own_events":0}],"more_forks":1})");
  CHECK("\n" + draw_forks(answer) == R"(
FORK         FROM  HEAD  EVENTS  EXPIRES  PURPOSE
main            -     1       1
deeper          1     1       0
`-- deepest     1     1       0
1 older fork is not shown
)");
}

TEST_CASE("forks nested very deep are drawn", "[cli]") {
  Json forks = Json::array({{{"fork", "main"}, {"head", 0}, {"own_events", 0}}});
  for (int i = 1; i <= 2000; i++) {
    const std::string parent = i == 1 ? "main" : "f" + std::to_string(i - 1);
    forks.push_back(
        {{"fork", "f" + std::to_string(i)}, {"parent", parent}, {"position", 0}, {"head", 0}, {"own_events", 0}});
  }
  CHECK(draw_forks({{"forks", forks}}).find("`-- f2000") != std::string::npos);
}

TEST_CASE("a preview is a table of batches and what stands out", "[cli]") {
  const Json answer = Json::parse(R"({"preview_token":"1.2.3.4","batches":[
    {"position":8,"events":2,"status":"clean"},
    {"position":10,"events":1,"status":"conflict","condition":{"stream":"order-7","version":2},
     "found":{"actual_version":3}},
    {"position":11,"events":1,"status":"conflict","condition":{"none_match":[{"types":["OrderPaid","OrderCancelled"]}],
     "after":1042},"found":{"first_match":1043}},
    {"position":12,"events":1,"status":"conflict","condition":{"some_match":[{"types":["Y"]}]},"found":{}},
    {"position":13,"events":1,"status":"conflict","condition":{"head":7},"found":{"head":9,"position":8}},
    {"position":14,"events":1,"status":"conflict","condition":{"head":13},"found":{"head":9}},
    {"position":15,"events":1,"status":"conflict","found":{"id":"e-1","position":9}},
    {"position":16,"events":10,"status":"duplicate"}],
    "touched_on_both":[{"stream":"order-7","source_events":1,"target_events":2}],
    "would_append":2,"skipped":6,"duplicates":10,"at":{"fork":"main","position":9}})");
  CHECK("\n" + draw_preview(answer) == R"(
POSITION  EVENTS  STATUS     CONDITION                                         FOUND
       8       2  clean
      10       1  conflict   {"stream":"order-7","version":2}                  version 3
      11       1  conflict   {"after":1042,"none_match":[{"types":["OrderP...  event 1043 matches
      12       1  conflict   {"some_match":[{"types":["Y"]}]}                  no event matches
      13       1  conflict   {"head":7}                                        head 9, first event 8
      14       1  conflict   {"head":13}                                       head 9, a batch before it stays behind
      15       1  conflict                                                     id e-1 is taken by event 9
      16      10  duplicate
both sides appended to order-7: 1 in the fork, 2 in the target
would append 2 events to main@9, skip 6, 10 are there already
)");
}

TEST_CASE("a preview that was cut says how much it leaves out", "[cli]") {
  const Json answer = Json::parse(R"({"preview_token":"1.2.3.4","batches":[{"position":8,"events":1,"status":"clean"}],
    "more_batches":3,"totals":{"clean":2,"conflict":0,"duplicate":2},"touched_on_both":[],"more_touched":1,
    "would_append":2,"duplicates":2,"at":{"fork":"main","position":9}})");
  CHECK("\n" + draw_preview(answer) == R"(
POSITION  EVENTS  STATUS  CONDITION  FOUND
       8       1  clean
... and 3 batches more; in all 2 clean, 0 in conflict, 2 duplicate
... and to 1 stream more
would append 2 events to main@9, 2 are there already
)");
  Json empty = {{"preview_token", "1.2.3.4"},
                {"batches", Json::array()},
                {"would_append", 0},
                {"at", {{"fork", "main"}, {"position", 9}}}};
  CHECK(draw_preview(empty) == "no batches to merge\nwould append 0 events to main@9\n");
  empty.erase("preview_token");
  CHECK(draw_preview(empty) == "no batches to merge\na conflict is in the way: nothing would be appended to main@9\n");
}

TEST_CASE("a difference of all streams, and of one", "[cli]") {
  const Json all = Json::parse(R"({"ancestor":{"fork":"main","position":2},
    "left_only":{"events":0,"streams":{},"types":{}},
    "right_only":{"events":3,"streams":{"a":2,"b":1},"types":{"Set":2,"Made":1},"more_types":4},
    "changed":[{"stream":"a","left_version":1,"right_version":3}],
    "left_at":{"fork":"main","position":2},"at":{"fork":"try-2","position":5}})");
  CHECK("\n" + draw_difference(all, "") == R"(
left   main@2
right  try-2@5
the same up to main@2
only left   0 events
only right  3 events: Made 1, Set 2, and 4 more types
a  version 1 -> 3
)");
  const Json one = Json::parse(R"({"differences":[{"path":"/status","left":"placed","right":"paid"},
    {"path":"/new","right":{"x":1}}],"events":[{"position":3,"type":"Paid","data":{"status":"paid"},"side":"right"}],
    "left_at":{"fork":"main","position":2},"at":{"fork":"try-2","position":5}})");
  CHECK("\n" + draw_difference(one, "a") == R"(
left   main@2
right  try-2@5
/status  "placed" -> "paid"
/new  (absent) -> {"x":1}
> 3  Paid  {"status":"paid"}
)");
}

}  // namespace chronos
