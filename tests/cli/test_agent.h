#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/agent.h"

namespace ipsec::cli::tests {

// A Policy Agent in this process: the real service over the real store on a socket in a temporary directory; driver
// and IKE are stand-ins that answer with the samples. DNS names resolve to 192.0.2.99.
class TestAgent {
 public:
  TestAgent();
  ~TestAgent();
  TestAgent(const TestAgent&) = delete;
  TestAgent& operator=(const TestAgent&) = delete;

  // As netsh connects.
  Agent& client();
  const std::string& directory() const;
  // Everything in the store with the preshared keys, as `exportpolicy --with-secrets` writes it.
  std::string exported();
  // The host has this address from now on; before, it has none.
  void give_address(const std::string& address);
  // The preshared keys of the main mode filters in force, in their order.
  std::vector<std::string> dynamic_keys();
  // The policy in force, as driver and IKE have it.
  std::size_t specific_filters();
  // Manual SAs, with their keys, as the driver got them.
  std::vector<proto::Sa> installed_sas();
  // Ends the service; calls of the client fail from now on.
  void stop();
  // The stand-ins no longer answer.
  void take_services_away();
  // The host gets this address in place of those it had.
  void set_address(const std::string& address);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ipsec::cli::tests
