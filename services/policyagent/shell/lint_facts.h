#pragma once

#include <vector>

#include "services/policyagent/core/host_addresses.h"
#include "store/lint/lint.h"

namespace ipsec::agent {

// Every policy of the tree as this host would obey it if it were assigned, for the linter. A policy that cannot be
// compiled here is left out. Costs a compilation for each policy.
store::lint::HostFacts lint_facts(const store::PolicyTree& tree, const HostAddresses& host,
                                  std::vector<FiveTuple> sessions);

// The policy in force with the dynamic rules over it.
struct RunningFacts {
  store::PolicyTree tree;  // with the one policy; one without rules where none is assigned
  store::lint::HostFacts facts;
};
// `tree`: the assigned policy and what its rules use.
RunningFacts running_lint_facts(store::PolicyTree tree, const store::DynamicPolicy& dynamic, const HostAddresses& host,
                                std::vector<FiveTuple> sessions);

}  // namespace ipsec::agent
