#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "proto/common.pb.h"
#include "services/common/result.h"
#include "services/policyagent/shell/policy_messages.h"

namespace ipsec::agent {

// What a service link needs of driver or IKE. All members are safe from any thread.
class ServiceClient {
 public:
  virtual ~ServiceClient() = default;

  // "driver", "ike"
  virtual std::string_view name() const = 0;
  // Tries to connect for at most `limit`; whether there is a connection now.
  virtual bool wait_connected(std::chrono::milliseconds limit) = 0;
  // The service's part of the policy: the whole, or its difference to `base`, which the service has. kRefused: it has
  // not.
  virtual Status send_policy(const PolicyInForce& policy, const PolicyInForce* base) = 0;
  // The version in force there; 0 before the first.
  virtual Result<std::uint64_t> policy_version() = 0;
  // Hands over events until the stream ends, which it does when the service does.
  virtual void watch_events(const std::function<void(policyagent::v1::Event)>& handle) = 0;
  // Ends watch_events now and for good.
  virtual void cancel() = 0;
};

}  // namespace ipsec::agent
