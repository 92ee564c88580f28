#include "mcp/line_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/random_json.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

struct Ends {
  int read_end = -1;
  int write_end = -1;

  Ends() {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    read_end = fds[0];
    write_end = fds[1];
  }
  ~Ends() {
    close_reader();
    close_writer();
  }
  void close_reader() {
    if (read_end >= 0) ::close(std::exchange(read_end, -1));
  }
  void close_writer() {
    if (write_end >= 0) ::close(std::exchange(write_end, -1));
  }
  void put(std::string_view bytes) const {
    REQUIRE(::write(write_end, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
  }
};

using Event = LineReader::Event;

// All events of a reader up to the end: lines as "=TEXT", others by name.
std::vector<std::string> events(LineReader& reader) {
  std::vector<std::string> seen;
  Line line;
  for (;;) {
    switch (reader.next(&line)) {
      case Event::kLine: seen.push_back("=" + std::string(line.text())); break;
      case Event::kTooLong: seen.emplace_back("too long"); break;
      case Event::kQuiet: seen.emplace_back("quiet"); break;
      case Event::kEnd: return seen;
    }
  }
}

using Seen = std::vector<std::string>;

LineReader::Options options(const Ends& in, const Ends& out, size_t limit) {
  return {in.read_end, out.write_end, -1, limit, std::chrono::milliseconds(60'000)};
}

}  // namespace

TEST_CASE("lines end with a newline, a carriage return before it, or the input", "[mcp]") {
  Ends in, out;
  LineReader reader(options(in, out, 100));
  in.put(std::string("one\ntwo\r\n\n\r\n  \nwith\rin\0side\n\r\r\nlast", 35));
  in.close_writer();
  CHECK(events(reader) == Seen{"=one", "=two", "=  ", std::string("=with\rin\0side", 13), "=\r", "=last"});
}

TEST_CASE("a line over the limit is told once and skipped to its end", "[mcp]") {
  Ends in, out;
  LineReader reader(options(in, out, 10));
  in.put("0123456789\n01234567890\nnext\n" + std::string(5000, 'x'));
  in.put(std::string(5000, 'y') + "\nlast\n" + std::string(11, 'z'));
  in.close_writer();
  CHECK(events(reader) == Seen{"=0123456789", "too long", "=next", "too long", "=last", "too long"});
}

TEST_CASE("lines come out as they went in, however the bytes are cut", "[mcp]") {
  const uint64_t seed = testing::json_seed(20'261'124);
  INFO("CHRONOS_SEED=" << seed);
  testing::RandomJson random(seed, {});
  constexpr size_t kLimit = 300'000;
  Seen expected;
  std::string bytes;
  for (int i = 0; i < 400; ++i) {
    const size_t size = random.percent(5) ? random.below(2 * kLimit) : 1 + random.below(300);
    const std::string text(size, static_cast<char>('a' + random.below(26)));
    bytes += text + "\n";
    if (size > 0) expected.push_back(size > kLimit ? "too long" : "=" + text);
  }
  Ends in, out;
  std::thread writer([&] {
    for (size_t begin = 0; begin < bytes.size();) {
      const size_t size = std::min(bytes.size() - begin, 1 + random.below(random.percent(50) ? 100 : 100'000));
      begin += static_cast<size_t>(::write(in.write_end, bytes.data() + begin, size));
    }
    in.close_writer();
  });
  LineReader reader(options(in, out, kLimit));
  const Seen seen = events(reader);
  writer.join();
  CHECK(seen == expected);
}

TEST_CASE("a reader tells once that it is quiet, and never before the first input", "[mcp]") {
  Ends in, out, stop;
  LineReader::Options quick = options(in, out, 100);
  quick.stop_fd = stop.read_end;
  quick.quiet_after = std::chrono::milliseconds(1);
  LineReader reader(quick);
  in.put("a\nb\n");
  Line line;
  CHECK(reader.next(&line) == Event::kLine);
  CHECK(reader.next(&line) == Event::kLine);
  CHECK(reader.next(&line) == Event::kQuiet);
  in.put("c\n");
  CHECK(reader.next(&line) == Event::kLine);
  CHECK(reader.next(&line) == Event::kQuiet);
  stop.put("x");
  CHECK(reader.next(&line) == Event::kEnd);
  CHECK(reader.next(&line) == Event::kEnd);
}

TEST_CASE("whole lines are still given after the request to stop, half ones are not", "[mcp]") {
  Ends in, out, stop;
  LineReader::Options with_stop = options(in, out, 100);
  with_stop.stop_fd = stop.read_end;
  LineReader reader(with_stop);
  in.put("a\nb\nhalf");
  Line line;
  CHECK(reader.next(&line) == Event::kLine);
  stop.put("x");
  CHECK(events(reader) == Seen{"=b"});
}

TEST_CASE("a reader ends when nobody reads our output", "[mcp]") {
  Ends in, out;
  LineReader reader(options(in, out, 100));
  out.close_reader();
  CHECK(events(reader).empty());
}

TEST_CASE("a line is followed by padding, wherever it is moved", "[mcp]") {
  Line line("x");
  const char* const bytes = line.text().data();
  const Line moved = std::move(line);
  CHECK(moved.text() == "x");
  CHECK(moved.text().data() == bytes);
  CHECK(std::string_view(bytes + 1, kSimdPadding) == std::string(kSimdPadding, '\0'));
}

TEST_CASE("a message is written as one line", "[mcp]") {
  Ends out;
  LineWriter writer(out.write_end);
  CHECK(writer.write("{\"a\":\r\n1,\n\"b\":\"\\n\"}"));
  CHECK(writer.write("{}"));
  out.close_writer();
  char bytes[100];
  const ssize_t count = ::read(out.read_end, bytes, sizeof bytes);
  CHECK(std::string_view(bytes, static_cast<size_t>(count)) == "{\"a\":  1, \"b\":\"\\n\"}\n{}\n");
}

TEST_CASE("a long message gets through a full pipe that does not block", "[mcp]") {
  Ends out;
  REQUIRE(::fcntl(out.write_end, F_SETFL, O_NONBLOCK) == 0);
  const std::string message(1'000'000, 'x');
  std::string received;
  std::thread client([&] {
    char bytes[4096];
    for (ssize_t count; (count = ::read(out.read_end, bytes, sizeof bytes)) > 0;) received.append(bytes, count);
  });
  LineWriter writer(out.write_end);
  const bool was_written = writer.write(message);
  out.close_writer();
  client.join();
  CHECK(was_written);
  CHECK(received == message + "\n");
}

TEST_CASE("writing ends when the reader is gone", "[mcp]") {
  std::signal(SIGPIPE, SIG_IGN);
  Ends out;
  out.close_reader();
  LineWriter writer(out.write_end);
  CHECK(!writer.write("a"));
  CHECK(!writer.write("b"));
}

}  // namespace chronos
