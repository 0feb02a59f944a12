#include "services/policyagent/shell/store_name.h"

namespace ipsec::agent {

std::string_view name(StoreName store) {
  switch (store) {
    case StoreName::kLocal:
      return "local";
    case StoreName::kCentral:
      return "central";
    case StoreName::kCache:
      break;
  }
  return "cache";
}

Result<StoreName> parse_store_name(std::string_view text) {
  if (text.empty() || text == "persistent") return StoreName::kLocal;
  for (const StoreName store : {StoreName::kLocal, StoreName::kCentral, StoreName::kCache}) {
    if (text == name(store)) return store;
  }
  return invalid(fmt::format("store: accepted are local, persistent, central and cache, found '{:.80}'", text));
}

}  // namespace ipsec::agent
