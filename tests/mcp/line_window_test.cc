// Lines that are kept while the window reads on, against the text that they are of.
#include "mcp/line_window.h"

#include <fcntl.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/scratch_directory.h"

namespace chronos::test {
namespace {

// What was kept, and what it must still be.
struct Piece {
  LineWindow::Kept kept;
  std::string text;
};

// Takes some lines off the window as an import does.  `next` counts them.
Piece take_some(LineWindow& window, const std::vector<std::string>& lines, size_t& next, Chance& chance) {
  const size_t count = chance.between(1, window.size());
  Piece piece;
  piece.kept = window.keep(count);
  for (size_t i = 0; i < count; i++) {
    REQUIRE(window.text(i) == lines[next + i]);
    piece.text += (i == 0 ? "" : "\n") + lines[next + i];
  }
  next += count;
  window.drop(count);
  return piece;
}

std::string random_line(Chance& chance, size_t most) {
  return std::string(chance.between(1, most), static_cast<char>('a' + chance.below(26)));
}

}  // namespace

TEST_CASE("kept lines stay as they are while a window reads through many buffers", "[import]") {
  for (const uint64_t seed : test_seeds(1, 2)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    std::vector<std::string> lines;
    std::string text;
    while (text.size() < size_t{20} << 20) {
      lines.push_back(random_line(chance, chance.percent(1) ? size_t{1} << 20 : 4000));
      text += lines.back() + "\n";
    }
    const ScratchDirectory directory;
    const int fd = ::open(directory.write("lines", text).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    LineWindow window({fd, -1}, ContentChain{}, {200, size_t{300} << 10});
    std::deque<Piece> pieces;
    std::vector<Piece> rest;  // kept until the end
    size_t next = 0;
    for (;;) {
      REQUIRE(window.fill());
      if (window.size() == 0) break;
      pieces.push_back(take_some(window, lines, next, chance));
      while (pieces.size() > chance.below(40)) {
        REQUIRE(pieces.front().kept.text == pieces.front().text);
        if (chance.percent(5)) rest.push_back(std::move(pieces.front()));
        pieces.pop_front();
      }
    }
    ::close(fd);
    CHECK(next == lines.size());
    for (const Piece& piece : rest) CHECK(piece.kept.text == piece.text);
  }
}

// A pipe gives what there is: most of what is kept ends where the window reads on.
TEST_CASE("kept lines of a pipe stay as they are when more comes", "[import]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  Chance chance(test_seeds(1, 1).front());
  LineWindow window({ends[0], -1}, ContentChain{}, {1, size_t{1} << 20});
  std::vector<std::string> lines;
  std::vector<Piece> pieces;
  size_t next = 0;
  for (int round = 0; round < 300; round++) {
    std::string text;
    for (uint64_t i = chance.between(1, 4); i > 0; i--) {
      lines.push_back(random_line(chance, 200));
      text += lines.back() + "\n";
    }
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(window.fill());
    pieces.push_back(take_some(window, lines, next, chance));
  }
  ::close(ends[1]);
  for (;;) {
    REQUIRE(window.fill());
    if (window.size() == 0) break;
    pieces.push_back(take_some(window, lines, next, chance));
  }
  ::close(ends[0]);
  CHECK(next == lines.size());
  for (const Piece& piece : pieces) CHECK(piece.kept.text == piece.text);
}

}  // namespace chronos::test
