#pragma once

#include <string_view>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "store/model.h"

namespace ipsec::store {

// A random GUID (RFC 4122 version 4).
Guid make_guid(RandomSource& random);

// Accepts both cases, with or without braces.
Result<Guid> parse_guid(std::string_view text);

}  // namespace ipsec::store
