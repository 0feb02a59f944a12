#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proto/driver.grpc.pb.h"
#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/result.h"

namespace ipsec {
namespace proto = ::policyagent::v1;
}

namespace ipsec::bench {

// Calls to the driver of one host.
class DriverClient {
 public:
  explicit DriverClient(const std::string& runtime_directory);

  // Waits for the driver to come up.
  Status wait_ready();
  // One filter in each direction for everything between the two hosts of a lab.
  Status set_policy(proto::Action action);
  Result<std::uint32_t> reserve_spi(const IpAddress& local, const IpAddress& peer);
  // Transport mode, everything between the two; the same fixed key bytes on both hosts.
  Status install(proto::Direction direction, std::uint32_t spi, const IpAddress& source, const IpAddress& destination,
                 Cipher cipher, Integrity integrity);
  // One of DriverStatistics.verdicts.
  Result<std::uint64_t> verdict(const std::string& name);
  // Whether an outbound SA of this cipher is in use.
  Result<bool> has_sa(Cipher cipher);

 private:
  std::unique_ptr<proto::Driver::Stub> stub_;
  std::uint64_t policy_version_ = 0;
};

}  // namespace ipsec::bench
