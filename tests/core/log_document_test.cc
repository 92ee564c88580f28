// The dump in docs/FORMAT.md is what this version writes.  UPDATE=1 in the environment rewrites it.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

const std::string kDocument = std::string(CHRONOS_SOURCE_DIR) + "/docs/FORMAT.md";

class FixedClock final : public Clock {
 public:
  Timestamp now() override { return Timestamp{1'700'000'000'000'000}; }
};

class FixedRandom final : public Random {
 public:
  uint64_t next() override { return 0x0123456789abcdef; }
};

std::string write_small_log() {
  SimulatedDisk disk;
  FixedClock clock;
  FixedRandom random;
  StoreOptions options;
  options.directory = "store";
  options.disk = &disk;
  options.clock = &clock;
  options.random = &random;
  {
    auto store = Store::open(options);
    if (!store) FAIL(store.error().message);
    BatchBuilder builder((*store)->limits());
    BatchHead head;
    head.principal.name = "ann";
    head.request_id = "r1";
    Condition& condition = head.conditions.emplace_back();
    condition.kind = Condition::Kind::kStreamVersion;
    condition.stream = "order-7";
    builder.begin(std::move(head));
    const std::string_view tag = "customer:3";
    NewEvent event{};
    event.stream = "order-7";
    event.type = "OrderPaid";
    event.data = R"({"amount":12.50})";
    event.tags = {&tag, 1};
    REQUIRE(builder.add(event));
    auto batch = builder.finish();
    REQUIRE(batch);
    const auto outcome = (*store)->append(*std::move(batch));
    REQUIRE(outcome);
    REQUIRE(outcome->appended);
  }
  return disk.contents("store/log/00000000000000000001.log");
}

// 16 bytes a line: where, in hexadecimal by eights, as text.
std::string dump(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (size_t line = 0; line < bytes.size(); line += 16) {
    for (const int shift : {8, 4, 0}) text += kDigits[(line >> shift) & 15];
    std::string plain;
    for (size_t at = line; at < line + 16; at++) {
      text += at % 8 == 0 ? "  " : " ";
      if (at >= bytes.size()) {
        text += "  ";
        continue;
      }
      const auto byte = static_cast<unsigned char>(bytes[at]);
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
      plain += byte >= 0x20 && byte < 0x7f ? bytes[at] : '.';
    }
    text += "  " + plain + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the dump in docs/FORMAT.md is what a store writes") {
  std::stringstream content;
  content << std::ifstream(kDocument).rdbuf();
  std::string document = content.str();
  const std::string fence = "```hexdump\n";
  const size_t begin = document.find(fence) + fence.size();
  REQUIRE(begin > fence.size());
  const size_t end = document.find("```", begin);
  REQUIRE(end != std::string::npos);
  const std::string written = dump(write_small_log());
  if (std::getenv("UPDATE") != nullptr) {
    document.replace(begin, end - begin, written);
    std::ofstream(kDocument) << document;
    return;
  }
  CHECK(document.substr(begin, end - begin) == written);
}

}  // namespace chronos::test
