#pragma once

#include <string>
#include <utility>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/limits.h"

namespace ipsec::agent {

// Collects problems into a compiled policy, bounded.
class ProblemList {
 public:
  explicit ProblemList(CompiledPolicy& policy) : policy_(policy) {}

  void add(Severity severity, std::string_view name, const std::string& object, std::string text) {
    if (policy_.problems.size() == kMaxPolicyProblems) {
      ++policy_.more_problems;
    } else {
      policy_.problems.push_back({severity, std::string(name), object, std::move(text)});
    }
  }

 private:
  CompiledPolicy& policy_;
};

}  // namespace ipsec::agent
