#pragma once

#include <string>
#include <vector>

#include "store/lint/context.h"

namespace ipsec::store::lint {

// A written filter that another one makes superfluous: the same packets, in one list or in two lists that one policy
// uses.
struct Duplicate {
  const Policy* policy = nullptr;  // null: within one list, whatever uses it
  const FilterList* list = nullptr;
  const Filter* filter = nullptr;
  const FilterList* of_list = nullptr;
  const Filter* of = nullptr;
  bool is_contradiction = false;  // the rules of the two have different actions
};

// In the order of the lists, then of the policies. Of two lists only where the superfluous filter's list is used by no
// other rule, so that taking the filter out changes nothing, and keeps a filter.
std::vector<Duplicate> duplicates(const Context& context);

}  // namespace ipsec::store::lint
