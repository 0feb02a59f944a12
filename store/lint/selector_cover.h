#pragma once

#include <span>

#include "services/common/selector.h"

namespace ipsec::store::lint {

// True if every packet of `selector` is a packet of one of `others`, which need not hold it alone: 10.0.0.0/9 and
// 10.128.0.0/9 cover 10.0.0.0/8. False also where telling would take more than kMaxPieces pieces.
bool is_covered(const Selector& selector, std::span<const Selector* const> others);

}  // namespace ipsec::store::lint
