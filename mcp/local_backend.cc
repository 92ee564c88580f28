#include "mcp/local_backend.h"

#include <utility>

#include "core/damage.h"
#include "core/permission.h"
#include "search/search_index.h"

namespace chronos {

Result<std::string> run_tool(Store* store, SearchIndex* search, const ToolCall& call) {
  if (find_admin_tool(call.tool->name) == call.tool) {
    const auto allowed = require_role(call.principal, Role::kAdmin, "call " + std::string(call.tool->name));
    if (!allowed) return allowed.error();
  }
  CallContext context{store, call.principal, call.cancelled, call.progress, search};
  return or_damage([&] { return call.tool->call(context, call.arguments); });
}

LocalBackend::LocalBackend(StoreOptions options) : options_(std::move(options)) {}

LocalBackend::~LocalBackend() {
  if (opener_.joinable()) opener_.join();
}

Result<Store*> LocalBackend::store() {
  const std::lock_guard lock(mutex_);
  if (store_ == nullptr) {
    auto opened = Store::open(options_);
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    SearchIndexOptions search;
    search.directory = search_directory(options_.directory);
    search.disk = options_.disk;
    search_ = std::make_unique<SearchIndex>(*store_, search);
  }
  return store_.get();
}

Result<std::string> LocalBackend::call(const ToolCall& call) {
  if (!call.tool->needs_store) return run_tool(nullptr, nullptr, call);
  auto opened = store();
  if (!opened) return opened.error();
  return run_tool(*opened, search_.get(), call);
}

void LocalBackend::prepare() {
  std::call_once(prepared_, [this] {
    auto exists = options_.disk->exists(options_.directory + "/log");
    if (!exists || !*exists) return;
    // A failure is told by the call that needs the store.
    opener_ = std::thread([this] { static_cast<void>(store().has_value()); });
  });
}

void LocalBackend::quiet() {
  const std::lock_guard lock(mutex_);
  if (store_ != nullptr) store_->mark_quiet();
}

}  // namespace chronos
