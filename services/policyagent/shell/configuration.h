#pragma once

#include "proto/policyagent.pb.h"
#include "services/policyagent/core/compiled_policy.h"
#include "store/config.h"

// The properties of `set config` in the forms in which the services get them.
namespace ipsec::agent {

// `in_effect` as store::config_in_effect() gives it.
ServiceSettings service_settings(const store::Config& in_effect);

// What the driver goes by until the first policy: an active policy without filters. `only_block`: whatever the
// property says, nothing passes but the exemptions.
policyagent::v1::DriverPolicy boot_policy(const store::Config& config, bool only_block);

// The exemptions in effect beside this policy, for listings (EX-09).
void add_exemptions(const CompiledPolicy& policy, policyagent::v1::CompiledPolicyReply& reply);

}  // namespace ipsec::agent
