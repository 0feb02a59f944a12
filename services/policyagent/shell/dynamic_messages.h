#pragma once

#include <optional>

#include "proto/policyagent.pb.h"
#include "services/policyagent/shell/store_messages.h"
#include "store/edit_dynamic.h"

// The dynamic policy and its changes as messages and back.
namespace ipsec::agent {

// True for a change that to_dynamic_change understands; all others are of the stored policies.
bool is_dynamic(const policyagent::v1::Change& message);

// As to_change of store_messages.h.
std::optional<store::DynamicChange> to_dynamic_change(const policyagent::v1::Change& message, const Resolver& resolver,
                                                      store::Problems& problems);

// Without preshared keys. `in_effect`: the values that the services go by now.
policyagent::v1::DynamicPolicy to_proto(const store::RunningState& state, const store::Config& in_effect);

}  // namespace ipsec::agent
