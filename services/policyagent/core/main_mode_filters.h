#pragma once

#include <vector>

#include "services/policyagent/core/filter_table.h"
#include "services/policyagent/core/problem_list.h"

namespace ipsec::agent {

// Whom to negotiate with and how, from the specific filters that negotiate (in their order): one main mode filter for
// each pair of ends, most specific first. A main mode SA has one authentication for all traffic between two hosts, so
// the first rule decides; another rule with other methods for the same ends is a problem. Transport: the ends are the
// packets' addresses. Tunnel: local end (any where no inbound rule names it) and tunnel endpoint; an inbound tunnel
// rule alone accepts any peer.
std::vector<MainModeFilter> main_mode_filters(const std::vector<FilterTable::Entry>& filters,
                                              const store::Policy& policy, ProblemList& problems);

}  // namespace ipsec::agent
