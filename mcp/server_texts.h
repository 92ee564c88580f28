// Texts that are the same for every client, made once from the catalog, and how a result is finished for its era.
//
// Legacy results never carry what only modern ones have (resultType, ttlMs, cacheScope, _meta), and modern ones always.
#pragma once

#include <string>
#include <string_view>

#include "mcp/offer.h"
#include "mcp/request.h"
#include "mcp/revision.h"

namespace chronos {

struct ServerTexts {
  explicit ServerTexts(const Catalog& catalog);

  std::string initialize_end;  // all of the result of initialize but protocolVersion, from a comma on
  // Results, without what an era adds.
  std::string discover;
  std::string tools;
  std::string resources;
  std::string templates;
  std::string prompts;

  // The reply of an outcome that is no question.
  std::string reply(std::string_view id, Era era, Outcome outcome) const;
  // A result as a client of the era gets it.
  std::string finished(Era era, Outcome outcome) const;

 private:
  std::string server_meta_;  // the last member of _meta
};

}  // namespace chronos
