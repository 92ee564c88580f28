#include "bench/search_workload.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

namespace chronos::bench {
namespace {

constexpr size_t kWords = 50'000;
constexpr double kOffset = 20;
constexpr size_t kTypes = 24;
constexpr uint64_t kQuerySeed = 0x5eed;

std::string make_word(size_t rank) {
  static constexpr std::array<const char*, 16> kSyllables = {"ta", "ro", "lu", "mo", "su", "ka", "vo", "pla",
                                                             "no", "du", "go", "hu", "ba", "qua", "na", "stu"};
  std::string word;
  for (size_t n = rank + 16; n > 0; n /= 16) word += kSyllables[n % 16];
  return word;
}

// Neighbours' numbers make sequences that have nothing to do with each other.
Dice dice_of(size_t i) { return Dice(Dice(i).next()); }

}  // namespace

SearchWorkload::SearchWorkload(size_t events) : events_(events), cumulative_(kWords) {
  double sum = 0;
  for (size_t i = 0; i < kWords; i++) cumulative_[i] = sum += 1.0 / (static_cast<double>(i) + 1 + kOffset);
  for (double& each : cumulative_) each /= sum;
  for (size_t i = 0; i < kWords; i++) vocabulary_.push_back(make_word(i));
}

size_t SearchWorkload::draw(Dice& dice) const {
  return static_cast<size_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), dice.unit()) -
                             cumulative_.begin());
}

// The draws of a message's words come first of all, so that a query finds them again.
std::vector<size_t> SearchWorkload::words_of(size_t i) const {
  Dice dice = dice_of(i);
  std::vector<size_t> words(8 + dice.below(27));
  for (size_t& word : words) word = draw(dice);
  return words;
}

SearchWorkload::Message SearchWorkload::message(size_t i) const {
  Message message;
  for (const size_t word : words_of(i)) {
    if (!message.text.empty()) message.text += ' ';
    message.text += vocabulary_[word];
  }
  Dice dice = dice_of(i + (size_t{1} << 40));
  message.type = vocabulary_[kWords - 1 - dice.below(kTypes)];
  std::array<char, 32> name;
  const size_t streams = std::max<size_t>(10, events_ / 100);
  std::snprintf(name.data(), name.size(), "chat-%06zu", static_cast<size_t>(dice.below(streams)));
  message.stream = name.data();
  return message;
}

// Seven of ten words are of one message, the others are any.
std::vector<std::string> SearchWorkload::queries(Kind kind, size_t count) const {
  static constexpr std::array<size_t, 10> kFullSizes = {4, 5, 5, 6, 6, 7, 7, 8, 9, 9};
  static constexpr std::array<size_t, 10> kShortSizes = {1, 1, 2, 2, 3, 3, 3, 3, 3, 3};
  Dice dice(kQuerySeed + static_cast<uint64_t>(kind));
  std::vector<std::string> queries;
  while (queries.size() < count) {
    const std::vector<size_t> message = words_of(dice.below(events_));
    const size_t size = (kind == Kind::kFull ? kFullSizes : kShortSizes)[dice.below(10)];
    std::vector<size_t> words;
    while (words.size() < size) {
      const size_t word = dice.below(10) < 7 ? message[dice.below(message.size())] : draw(dice);
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
    std::string query;
    for (const size_t word : words) query += (query.empty() ? "" : " ") + vocabulary_[word];
    queries.push_back(std::move(query));
  }
  return queries;
}

void SearchWorkload::write(const std::string& directory, size_t queries) const {
  std::ofstream out(directory + "/events.txt", std::ios::trunc);
  for (size_t i = 0; i < events_; i++) out << message(i).all() << '\n';
  for (const Kind kind : {Kind::kFull, Kind::kShort}) {
    std::ofstream asked(directory + "/" + std::string(name_of(kind)) + ".txt", std::ios::trunc);
    for (const std::string& query : this->queries(kind, queries)) asked << query << '\n';
    if (!asked.flush()) die("cannot write to " + directory);
  }
  if (!out.flush()) die("cannot write to " + directory);
}

}  // namespace chronos::bench
