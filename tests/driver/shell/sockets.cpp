#include "tests/driver/shell/sockets.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "services/common/address.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace ipsec::testing {
namespace {

constexpr timeval kPatience{1, 0};

void require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

template <typename T>
void set_option(int socket, int level, int option, const T& value) {
  require(setsockopt(socket, level, option, &value, sizeof(value)) == 0, "setsockopt");
}

unsigned nic_index(int socket) {
  ifreq request{};
  std::strcpy(request.ifr_name, "eth0");
  require(ioctl(socket, SIOCGIFINDEX, &request) == 0, "index of eth0");
  return static_cast<unsigned>(request.ifr_ifindex);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const std::string& text, std::uint16_t port, unsigned scope) {
  SocketAddress result;
  if (text.find(':') == std::string::npos) {
    auto* address = reinterpret_cast<sockaddr_in*>(&result.storage);
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    require(inet_pton(AF_INET, text.c_str(), &address->sin_addr) == 1, "IPv4 address");
    result.size = sizeof(*address);
  } else {
    auto* address = reinterpret_cast<sockaddr_in6*>(&result.storage);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(port);
    address->sin6_scope_id = scope;
    require(inet_pton(AF_INET6, text.c_str(), &address->sin6_addr) == 1, "IPv6 address");
    result.size = sizeof(*address);
  }
  return result;
}

std::uint32_t mark_of(msghdr& message) {
  std::uint32_t mark = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_MARK) std::memcpy(&mark, CMSG_DATA(part), sizeof(mark));
  }
  return mark;
}

}  // namespace

UdpSocket::UdpSocket(const Namespace& where, bool ipv6, std::uint16_t port) : ipv6_(ipv6) {
  where.inside([&] {
    const int raw = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socket_ = driver::FileDescriptor(raw);
    require(socket_.is_open(), "socket");
    set_option(raw, SOL_SOCKET, SO_RCVTIMEO, kPatience);
    set_option(raw, SOL_SOCKET, SO_RCVMARK, 1);
    set_option(raw, SOL_SOCKET, SO_BROADCAST, 1);
    if (ipv6) {
      set_option(raw, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      set_option(raw, IPPROTO_IPV6, IPV6_MULTICAST_IF, nic_index(raw));
    } else {
      ip_mreqn nic{};
      nic.imr_ifindex = static_cast<int>(nic_index(raw));
      set_option(raw, IPPROTO_IP, IP_MULTICAST_IF, nic);
    }
    const SocketAddress any = socket_address(ipv6 ? "::" : "0.0.0.0", port, 0);
    require(bind(raw, any.get(), any.size) == 0, "bind");
  });
}

void UdpSocket::join(const std::string& group) {
  const unsigned nic = nic_index(socket_.get());
  if (ipv6_) {
    ipv6_mreq request{};
    inet_pton(AF_INET6, group.c_str(), &request.ipv6mr_multiaddr);
    request.ipv6mr_interface = nic;
    set_option(socket_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, request);
  } else {
    ip_mreqn request{};
    inet_pton(AF_INET, group.c_str(), &request.imr_multiaddr);
    request.imr_ifindex = static_cast<int>(nic);
    set_option(socket_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  }
}

void UdpSocket::send(const std::string& address, std::uint16_t port, const std::string& text) {
  // Limited broadcasts need a route or an interface.
  if (address == "255.255.255.255") {
    require(setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4) == 0, "bind to eth0");
  }
  require(try_send(address, port, text), "sendto");
}

bool UdpSocket::try_send(const std::string& address, std::uint16_t port, const std::string& text) {
  const SocketAddress to = socket_address(address, port, nic_index(socket_.get()));
  return sendto(socket_.get(), text.data(), text.size(), 0, to.get(), to.size) == static_cast<ssize_t>(text.size());
}

void UdpSocket::send_segmented(const std::string& address, std::uint16_t port, const std::string& text,
                               std::uint16_t segment) {
  set_option(socket_.get(), SOL_UDP, UDP_SEGMENT, int{segment});
  send(address, port, text);
  set_option(socket_.get(), SOL_UDP, UDP_SEGMENT, 0);
}

std::optional<Datagram> UdpSocket::receive() {
  std::array<char, 65536> octets;
  alignas(cmsghdr) std::array<char, 128> control;
  iovec piece{octets.data(), octets.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(socket_.get(), &message, 0);
  if (size < 0) return std::nullopt;
  return Datagram{std::string(octets.data(), static_cast<std::size_t>(size)), mark_of(message)};
}

FrameSocket::FrameSocket(const Namespace& where) {
  where.inside([&] {
    const int raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    socket_ = driver::FileDescriptor(raw);
    require(socket_.is_open(), "packet socket");
    set_option(raw, SOL_SOCKET, SO_RCVTIMEO, kPatience);
    set_option(raw, SOL_PACKET, PACKET_AUXDATA, 1);
    sockaddr_ll nic{};
    nic.sll_family = AF_PACKET;
    nic.sll_protocol = htons(ETH_P_ALL);
    nic.sll_ifindex = static_cast<int>(nic_index(raw));
    require(bind(raw, reinterpret_cast<const sockaddr*>(&nic), sizeof(nic)) == 0, "bind to eth0");
    ifreq request{};
    std::strcpy(request.ifr_name, "eth0");
    require(ioctl(raw, SIOCGIFHWADDR, &request) == 0, "address of eth0");
    std::memcpy(address_.data(), request.ifr_hwaddr.sa_data, address_.size());
  });
}

void FrameSocket::send(const Bytes& frame) {
  require(::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()), "send a frame");
}

std::optional<Bytes> FrameSocket::receive_with(const std::string& text) {
  for (;;) {
    Bytes frame(65536 + 18);
    alignas(cmsghdr) std::array<char, 128> control;
    iovec piece{frame.data(), frame.size()};
    sockaddr_ll from{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket_.get(), &message, 0);
    if (size < 0) return std::nullopt;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    frame.resize(static_cast<std::size_t>(size));
    const std::string_view octets(reinterpret_cast<const char*>(frame.data()), frame.size());
    if (octets.find(text) == std::string_view::npos) continue;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      tpacket_auxdata data{};
      if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
      std::memcpy(&data, CMSG_DATA(part), sizeof(data));
      if ((data.tp_status & TP_STATUS_VLAN_VALID) == 0) continue;
      const Bytes tag = ByteWriter().u16(data.tp_vlan_tpid).u16(data.tp_vlan_tci).take();
      frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    }
    return frame;
  }
}

Bytes udp_frame(const std::array<std::uint8_t, 6>& destination, const std::array<std::uint8_t, 6>& source,
                const Bytes& tags, const std::string& source_address, const std::string& destination_address,
                std::uint16_t port, const std::string& text) {
  ByteWriter frame;
  frame.bytes(destination).bytes(source).bytes(tags).u16(ETH_P_IP);
  ByteWriter ip;
  ip.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(28 + text.size())).u32(0).u8(64).u8(IPPROTO_UDP).u16(0);
  ip.bytes(IpAddress::parse(source_address)->bytes()).bytes(IpAddress::parse(destination_address)->bytes());
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += load_u16(ip.view().data() + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  ip.patch_u16(10, static_cast<std::uint16_t>(~sum));
  // A UDP checksum of 0 says that there is none.
  ip.u16(port).u16(port).u16(static_cast<std::uint16_t>(8 + text.size())).u16(0).bytes(as_bytes(text));
  return frame.bytes(ip.view()).take();
}

}  // namespace ipsec::testing
