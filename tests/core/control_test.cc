#include "core/control.h"

#include <cstring>

#include "tests/support/catch.h"

namespace chronos {
namespace {

LogRecord sealed(ControlRecord& record, Lsn lsn) {
  seal_record(record.bytes.data(), {lsn, Lsn{0}}, record.body_hash);
  REQUIRE(check_record(record.bytes.data(), record.bytes.size()) == record.bytes.size());
  return record_at(record.bytes.data());
}

TEST_CASE("Changes of the store read back", "[control]") {
  const ForkCreated made{ForkId{3}, ForkId{1}, Position{42}, Timestamp{99}, "try", "to see", "agent", "r-1", "asked"};
  ControlRecord record = encode_change(made, Timestamp{7});
  const LogRecord read = sealed(record, Lsn{5});
  const auto decoded = decode_change(read);
  REQUIRE(decoded);
  CHECK(decoded->recorded_at == Timestamp{7});
  const auto& fork = std::get<ForkCreated>(decoded->change);
  CHECK(fork.fork == made.fork);
  CHECK(fork.parent == made.parent);
  CHECK(fork.position == made.position);
  CHECK(fork.expires_at == made.expires_at);
  CHECK(fork.name == "try");
  CHECK(fork.purpose == "to see");
  CHECK(fork.actor == "agent");
  CHECK(fork.request == "asked");
  CHECK(request_id_of_change(read) == "r-1");

  ControlRecord gone = encode_change(ForkDiscarded{ForkId{3}, "bad idea", "agent", "r-2", "asked"}, Timestamp{8});
  const LogRecord gone_read = sealed(gone, Lsn{6});
  CHECK(std::get<ForkDiscarded>(decode_change(gone_read)->change).reason == "bad idea");
  CHECK(request_id_of_change(gone_read) == "r-2");
  CHECK(*request_of(decode_change(gone_read)->change) == "asked");

  ControlRecord merge = encode_change(
      ForkMerged{ForkId{3}, ForkId{0}, Position{9}, Position{8}, 4, 5, 6, "agent", "r-3", "asked"}, Timestamp{9});
  const LogRecord merge_read = sealed(merge, Lsn{7});
  const auto merged = std::get<ForkMerged>(decode_change(merge_read)->change);
  CHECK(merged.source == ForkId{3});
  CHECK(merged.source_head == Position{9});
  CHECK(merged.target_head == Position{8});
  CHECK(merged.appended == 4);
  CHECK(merged.skipped == 5);
  CHECK(merged.duplicates == 6);
  CHECK(merged.request == "asked");
  CHECK(request_id_of_change(merge_read) == "r-3");

  ControlRecord protect = encode_change(MainProtected{true, "agent"}, Timestamp{10});
  const LogRecord protect_read = sealed(protect, Lsn{8});
  CHECK(std::get<MainProtected>(decode_change(protect_read)->change).is_protected);
  CHECK(request_id_of_change(protect_read).empty());
  CHECK(request_of(decode_change(protect_read)->change) == nullptr);

  ControlRecord setting = encode_change(SettingChanged{"search.k1", "1.2", "agent"}, Timestamp{11});
  const LogRecord setting_read = sealed(setting, Lsn{9});
  const auto changed = std::get<SettingChanged>(decode_change(setting_read)->change);
  CHECK(changed.name == "search.k1");
  CHECK(changed.value == "1.2");
  CHECK(changed.actor == "agent");
  CHECK(request_id_of_change(setting_read).empty());

  ControlRecord first = encode_change(StoreCreated{"0123"}, Timestamp{1});
  CHECK(std::get<StoreCreated>(decode_change(sealed(first, Lsn{1}))->change).store_id == "0123");
}

TEST_CASE("A control record that is not one of ours is corrupt", "[control]") {
  ControlRecord record = encode_change(ForkDiscarded{ForkId{3}, "reason", "agent", "r", "q"}, Timestamp{8});
  const LogRecord good = sealed(record, Lsn{6});
  for (size_t size = 0; size < good.body.size(); size++) {
    LogRecord cut = good;
    cut.body = good.body.substr(0, size);
    const auto decoded = decode_change(cut);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Code::kCorrupt);
  }
  LogRecord no_head = good;
  no_head.head = good.head.substr(0, 8);
  CHECK_FALSE(decode_change(no_head));
  for (const uint32_t kind : {0u, 7u, 1000u}) {
    std::string bytes(good.bytes);
    std::memcpy(bytes.data() + sizeof(RecordHeader) + 8, &kind, sizeof kind);
    CHECK_FALSE(decode_change(record_at(bytes.data())));
  }
}

}  // namespace
}  // namespace chronos
