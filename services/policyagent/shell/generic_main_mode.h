#pragma once

#include <vector>

#include "proto/policyagent.pb.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

// The main mode filters as written, made of the written filters and the main mode filters of a policy: one for each
// rule that negotiates and pair of ends. A tunnel rule negotiates with its endpoint; one whose endpoint is this host
// adds nothing to its partner. A rule that decides for no pair of ends (another comes first) has none. Without secrets.
std::vector<policyagent::v1::GenericMainModeFilter> generic_main_mode_filters(const CompiledPolicy& policy);

}  // namespace ipsec::agent
