#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/result.h"
#include "services/driver/shell/file_descriptor.h"

namespace ipsec::driver {

// A multi-queue TUN device with segmentation and checksum offload: packets travel with a virtio_net_hdr. It exists as
// long as one of its queues is open, so it vanishes with the process.
struct TunDevice {
  std::uint32_t index = 0;
  std::vector<FileDescriptor> queues;  // non-blocking

  // Makes the device, which must not exist, and leaves it down. kAlreadyExists: another driver runs in this network
  // namespace.
  static Result<TunDevice> create(const std::string& name, unsigned queues);

  // The socket filter program that chooses the queue of each packet on its way to this process.
  Status steer(const std::string& name, int program) const;
};

}  // namespace ipsec::driver
