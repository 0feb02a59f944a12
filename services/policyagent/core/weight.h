#pragma once

#include <cstdint>

#include "services/common/selector.h"

// The order of filters is how specific they are, not the order of rules (PA-17, PD-08; the formula of the documented
// system is not public, this one is ours).
namespace ipsec::agent {

// Larger is more specific. Compared from the top:
//
//   bits 32-47  specificity of the source plus that of the destination
//   bits 16-31  the larger of the two: a single address before two subnets
//   bits  8-15  1 for a given protocol, 0 for any
//   bits  1-7   number of given ports, 0 to 2
//   bit   0     1 for a tunnel filter, which so stands before the transport filter of the same traffic
//
// The specificity of an address range is the number of leading bits it fixes: 32 or 128 for a single address, the
// prefix length for a subnet, 0 for any; a range that is no prefix counts as the largest prefix that holds no fewer
// addresses. A selector and its mirror weigh the same, so that both directions of traffic meet the same filter.
std::uint64_t weight(const Selector& selector, bool tunnel);

// The same for main mode filters, which have addresses only.
std::uint64_t weight(const AddressRange& local, const AddressRange& remote);

// 0 to 128.
unsigned specificity(const AddressRange& range);

}  // namespace ipsec::agent
