#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/limits.h"

namespace ipsec::agent {

// Collects problems, bounded.
class ProblemList {
 public:
  // Both are borrowed.
  ProblemList(std::vector<PolicyProblem>& problems, std::size_t& more) : problems_(problems), more_(more) {}

  void add(Severity severity, std::string_view name, const std::string& object, std::string text) {
    add({severity, std::string(name), object, std::move(text)});
  }
  void add(PolicyProblem problem) {
    if (problems_.size() == kMaxPolicyProblems) {
      ++more_;
    } else {
      problems_.push_back(std::move(problem));
    }
  }
  void add_unlisted(std::size_t count) { more_ += count; }

 private:
  std::vector<PolicyProblem>& problems_;
  std::size_t& more_;
};

}  // namespace ipsec::agent
