// A log of four records, damaged as the input says (bytes changed, cut, garbage behind): opening it gives the records
// from the first on, unchanged, or says it is corrupt; after a torn tail was cut, the next opening finds it clean.
#include <algorithm>
#include <map>

#include "core/log.h"
#include "core/log_format.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

const std::vector<std::string> kBodies = {"one", "two, longer than one record's alignment", "", "four"};

struct Pristine {
  std::map<std::string, std::string> files;
};

Pristine make_pristine() {
  SimulatedDisk disk;
  auto opened = open_and_replay(disk, {.directory = "/d"});
  CHECK(opened);
  CHECK(append_bodies(*opened->log, std::span(kBodies).first(2), {Lsn{0}, Lsn{0}}));
  CHECK(append_bodies(*opened->log, std::span(kBodies).last(2), {Lsn{2}, Lsn{2}}));
  return {disk.files()};
}

void damage(std::string& bytes, FuzzFields& input) {
  const int changes = input.byte() % 4;
  for (int i = 0; i < changes && !bytes.empty(); i++) {
    const size_t at = (size_t{input.byte()} << 8 | input.byte()) % bytes.size();
    bytes[at] = static_cast<char>(input.byte());
  }
  if (input.byte() % 2 == 1) bytes.resize(bytes.size() - std::min<size_t>(bytes.size(), input.byte()));
  bytes += input.rest();
}

}  // namespace
}  // namespace chronos::test

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  using namespace chronos::test;
  static const Pristine pristine = make_pristine();
  const FuzzInput input(bytes, size);
  FuzzFields fields(input.text());
  SimulatedDisk disk;
  CHECK(disk.create_directories("/d/log"));
  for (auto [path, contents] : pristine.files) {
    if (path.ends_with(".log")) damage(contents, fields);
    CHECK(disk.create_directories(path.substr(0, path.rfind('/'))));
    disk.put(path, contents);
  }
  auto first = open_and_replay(disk, {.directory = "/d"});
  if (!first) {
    CHECK(first.error().code == Code::kCorrupt || first.error().code == Code::kInvalidArgument);
    CHECK(!first.error().message.empty());
    return 0;
  }
  const std::vector<std::string> found = first->found.bodies;
  CHECK(found.size() <= kBodies.size());
  CHECK(std::equal(found.begin(), found.end(), kBodies.begin()));
  first->log.reset();
  auto second = open_and_replay(disk, {.directory = "/d"});
  CHECK(second);
  CHECK(second->found.bodies == found);
  CHECK(second->found.end.cut_bytes == 0);
  return 0;
}
