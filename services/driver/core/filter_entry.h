#pragma once

#include <cstdint>
#include <memory>

#include "services/driver/core/counters.h"
#include "services/driver/core/policy.h"

namespace ipsec::driver {

// A filter as workers see it. Immutable but for its counters; shared by all tables that have it.
struct FilterEntry {
  Filter filter;
  std::shared_ptr<FilterCounters> counters;  // never null
  std::uint64_t rank = 0;                    // smaller comes first; means nothing outside of its table
};
using FilterEntryPointer = std::shared_ptr<const FilterEntry>;

}  // namespace ipsec::driver
