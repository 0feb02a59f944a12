#pragma once

#include <cstddef>
#include <string>

#include "services/policyagent/shell/policy_messages.h"

// The parts of the policy's messages. Those for IKE hold preshared keys only with Secrets::kInclude.
namespace ipsec::agent {

enum class Secrets { kInclude, kLeaveOut };

// `place`: among the filters of the message or of the new list (proto/policy.proto, Filter.index).
policyagent::v1::Filter to_proto(const SpecificFilter& filter, std::size_t place, const std::string& policy_name);
policyagent::v1::MainModeFilter to_proto(const MainModeFilter& filter, Secrets secrets);

// Everything but the filters.
policyagent::v1::DriverPolicy driver_settings(const PolicyInForce& in_force);
// Everything but filters and main mode filters.
policyagent::v1::IkePolicy ike_settings(const PolicyInForce& in_force, Secrets secrets);

}  // namespace ipsec::agent
