// Plays tests/mcp/transcripts/*.txt against a StdioServer.  The lines of a transcript:
//
//   > BYTES   sent with a line end; \xHH is that byte, \@N(C) the character C written N times
//   >. BYTES  sent without a line end
//   < LINE    the next line that comes must be this one; * stands for any characters
//   <~ LINE   the same, but lines of this kind that follow each other may come in any order
//   ! hold N  waits until N calls of the tool hold have begun since the start
//   ! end     the input ends
//   # ...     a comment
//
// At the end of a transcript the input ends, and nothing more may have been sent.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/stdio_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  if (rest.empty()) return true;
  // What the next star does not need may be taken by this one: the first place is as good as any, unless it is the end.
  const size_t next_star = rest.find('*');
  if (next_star == rest.npos) return text.size() >= star + rest.size() && text.ends_with(rest);
  const size_t place = text.find(rest.substr(0, next_star), star);
  return place != text.npos && matches(rest, text.substr(place));
}

std::string decode(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text.starts_with("\\x")) {
      bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16)));
      text.remove_prefix(4);
    } else if (text.starts_with("\\@")) {
      const size_t open = text.find('(');
      bytes.append(std::stoul(std::string(text.substr(2, open - 2))), text[open + 1]);
      text.remove_prefix(open + 3);
    } else {
      bytes.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return bytes;
}

void expect_unordered(StdioSession& session, std::vector<std::string> patterns) {
  while (!patterns.empty()) {
    const std::string line = session.receive();
    INFO("received: " << line);
    const auto found = std::find_if(patterns.begin(), patterns.end(),
                                    [&](const std::string& pattern) { return matches(pattern, line); });
    REQUIRE(found != patterns.end());
    patterns.erase(found);
  }
}

void obey(StdioSession& session, const std::string& line) {
  const std::string_view text = line;
  if (text.starts_with("> ")) {
    session.send(decode(text.substr(2)));
  } else if (text.starts_with(">. ")) {
    session.send_bytes(decode(text.substr(3)));
  } else if (text.starts_with("< ")) {
    const std::string received = session.receive();
    INFO("received: " << received);
    REQUIRE(matches(text.substr(2), received));
  } else if (text.starts_with("! hold ")) {
    session.backend().wait_for_holders(std::stoi(line.substr(7)));
  } else if (text == "! end") {
    session.close_input();
  } else {
    REQUIRE((text.empty() || text.starts_with("#")));
  }
}

void play(std::istream& transcript) {
  StdioSession session;
  std::vector<std::string> unordered;
  std::string line;
  for (int number = 1; std::getline(transcript, line); ++number) {
    INFO("line " << number << ": " << line.substr(0, 300));
    if (line.starts_with("<~ ")) {
      unordered.push_back(line.substr(3));
      continue;
    }
    expect_unordered(session, std::exchange(unordered, {}));
    obey(session, line);
  }
  expect_unordered(session, std::exchange(unordered, {}));
  session.close_input();
  REQUIRE(session.finish() == std::vector<std::string>());
}

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder = std::filesystem::path(CHRONOS_SOURCE_DIR) / "tests/mcp/transcripts";
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("transcripts of the protocol", "[mcp]") {
  const std::vector<std::filesystem::path> files = transcripts();
  REQUIRE(files.size() >= 10);
  for (const std::filesystem::path& file : files) {
    INFO("transcript: " << file.filename().string());
    std::ifstream transcript(file);
    REQUIRE(transcript);
    play(transcript);
  }
}

TEST_CASE("a transcript that does not match is noticed", "[mcp]") {
  CHECK(matches("a*c", "abc"));
  CHECK(matches("*", ""));
  CHECK(!matches("a*c", "abd"));
  CHECK(!matches("abc", "abcd"));
  CHECK(!matches("ab*ba", "aba"));
  CHECK(matches("*b*b", "abab"));
  CHECK(matches("*x*y*", "axxbyc"));
  CHECK(!matches("*y*x*", "axxbyc"));
  CHECK(decode("a\\x00b\\@3(x)") == std::string("a\0bxxx", 6));
}

}  // namespace chronos
