#pragma once

#include "proto/ike.pb.h"
#include "services/common/result.h"
#include "services/ike/core/policy_change.h"

namespace ipsec::ike {

// Puts the messages of one UpdatePolicy stream together.
class PolicyUpdateCollector {
 public:
  // The next message. kInvalid: it does not convert, or does not belong here; the error names the field. What was
  // collected is then of no use.
  Status take(const policyagent::v1::IkePolicyUpdate& message);
  // The last message has been taken.
  bool complete() const { return complete_; }
  // Requires complete().
  PolicyChange take_change() { return std::move(change_); }

 private:
  Status take_settings(const policyagent::v1::IkePolicyUpdate& message);
  Status take(const policyagent::v1::PolicyChange& message);
  Status take(const policyagent::v1::MainModeFilterChange& message);

  PolicyChange change_;
  bool begun_ = false;
  bool complete_ = false;
};

}  // namespace ipsec::ike
