#pragma once

#include <string>

namespace ipsec::bench {

inline constexpr const char* kBigPolicyName = "Big";

struct BigPolicy {
  unsigned rules = 10000;
  unsigned filters_per_rule = 10;
};

// A document of format policyagent/1 with one policy, assigned: each rule has a filter list of its own ("Rule 0", ...),
// whose mirrored filters lead to addresses of 10.0.0.0/8 and their ports, each to another one.
std::string big_policy_document(const BigPolicy& settings);

}  // namespace ipsec::bench
