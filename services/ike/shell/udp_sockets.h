#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "services/common/result.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/events.h"
#include "services/ike/shell/file_descriptor.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

// UDP ports 500 and 4500 of every address of the host, IPv4 and IPv6. They are bound to the wildcard, so that changes
// of addresses need no attention, and every datagram says which address it came to or leaves from. One thread.
class UdpSockets {
 public:
  // kUnavailable with the port where one cannot be bound. IPv6 may be missing in the kernel.
  static Result<std::unique_ptr<UdpSockets>> open();

  std::size_t count() const { return sockets_.size(); }
  int file_descriptor(std::size_t index) const { return sockets_[index].file.number(); }

  // The next ISAKMP datagram of that socket; nullopt when none waits. On port 4500 datagrams without the non-ESP marker
  // (RFC 3948 section 2.2) are passed over, and so is what was sent to a broadcast or multicast address.
  std::optional<DatagramReceived> receive(std::size_t index);

  // The next ICMP error for a datagram sent by that socket, as far as the packet filters of this host let it through;
  // nullopt when none waits. The socket is readable while one does.
  std::optional<PeerUnreachable> take_error(std::size_t index);

  // Sends from `local`; kUnavailable with the kernel's reason.
  Status send(const SendDatagram& datagram);
  Status send_keep_alive(const SendKeepAlive& keep_alive);

 private:
  struct Socket {
    FileDescriptor file;
    AddressFamily family;
    std::uint16_t port;
  };
  enum class Taken { kNothing, kPassedOver, kDatagram };

  // kNotFound where the kernel does not have the family.
  static Result<FileDescriptor> bind_socket(AddressFamily family, std::uint16_t port);
  Taken take(const Socket& socket, DatagramReceived& datagram);
  Status send_octets(const Endpoint& local, const Endpoint& peer, ByteView marker, ByteView bytes);
  const Socket* socket_for(const Endpoint& local) const;

  std::vector<Socket> sockets_;
  Bytes buffer_ = Bytes(kMaxDatagramSize);
};

}  // namespace ipsec::ike
