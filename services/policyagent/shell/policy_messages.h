#pragma once

#include <cstdint>
#include <memory>

#include "proto/policy.pb.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

// A compiled policy in the form in which driver and IKE get it. Preshared keys are in `ike` and are wiped at the end.
struct PolicyMessages {
  policyagent::v1::DriverPolicy driver;
  policyagent::v1::IkePolicy ike;

  PolicyMessages() = default;
  ~PolicyMessages();
  PolicyMessages(const PolicyMessages&) = delete;
  PolicyMessages& operator=(const PolicyMessages&) = delete;

  std::uint64_t version() const { return driver.version(); }
};

enum class Secrets { kInclude, kLeaveOut };

// Without secrets a preshared key method is there, but its key is empty.
policyagent::v1::DriverPolicy to_driver_policy(const CompiledPolicy& policy, std::uint64_t version);
policyagent::v1::IkePolicy to_ike_policy(const CompiledPolicy& policy, std::uint64_t version, Secrets secrets);
policyagent::v1::GenericFilter to_proto(const GenericFilter& filter);
std::shared_ptr<const PolicyMessages> to_messages(const CompiledPolicy& policy, std::uint64_t version);

}  // namespace ipsec::agent
