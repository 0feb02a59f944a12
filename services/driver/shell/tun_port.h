#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "services/driver/core/packet_port.h"
#include "services/driver/shell/file_descriptor.h"

namespace ipsec::driver {

// A port that a worker can wait for.
class PollablePort : public PacketPort {
 public:
  // Readable when receive() would return packets.
  virtual int descriptor() const = 0;
};

// One queue of a TUN device.
class TunPort : public PollablePort {
 public:
  explicit TunPort(FileDescriptor queue);

  int descriptor() const override { return queue_.get(); }
  std::span<Packet> receive() override;
  std::size_t send(const PacketList& packets) override;

 private:
  struct alignas(64) CacheLine {
    std::uint8_t octets[64];
  };
  FileDescriptor queue_;
  std::unique_ptr<CacheLine[]> memory_;
  std::vector<Packet> received_;
};

}  // namespace ipsec::driver
