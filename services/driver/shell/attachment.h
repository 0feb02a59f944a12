#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "services/common/result.h"
#include "services/driver/shell/nic.h"
#include "services/driver/shell/tun_port.h"

namespace ipsec::driver {

// The ways of one worker to one NIC.
struct PortPair {
  std::unique_ptr<PollablePort> host;  // what the host sends; what is to be delivered to it
  std::unique_ptr<PollablePort> wire;  // what arrives by the NIC; what is to be sent by it
};

// How the driver gets between the IP stack and its NICs. While a NIC is attached, each of its IP packets goes through
// the ports and none goes past them, also when nobody reads them or the process has died. One thread.
class Attachment {
 public:
  virtual ~Attachment() = default;

  // One pair of ports for each of `workers`. Replaces an attachment that a dead process left, with no moment without
  // either. The NIC must not be attached by this object.
  virtual Result<std::vector<PortPair>> attach(const Nic& nic, unsigned workers) = 0;
  // Takes over a changed address or set of broadcast addresses of an attached NIC.
  virtual Status update(const Nic& nic) = 0;
  // Whether an attached NIC still is: devices or programs may have been removed by someone else.
  virtual bool is_intact(const Nic& nic) = 0;
  // Makes a damaged attachment whole; its old ports are closed already.
  virtual Result<std::vector<PortPair>> repair(const Nic& nic, unsigned workers) = 0;
  // Whether the policy has tunnels, whose SAs carry packets between many hosts: then all that the host sends goes to
  // the first worker, and AH and ESP that arrive go by SPI. Default: no, and both directions between two hosts go to
  // one worker. Holds for NICs attached later too.
  virtual void set_has_tunnels(bool has) = 0;
  // Packets of this NIC pass by again, whoever attached it; its ports can be closed afterwards. Nothing happens where
  // nothing is attached. Of a NIC that has vanished only the memory is freed.
  virtual Status detach(const Nic& nic) = 0;
  // Those of `nics` on which a dead process has left its attachment, so that nothing passes.
  virtual std::vector<Nic> left_behind(const std::vector<Nic>& nics) = 0;
};

}  // namespace ipsec::driver
