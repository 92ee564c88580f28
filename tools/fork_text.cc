#include "tools/fork_text.h"

#include <string>

#include "core/time_text.h"
#include "tools/address.h"

namespace chronos {

void write_fork_members(JsonWriter& json, const ForkInfo& fork) {
  json.key("fork").string(fork.name);
  if (!fork.parent.empty()) {
    json.key("parent").string(fork.parent);
    json.key("position").integer(fork.position.value);
    json.key("created_at").string(format_time(fork.created_at));
  }
  if (fork.expires_at) json.key("expires_at").string(format_time(*fork.expires_at));
}

void write_address(JsonWriter& json, const Store& store, const std::string& fork, Position position) {
  Address address;
  address.fork = fork;
  const auto now = store.view(address);
  if (now && position <= now->head()) return write_at(json, now->cut(position));
  json.begin_object();
  json.key("fork").string(fork);
  json.key("position").integer(position.value);
  json.end_object();
}

}  // namespace chronos
