#pragma once

#include <cstdint>
#include <string_view>

#include "services/common/result.h"

namespace ipsec::agent {

// The stores that administration can name.
enum class StoreName : std::uint8_t { kLocal, kCentral, kCache };

std::string_view name(StoreName store);

// Of a request's `store`: "local", "central" or "cache"; empty and "persistent" are the local store (proto/
// policyagent.proto says why). kInvalid for anything else.
Result<StoreName> parse_store_name(std::string_view text);

}  // namespace ipsec::agent
