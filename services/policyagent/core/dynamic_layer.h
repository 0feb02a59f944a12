#pragma once

#include "services/common/result.h"
#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

namespace ipsec::agent {

// Lays the dynamic policy over what the assigned policy has been compiled to: one table of filters, the more specific
// first, of two that weigh the same the dynamic one (it is the later and more deliberate word). Without dynamic rules
// `assigned` comes back as it is, with the dynamic policies listed behind its own. With a rule the result is active
// even if no policy is assigned.
//
// A dynamic policy that has the name of one of the assigned policy goes on as "NAME (dynamic)".
//
// Errors: those of compile().
Result<CompiledPolicy> lay_over(CompiledPolicy assigned, const store::DynamicPolicy& dynamic,
                                const HostAddresses& host);

}  // namespace ipsec::agent
