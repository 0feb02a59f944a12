#pragma once

#include "services/common/bytes.h"
#include "services/common/selector.h"

namespace ipsec::driver {

// The smallest sound packet with these addresses, protocol and ports: an explanation asks what would become of it.
// Requires addresses of one family and a protocol other than 0.
Bytes make_probe(const FiveTuple& packet);

}  // namespace ipsec::driver
