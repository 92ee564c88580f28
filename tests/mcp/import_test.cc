#include "mcp/import.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mcp/export.h"
#include "mcp/line_window.h"
#include "tests/support/catch.h"
#include "tests/support/log_records.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/simulated_disk.h"

namespace chronos {
namespace {

using test::ScratchDirectory;
using test::seed_from_environment;
using test::SimulatedDisk;

std::string event_line(int number, const std::string& more = "") {
  return R"({"stream":"s-)" + std::to_string(number % 7) + R"(","type":"T","data":{"n":)" + std::to_string(number) +
         "}" + more + "}";
}

std::string event_lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; i++) text += event_line(i) + "\n";
  return text;
}

// A store on a simulated disk, and imports of texts into it.
class Importer {
 public:
  Importer() {
    StoreOptions options;
    options.directory = "store";
    options.disk = &disk_;
    auto opened = Store::open(options);
    REQUIRE(opened);
    store_ = std::move(*opened);
  }

  ImportReport import(const std::string& text, ImportOptions options = {}) {
    const std::string path = scratch_.write("input", text);
    options.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    options.source = "input";
    StoreImportTarget target(*store_, {options.fork, local_principal("tester")});
    ImportReport report = import_events(target, options);
    ::close(options.fd);
    return report;
  }

  // The member "n" of the events in order, as a text: "0 1 2 ".
  std::string numbers(const std::string& fork = "main") const {
    Address address;
    address.fork = fork;
    auto view = store_->view(address);
    REQUIRE(view);
    std::string text;
    for (uint64_t p = 1; p <= view->head().value; p++) {
      const std::string_view data = view->at(Position{p}).data();
      text += std::string(data.substr(5, data.find_first_of(",}", 5) - 5)) + " ";
    }
    return text;
  }

  Store& store() { return *store_; }

 private:
  ScratchDirectory scratch_;
  SimulatedDisk disk_;
  std::unique_ptr<Store> store_;
};

std::string counted(int from, int to) {
  std::string text;
  for (int i = from; i < to; i++) text += std::to_string(i) + " ";
  return text;
}

}  // namespace

TEST_CASE("an import keeps every line once and in order", "[import]") {
  Importer importer;
  const ImportReport first = importer.import(event_lines(0, 2500));
  CHECK_FALSE(first.failure.has_value());
  CHECK(first.imported == 2500);
  CHECK(first.skipped == 0);
  CHECK(importer.numbers() == counted(0, 2500));

  const ImportReport again = importer.import(event_lines(0, 2500));
  CHECK(again.imported == 0);
  CHECK(again.skipped == 2500);
  CHECK(importer.numbers() == counted(0, 2500));
}

TEST_CASE("a file that has grown continues where its import ended", "[import]") {
  Importer importer;
  REQUIRE(importer.import(event_lines(0, 1300)).imported == 1300);
  const ImportReport grown = importer.import(event_lines(0, 1301));
  CHECK(grown.imported == 1);
  CHECK(grown.skipped == 1300);
  const ImportReport more = importer.import(event_lines(0, 5000));
  CHECK(more.imported == 3699);
  CHECK(importer.numbers() == counted(0, 5000));
}

TEST_CASE("whatever was cut how and stopped where, every line is there once and in order", "[import]") {
  const uint64_t seed = seed_from_environment(20261122);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10; round++) {
    Importer importer;
    int lines = 0;
    for (int run = 0; run < 6; run++) {
      lines += static_cast<int>(random() % 3000);
      ImportOptions options;
      options.block_lines = size_t{1} << (random() % 14);
      const ImportReport report = importer.import(event_lines(0, lines), options);
      REQUIRE_FALSE(report.failure.has_value());
      REQUIRE(report.imported + report.skipped == static_cast<uint64_t>(lines));
      REQUIRE(importer.numbers() == counted(0, lines));
    }
  }
}

TEST_CASE("what came through a pipe is put before more is waited for", "[import][threads]") {
  Importer importer;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ImportReport report;
  std::promise<void> put;
  std::thread reader([&] {
    ImportOptions options;
    options.fd = ends[0];
    options.progress = [&, told = false](uint64_t events, uint64_t) mutable {
      if (events > 0 && !std::exchange(told, true)) put.set_value();
    };
    StoreImportTarget target(importer.store(), {"main", local_principal("tester")});
    report = import_events(target, options);
  });
  const std::string text = event_lines(0, 8500);
  REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  CHECK(put.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  CHECK(report.imported == 8500);
  CHECK(importer.numbers() == counted(0, 8500));
}

TEST_CASE("large lines make smaller blocks, and resume as well", "[import]") {
  Importer importer;
  std::string text;
  for (int i = 0; i < 40; i++) {
    const std::string filler(static_cast<size_t>(i % 5) * 100'000, 'x');
    text += event_line(i, R"(,"metadata":{"f":")" + filler + "\"}") + "\n";
  }
  const std::string part = text.substr(0, text.find(R"("n":23)"));
  REQUIRE(importer.import(part.substr(0, part.rfind('\n') + 1)).imported == 23);
  CHECK(importer.import(text).imported == 17);
  CHECK(importer.numbers() == counted(0, 40));
}

TEST_CASE("the first bad line ends the import, is named, and what came before is kept", "[import]") {
  const std::string good = event_lines(0, 300);
  const auto bad = GENERATE(R"({"stream":"s","type":"T","data":[]})", R"({"stream":"s","type":"T","data":{})", "[1]",
                            R"({"stream":"","type":"T","data":{}})", R"({"stream":"s","type":"T","data":{},"x":1})",
                            "{\"stream\":\"s\",\"type\":\"T\",\"data\":{\"n\":\"\xff\"}}");
  Importer importer;
  const ImportReport report = importer.import("\n" + good + bad + "\n" + event_lines(300, 2000));
  REQUIRE(report.failure.has_value());
  CHECK(report.failure->message.find("input:302: ") == 0);
  CHECK(report.imported == 300);
  CHECK(importer.numbers() == counted(0, 300));
  // Mended, it goes on.
  CHECK(importer.import(event_lines(0, 2000)).imported == 1700);
  CHECK(importer.numbers() == counted(0, 2000));
}

TEST_CASE("a line beyond every limit is named, and what came before is kept", "[import]") {
  Importer importer;
  const ImportReport report = importer.import(event_lines(0, 5) + std::string(9 << 20, '{'));
  REQUIRE(report.failure.has_value());
  CHECK(report.failure->code == Code::kTooLarge);
  CHECK(report.failure->message.find("input:6: ") == 0);
  CHECK(importer.numbers() == counted(0, 5));
}

TEST_CASE("another import id, or another fork, imports the same lines once more", "[import]") {
  Importer importer;
  REQUIRE(importer.import(event_lines(0, 10)).imported == 10);
  NewFork fork;
  fork.name = "what-if";
  REQUIRE(importer.store().create_fork(fork));
  ImportOptions second;
  second.import_id = "second";
  CHECK(importer.import(event_lines(0, 10), second).imported == 10);
  CHECK(importer.import(event_lines(0, 10), second).imported == 0);
  CHECK(importer.numbers() == counted(0, 10) + counted(0, 10));
  ImportOptions forked;
  forked.fork = "what-if";
  CHECK(importer.import(event_lines(0, 10), forked).imported == 10);
  CHECK(importer.numbers("what-if") == counted(0, 10) + counted(0, 10));
}

TEST_CASE("white space between lines does not matter, and the last line needs no end", "[import]") {
  Importer importer;
  REQUIRE(importer.import(event_lines(0, 20)).imported == 20);
  std::string windows;
  for (int i = 0; i < 21; i++) windows += "\r\n \t\n" + event_line(i) + (i == 20 ? "" : "\r\n");
  const ImportReport report = importer.import(windows);
  CHECK(report.skipped == 20);
  CHECK(report.imported == 1);
  CHECK(importer.import("").imported == 0);
  CHECK(importer.numbers() == counted(0, 21));
}

TEST_CASE("an unknown fork is told, and nothing is imported", "[import]") {
  Importer importer;
  ImportOptions options;
  options.fork = "nowhere";
  const ImportReport report = importer.import(event_lines(0, 10), options);
  REQUIRE(report.failure.has_value());
  CHECK(report.failure->code == Code::kNotFound);
  CHECK(importer.numbers().empty());
}

TEST_CASE("an import that is asked to stop says so and can be resumed", "[import]") {
  Importer importer;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  ImportOptions options;
  options.block_lines = 16;
  options.stop_fd = pipe[0];
  options.progress = [&](uint64_t events, uint64_t) {
    if (events == 64) REQUIRE(::write(pipe[1], "x", 1) == 1);
  };
  const ImportReport stopped = importer.import(event_lines(0, 1000), options);
  CHECK(stopped.stopped);
  CHECK_FALSE(stopped.failure.has_value());
  CHECK(importer.numbers() == counted(0, 64));
  CHECK(importer.import(event_lines(0, 1000)).imported == 936);
  CHECK(importer.numbers() == counted(0, 1000));
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("an export of one store imports into another, and exports the same again", "[import][export]") {
  Importer first;
  REQUIRE_FALSE(first
                    .import(event_line(1, R"(,"id":"one","tags":["a","b"],"correlation_id":"c")") + "\n" +
                            event_line(2, R"(,"metadata":{"k":"v"},"causation_id":"one")") + "\n" +
                            event_line(3, R"(,"valid_at":"2020-01-01T00:00:00Z","embedding":[0.5,2])") + "\n")
                    .failure.has_value());
  const auto exported = [](Store& store) {
    std::string text;
    ExportOptions options;
    options.write = [&](std::string_view lines) -> Result<void> {
      text += lines;
      return {};
    };
    auto report = export_events(store, options);
    REQUIRE(report);
    return text;
  };
  const std::string once = exported(first.store());
  Importer second;
  REQUIRE(second.import(once).imported == 3);
  auto before = first.store().view({});
  auto after = second.store().view({});
  REQUIRE(after->head() == Position{3});
  for (uint64_t p = 1; p <= 3; p++) {
    const Event one = before->at(Position{p});
    const Event other = after->at(Position{p});
    CHECK(one.id() == other.id());
    CHECK(one.stream() == other.stream());
    CHECK(one.data() == other.data());
    CHECK(one.metadata() == other.metadata());
    CHECK(one.valid_at() == other.valid_at());
    CHECK(one.tag_count() == other.tag_count());
    CHECK(one.embedding_size() == other.embedding_size());
    CHECK(one.correlation_id() == other.correlation_id());
    CHECK(one.causation_id() == other.causation_id());
  }
  Importer third;
  REQUIRE(third.import(exported(second.store())).imported == 3);
}

TEST_CASE("an export can be of a stream, of the past, and of what came since", "[export]") {
  Importer importer;
  REQUIRE(importer.import(event_lines(0, 100)).imported == 100);
  const auto count = [&](ExportOptions options) {
    options.write = [](std::string_view) -> Result<void> { return {}; };
    auto report = export_events(importer.store(), options);
    REQUIRE(report);
    return report->events;
  };
  CHECK(count({}) == 100);
  ExportOptions past;
  past.as_of = "40";
  CHECK(count(past) == 40);
  past.since = Position{30};
  CHECK(count(past) == 10);
  past.as_of = "";
  past.since = Position{100};
  CHECK(count(past) == 0);
  ExportOptions before;
  before.as_of = "2001-01-01T00:00:00Z";
  CHECK(count(before) == 0);
  ExportOptions one;
  one.stream = "s-0";
  CHECK(count(one) == 15);
  ExportOptions wrong;
  wrong.as_of = "yesterday";
  auto refused = export_events(importer.store(), wrong);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("'yesterday'") != std::string::npos);
}

}  // namespace chronos
