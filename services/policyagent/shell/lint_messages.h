#pragma once

#include <cstdint>

#include "proto/policyagent.pb.h"
#include "services/common/result.h"
#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

namespace ipsec::agent {

// What the linter has to know besides the policies.
struct LintHost {
  HostAddresses addresses;
  store::DynamicPolicy dynamic;
  std::uint32_t exemptions = 0;  // in effect, as NoDefaultExempt
};

// Findings about the stored policies of `tree`, or one of them. kNotFound: there is no such policy; kInvalid: a session
// of the request that is none.
Result<policyagent::v1::LintReply> lint_tree(const policyagent::v1::LintRequest& request, const store::PolicyTree& tree,
                                             const LintHost& host);

// About the assigned policy, which `tree` holds, with the dynamic rules over it.
Result<policyagent::v1::LintReply> lint_running(const policyagent::v1::LintRequest& request, store::PolicyTree tree,
                                                const LintHost& host);

}  // namespace ipsec::agent
