#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "proto/driver.pb.h"
#include "proto/ike.pb.h"
#include "proto/policy.pb.h"
#include "proto/policyagent.pb.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

// A compiled policy and the version under which it is sent. Immutable.
struct PolicyInForce {
  CompiledPolicy policy;
  std::uint64_t version = 0;
};
using PolicyPointer = std::shared_ptr<const PolicyInForce>;

// The messages that put `policy` in the place of `base`, in order: the whole policy where `base` is null, else what is
// different. `send` gets each message once, valid during the call; false ends it. Preshared keys in messages for IKE
// are wiped after the call.
void for_each_update(const PolicyInForce& policy, const PolicyInForce* base,
                     const std::function<bool(const policyagent::v1::DriverPolicyUpdate&)>& send);
void for_each_update(const PolicyInForce& policy, const PolicyInForce* base,
                     const std::function<bool(const policyagent::v1::IkePolicyUpdate&)>& send);

// The whole policy for listings, in parts that are appended to one another, each valid during the call; false ends it.
// A preshared key method is there, but its key is empty.
void for_each_part(const PolicyInForce& policy,
                   const std::function<bool(const policyagent::v1::CompiledPolicyReply&)>& send);
policyagent::v1::GenericFilter to_proto(const GenericFilter& filter);

}  // namespace ipsec::agent
