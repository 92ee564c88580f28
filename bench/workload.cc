#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <unordered_map>

#include "bench/measure.h"
#include "core/log.h"

namespace chronos::bench {
namespace {

struct Theme {
  const char* prefix;
  const char* id_key;
  std::array<const char*, 6> types;
};
constexpr std::array<Theme, 4> kThemes = {{
    {"order",
     "order_id",
     {"OrderPlaced", "OrderPaid", "OrderPacked", "OrderShipped", "OrderDelivered", "OrderNoteAdded"}},
    {"agent", "run_id", {"ToolCalled", "ToolReturned", "PlanRevised", "MemoryStored", "MessageSent", "RunFinished"}},
    {"ticket",
     "ticket_id",
     {"TicketOpened", "TicketAssigned", "CommentAdded", "PriorityChanged", "TicketResolved", "TicketClosed"}},
    {"account",
     "account_id",
     {"AccountOpened", "FundsDeposited", "FundsWithdrawn", "LimitChanged", "AddressChanged", "StatementIssued"}},
}};
constexpr std::array<const char*, 6> kStatus = {"pending", "active", "review", "failed", "done", "cancelled"};
constexpr std::array<const char*, 5> kRegion = {"eu-west", "eu-north", "us-east", "us-west", "ap-south"};
constexpr std::array<const char*, 3> kTier = {"bronze", "silver", "gold"};

// Ranks 0..n-1, the first the most frequent: P(rank) ~ 1 / (rank + 1)^s.
class Zipf {
 public:
  Zipf(size_t n, double s) : cumulative_(n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) cumulative_[i] = sum += 1.0 / std::pow(static_cast<double>(i + 1), s);
    for (double& c : cumulative_) c /= sum;
  }
  size_t operator()(Dice& dice) const {
    return static_cast<size_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), dice.unit()) -
                               cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

std::string make_word(size_t rank) {
  static constexpr std::array<const char*, 16> kSyllables = {"ta", "re", "lo", "mi",  "sun", "ker", "vo", "pli",
                                                             "an", "do", "ge", "hir", "ba",  "quo", "ne", "stu"};
  std::string word;
  for (size_t n = rank + 16; n > 0; n /= 16) word += kSyllables[n % 16];
  return word;
}

class Generator {
 public:
  explicit Generator(size_t streams) : streams_(streams, 0.8), words_(20000, 1.0), seen_(streams) {
    for (size_t i = 0; i < 20000; i++) vocabulary_.push_back(make_word(i));
    for (size_t i = 0; i < streams; i++) shuffled_.push_back(static_cast<uint32_t>(i));
    for (size_t i = streams; i > 1; i--) std::swap(shuffled_[i - 1], shuffled_[dice_.below(i)]);
  }
  void add_line(std::string& out) {
    const uint32_t stream = shuffled_[streams_(dice_)];
    const Theme& theme = kThemes[stream % kThemes.size()];
    const char* type = seen_[stream]++ == 0 ? theme.types[0] : theme.types[1 + dice_.below(5)];
    std::string text;
    for (uint64_t left = 9 + dice_.below(7); left > 0; left--)
      text += vocabulary_[words_(dice_)] + (left > 1 ? " " : "");
    if (dice_.below(20) == 0) text += " caf\xc3\xa9 \\\"quoted\\\"";
    const uint64_t a = dice_.next();
    const uint64_t b = dice_.next();
    char line[1024];
    const int length = std::snprintf(
        line, sizeof line,
        "{\"stream\":\"%s-%06u\",\"type\":\"%s\",\"data\":{\"%s\":\"%08x\",\"amount\":%u.%02u,\"quantity\":%u,"
        "\"status\":\"%s\",\"text\":\"%s\",\"customer\":{\"id\":%u,\"region\":\"%s\",\"tier\":\"%s\",\"vip\":%s}},"
        "\"metadata\":{\"correlation_id\":\"%08x-%04x-%04x-%04x-%012llx\",\"actor\":\"agent-%03u\"}}\n",
        theme.prefix, stream, type, theme.id_key, stream * 2654435761u, static_cast<unsigned>(dice_.below(5000)),
        static_cast<unsigned>(dice_.below(100)), static_cast<unsigned>(1 + dice_.below(9)), kStatus[dice_.below(6)],
        text.c_str(), static_cast<unsigned>(10000 + dice_.below(90000)), kRegion[dice_.below(5)], kTier[dice_.below(3)],
        dice_.below(10) == 0 ? "true" : "false", static_cast<unsigned>(a), static_cast<unsigned>(a >> 32) & 0xffff,
        static_cast<unsigned>(a >> 48), static_cast<unsigned>(b >> 48),
        static_cast<unsigned long long>(b & 0xffffffffffff), static_cast<unsigned>(dice_.below(200)));
    out.append(line, static_cast<size_t>(length));
  }

 private:
  Dice dice_{42};
  Zipf streams_;
  Zipf words_;
  std::vector<std::string> vocabulary_;
  std::vector<uint32_t> shuffled_;
  std::vector<uint32_t> seen_;
};

// Cuts the text into lines and counts streams.  Every line begins with its stream.
void index_lines(Workload& workload, size_t limit) {
  constexpr std::string_view kStart = "{\"stream\":\"";
  std::unordered_map<std::string, size_t> counts;
  std::string_view rest = workload.all();
  while (!rest.empty() && workload.lines.size() < limit) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (!line.starts_with(kStart)) die("the workload's lines begin with their stream; this one does not");
    std::string stream(line.substr(kStart.size(), line.find('"', kStart.size()) - kStart.size()));
    if (counts[stream]++ == 0) workload.streams.push_back(stream);
    workload.lines.push_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  workload.size -= rest.size();
  for (const std::string& stream : workload.streams) {
    if (counts[stream] >= 90 && counts[stream] <= 110) workload.hundred_streams.push_back(stream);
  }
  if (workload.hundred_streams.empty()) workload.hundred_streams.push_back(workload.streams.front());
}

Workload from_text(std::string_view text, size_t limit) {
  Workload workload;
  workload.text = std::make_unique<char[]>(text.size() + kSimdPadding);
  workload.size = text.size();
  std::memcpy(workload.text.get(), text.data(), text.size());
  index_lines(workload, limit);
  return workload;
}

}  // namespace

LineFields split_line(std::string_view line) {
  constexpr std::string_view kStream = "{\"stream\":\"";
  constexpr std::string_view kType = "\",\"type\":\"";
  constexpr std::string_view kData = "\",\"data\":";
  constexpr std::string_view kMetadata = ",\"metadata\":";
  const size_t type = line.find(kType);
  const size_t data = line.find(kData, type);
  const size_t metadata = line.rfind(kMetadata);
  if (type == line.npos || data == line.npos || metadata == line.npos || metadata < data) {
    die("the workload's lines have stream, type, data and metadata, in this order; this one has not");
  }
  LineFields fields;
  fields.stream = line.substr(kStream.size(), type - kStream.size());
  fields.type = line.substr(type + kType.size(), data - type - kType.size());
  fields.data = line.substr(data + kData.size(), metadata - data - kData.size());
  fields.metadata = line.substr(metadata + kMetadata.size(), line.size() - 1 - metadata - kMetadata.size());
  return fields;
}

Workload load_workload(const std::string& file, size_t limit) {
  std::ifstream in(file, std::ios::binary);
  if (!in) die("cannot read " + file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return from_text(text, limit);
}

Workload make_workload(size_t events) {
  Generator generator(std::clamp<size_t>(events / 100, 10, 10000));
  std::string text;
  text.reserve(events * 380);
  for (size_t i = 0; i < events; i++) generator.add_line(text);
  return from_text(text, events);
}

void write_workload(const Workload& workload, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(workload.text.get(), static_cast<std::streamsize>(workload.size));
  if (!out.flush()) die("cannot write " + file);
}

}  // namespace chronos::bench
