#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/common/result.h"
#include "services/ike/core/policy.h"

namespace ipsec::ike {

// From one list to another: `removed` ids are taken out, then each element of `inserted` comes to its place in the new
// list, in ascending order (proto/policy.proto PolicyChange).
template <typename T>
struct ListChange {
  std::vector<std::uint64_t> removed;
  struct Inserted {
    std::size_t place = 0;
    T element;
  };
  std::vector<Inserted> inserted;
  std::size_t count = 0;  // of the new list
};

// A policy, or the difference to the one in force.
struct PolicyChange {
  IkePolicy settings;                      // without filters and main mode filters
  std::uint64_t base_version = 0;          // 0: a whole policy
  bool keeps_quick_mode_policies = false;  // they stay as they are, and `settings` has none
  ListChange<Filter> filters;
  ListChange<MainModeFilter> main_mode_filters;
};

// Whether the change fits this policy and what comes out is a policy. kRefused: it is the change of another one.
// kInvalid: a reference leads nowhere, an id is used twice.
Status check(const PolicyChange& change, const IkePolicy& in_force);

// Requires that check() found nothing. The filters are numbered anew.
IkePolicy apply(PolicyChange change, IkePolicy in_force);

}  // namespace ipsec::ike
