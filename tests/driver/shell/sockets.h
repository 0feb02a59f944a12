#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "services/common/bytes.h"
#include "services/driver/shell/file_descriptor.h"
#include "tests/driver/shell/namespaces.h"

// Sockets inside a namespace, used from outside. Receiving waits a second at most.
namespace ipsec::testing {

struct Datagram {
  std::string text;
  std::uint32_t mark = 0;  // of the packet when the socket got it
};

class UdpSocket {
 public:
  // Bound to `port` of every address of the family; may send broadcasts, sends groups by eth0.
  UdpSocket(const Namespace& where, bool ipv6, std::uint16_t port);
  void join(const std::string& group);
  void send(const std::string& address, std::uint16_t port, const std::string& text);
  // False: not sent.
  bool try_send(const std::string& address, std::uint16_t port, const std::string& text);
  // `segment` octets to a datagram: one super-packet (UDP_SEGMENT).
  void send_segmented(const std::string& address, std::uint16_t port, const std::string& text, std::uint16_t segment);
  std::optional<Datagram> receive();

 private:
  driver::FileDescriptor socket_;
  bool ipv6_;
};

// Whole Ethernet frames of eth0, in both directions.
class FrameSocket {
 public:
  explicit FrameSocket(const Namespace& where);
  void send(const Bytes& frame);
  // The next frame that contains `text`, without those this host sent. A VLAN tag that the kernel took off is put back.
  std::optional<Bytes> receive_with(const std::string& text);
  std::array<std::uint8_t, 6> address() const { return address_; }

 private:
  driver::FileDescriptor socket_;
  std::array<std::uint8_t, 6> address_{};
};

// An IPv4 UDP datagram in an Ethernet frame. `tags`: VLAN tags before the EtherType, each 4 octets.
Bytes udp_frame(const std::array<std::uint8_t, 6>& destination, const std::array<std::uint8_t, 6>& source,
                const Bytes& tags, const std::string& source_address, const std::string& destination_address,
                std::uint16_t port, const std::string& text);

}  // namespace ipsec::testing
