#pragma once

#include <string>

#include "store/model.h"

namespace ipsec::store {

// Equal for two filters exactly where their whole selectors are equal: both sides as written (a DNS name without regard
// to case and to its addresses), protocol, ports and mirrored. Not for people.
std::string filter_key(const Filter& filter);

}  // namespace ipsec::store
