// A store on a simulated disk with the tools in front of it, as an agent has them: JSON in, JSON out.
//
// Every answer is checked against the tool's published output schema, with nothing in it that the schema does not
// name; every refusal must leave the history as it was.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/store.h"
#include "search/search_index.h"
#include "tests/support/simulated_disk.h"
#include "tools/tool.h"

namespace chronos::test {

class ToolSession {
 public:
  ToolSession();
  ~ToolSession();

  // The tool's answer; a failed call fails the test.
  nlohmann::json call(std::string_view tool, const nlohmann::json& arguments);
  // The same with arguments as text, for bytes that must arrive as they are.
  std::string call_text(std::string_view tool, std::string_view arguments);
  // The tool's refusal; a successful call fails the test.
  Error refused(std::string_view tool, const nlohmann::json& arguments);
  Error refused_text(std::string_view tool, std::string_view arguments);

  // Appends one event {stream, type, data} plus `more` members; its position.
  uint64_t append(std::string_view stream, std::string_view type, const nlohmann::json& data,
                  const nlohmann::json& more = nlohmann::json::object());

  // Closes the store and opens it again.
  void reopen();

  Store& store() { return *store_; }
  CallContext& context() { return context_; }

 private:
  class SecondsClock;
  SimulatedDisk disk_;
  std::unique_ptr<SecondsClock> clock_;  // one second later at each look, from 2026-01-01T00:00:00Z on
  std::unique_ptr<Store> store_;
  std::unique_ptr<SearchIndex> search_;
  CallContext context_;
};

// A schema in which every object that names its members has no others.
std::string closed_schema(std::string_view schema);

}  // namespace chronos::test
