#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/result.h"
#include "services/common/selector.h"
#include "tests/driver/shell/namespaces.h"

// ipsec-driverd as a process inside a namespace, and messages to speak with it.
namespace ipsec::testing {

namespace proto = ::policyagent::v1;

class DriverProcess {
 public:
  // Starts it and waits until it answers. `arguments` are added to the command line.
  DriverProcess(const Namespace& where, std::string arguments = "");
  // SIGKILL where it still runs.
  ~DriverProcess();
  DriverProcess(const DriverProcess&) = delete;
  DriverProcess& operator=(const DriverProcess&) = delete;

  proto::Driver::Stub& stub() { return *stub_; }
  pid_t process() const { return process_; }
  // Sends the signal, waits for the end; the wait status.
  int end(int signal);
  // Another process with the same arguments and directories.
  void restart();
  std::string log() const;
  const std::string& directory() const { return directory_; }

  // The status of UpdatePolicy with the whole policy; `attached` of its reply is kept.
  Status set_policy(const proto::DriverPolicy& policy);
  bool attached() const { return attached_; }
  Status install(const proto::Sa& sa);
  std::uint32_t reserve(const std::string& local, const std::string& peer);
  proto::DriverStatistics statistics();
  std::uint64_t verdict(const std::string& name);

 private:
  void start();

  const Namespace& where_;
  const std::string arguments_;
  std::string directory_;
  std::string socket_;
  std::unique_ptr<proto::Driver::Stub> stub_;
  pid_t process_ = -1;
  bool attached_ = false;
};

inline constexpr std::uint64_t kOutboundFilter = 11;
inline constexpr std::uint64_t kInboundFilter = 12;

// The one message that puts the policy in force.
proto::DriverPolicyUpdate whole_policy(const proto::DriverPolicy& policy);
proto::DriverPolicy inactive_policy();
// One outbound and one inbound filter with this action, for any traffic of each family.
proto::DriverPolicy policy_for_all(proto::Action action);

proto::Address address_message(const std::string& text);
// An SA in transport mode for all traffic between two hosts; keys are made from `key_byte`.
proto::Sa transport_sa(proto::Direction direction, std::uint32_t spi, const std::string& source,
                       const std::string& destination, proto::Cipher cipher, proto::Integrity integrity, char key_byte);

}  // namespace ipsec::testing
