#pragma once

#include <vector>

#include "services/policyagent/core/host_addresses.h"
#include "store/lint/lint.h"

namespace ipsec::agent {

// What the linter has to know of this host: every policy compiled as if it were assigned. A policy that cannot be
// compiled is left out.
store::lint::HostFacts lint_facts(const store::PolicyTree& tree, const HostAddresses& host,
                                  std::vector<FiveTuple> sessions);

}  // namespace ipsec::agent
