#pragma once

#include <memory>

#include "services/common/result.h"
#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

namespace ipsec::agent {

// Makes of the assigned policy and the addresses of this host what driver and IKE obey. Deterministic: the same input
// gives the same output, field by field. Without an assigned policy the result is inactive and empty but for the local
// addresses.
//
// Whatever the policy asks for that cannot be done is in `problems`, and fails on the safe side: a rule with no
// authentication method that works still negotiates (and its traffic is held, then dropped), a tunnel rule with a wrong
// endpoint blocks.
//
// Errors: kInvalid where the tree contradicts itself (a rule without its filter list: the store refuses such trees),
// kExhausted beyond kMaxSpecificFilters. The policy in force must then stay.
Result<CompiledPolicy> compile(const store::PolicyTree& tree, const HostAddresses& host);

// The same, at the cost of what has changed since the call before: rules that are as they were are taken over, and
// filters that come out equal are shared with the policy before. Borrows nothing. One thread.
class Compiler {
 public:
  Compiler();
  ~Compiler();
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  // An error leaves it as it was.
  Result<CompiledPolicy> compile(const store::PolicyTree& tree, const HostAddresses& host);

 private:
  struct Known;
  class Compilation;
  std::unique_ptr<Known> known_;
};

}  // namespace ipsec::agent
