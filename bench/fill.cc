#include "bench/fill.h"

#include <filesystem>

#include "bench/measure.h"
#include "core/event_json.h"
#include "core/valid_json.h"

namespace chronos::bench {

std::unique_ptr<Store> fresh_store(const std::string& directory) {
  std::filesystem::remove_all(directory);
  StoreOptions options;
  options.directory = directory;
  auto store = Store::open(options);
  if (!store) die(store.error().message);
  return std::move(*store);
}

void append_lines(Store& store, const Workload& workload, size_t from, size_t to, const std::string& prefix) {
  EventDecoder decoder(store.limits(), EventSource::kClient);
  BatchBuilder builder(store.limits());
  Lsn last;
  for (size_t i = from; i < to;) {
    BatchHead head;
    head.durability = Durability::kOs;
    builder.begin(std::move(head));
    for (const size_t end = std::min(to, i + 1000); i < end; i++) {
      auto event = decoder.decode(ValidJson::trusted(workload.lines[i]));
      if (!event) die(event.error().message);
      const std::string stream = prefix + std::string(event->stream);
      event->stream = stream;
      if (auto added = builder.add(*event); !added) die(added.error().message);
    }
    auto batch = builder.finish();
    const auto staged = store.stage(std::move(*batch));
    if (!staged) die(staged.error().message);
    last = staged->ticket;
    if (auto settled = store.settle(last); !settled) die(settled.error().message);
  }
}

}  // namespace chronos::bench
