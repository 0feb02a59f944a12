#pragma once

#include "proto/driver.pb.h"
#include "services/common/result.h"
#include "services/driver/core/policy.h"

namespace ipsec::driver {

// Puts the messages of one UpdatePolicy stream together.
class PolicyUpdateCollector {
 public:
  // The next message. kInvalid: it does not convert, or does not belong here; the error names the field. What was
  // collected is then of no use.
  Status take(const policyagent::v1::DriverPolicyUpdate& message);
  // The last message has been taken.
  bool complete() const { return complete_; }
  // Requires complete().
  PolicyUpdate take_update() { return std::move(update_); }

 private:
  PolicyUpdate update_;
  bool begun_ = false;
  bool complete_ = false;
};

}  // namespace ipsec::driver
