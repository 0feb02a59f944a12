#include "services/ike/shell/udp_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "services/common/daemon/logging.h"

namespace ipsec::ike {

namespace {

constexpr std::array<std::uint8_t, 4> kNonEspMarker{};
constexpr std::array<std::uint8_t, 1> kKeepAlive{0xff};

// Room for the packet information of either family.
union ControlBuffer {
  cmsghdr aligned;
  std::array<std::uint8_t, 128> bytes;
};

bool set_option(int file, int level, int option, int value) {
  return setsockopt(file, level, option, &value, sizeof value) == 0;
}

IpAddress address_of(const in_addr& address) {
  return IpAddress::from_bytes(ByteView(reinterpret_cast<const std::uint8_t*>(&address), 4));
}
IpAddress address_of(const in6_addr& address) { return IpAddress::from_bytes(ByteView(address.s6_addr, 16)); }

template <typename To>
void copy_octets(const IpAddress& from, To& to) {
  static_assert(sizeof(To) == 4 || sizeof(To) == 16);
  std::memcpy(&to, from.bytes().data(), from.bytes().size());
}

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80;
}

// The interface that has this link-local address of ours; 0 where none has it.
unsigned interface_of(const IpAddress& local) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return 0;
  unsigned index = 0;
  for (const ifaddrs* entry = list; entry != nullptr && index == 0; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET6) continue;
    const auto* address = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
    if (address_of(address->sin6_addr) == local) index = if_nametoindex(entry->ifa_name);
  }
  freeifaddrs(list);
  return index;
}

socklen_t fill_address(sockaddr_storage& storage, const Endpoint& endpoint, unsigned interface) {
  if (endpoint.address.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    copy_octets(endpoint.address, address.sin_addr);
    return sizeof address;
  }
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  copy_octets(endpoint.address, address.sin6_addr);
  if (is_link_local(endpoint.address)) address.sin6_scope_id = interface;
  return sizeof address;
}

Endpoint endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    return {address_of(address.sin_addr), ntohs(address.sin_port)};
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
  return {address_of(address.sin6_addr), ntohs(address.sin6_port)};
}

template <typename Information>
void put_control(msghdr& message, int level, int type, const Information& information) {
  message.msg_controllen = CMSG_SPACE(sizeof information);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof information);
  std::memcpy(CMSG_DATA(header), &information, sizeof information);
}

void put_source(msghdr& message, const IpAddress& local, unsigned interface) {
  if (local.is_v4()) {
    in_pktinfo information{};
    copy_octets(local, information.ipi_spec_dst);
    put_control(message, IPPROTO_IP, IP_PKTINFO, information);
  } else {
    in6_pktinfo information{};
    copy_octets(local, information.ipi6_addr);
    information.ipi6_ifindex = interface;
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, information);
  }
}

// The address of ours that the datagram was sent to; nullopt for broadcast and multicast.
std::optional<IpAddress> destination_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo information;
      std::memcpy(&information, CMSG_DATA(header), sizeof information);
      if (information.ipi_addr.s_addr != information.ipi_spec_dst.s_addr) return std::nullopt;
      return address_of(information.ipi_addr);
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo information;
      std::memcpy(&information, CMSG_DATA(header), sizeof information);
      const IpAddress address = address_of(information.ipi6_addr);
      if (address.is_multicast()) return std::nullopt;
      return address;
    }
  }
  return std::nullopt;
}

// What the kernel tells of the error; nullopt where it is none of ICMP.
std::optional<PeerUnreachable> error_in(msghdr& message, const Endpoint& peer) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const bool v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
    const bool v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    struct {
      sock_extended_err error;
      sockaddr_in6 offender;
    } told{};
    std::memcpy(&told, CMSG_DATA(header), std::min(sizeof told, static_cast<std::size_t>(header->cmsg_len)));
    if (told.error.ee_origin != SO_EE_ORIGIN_ICMP && told.error.ee_origin != SO_EE_ORIGIN_ICMP6) return std::nullopt;
    sockaddr_storage offender{};
    std::memcpy(&offender, &told.offender, sizeof told.offender);
    return PeerUnreachable{peer.address, endpoint_of(offender).address, told.error.ee_type, told.error.ee_code};
  }
  return std::nullopt;
}

}  // namespace

Result<FileDescriptor> UdpSockets::bind_socket(AddressFamily family, std::uint16_t port) {
  const bool v4 = family == AddressFamily::kIpv4;
  FileDescriptor file(socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto failure = [&](std::string_view what) {
    const int reason = errno;
    return Status(
        reason == EAFNOSUPPORT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
        fmt::format("cannot {} UDP port {} for {}: {}{}", what, port, v4 ? "IPv4" : "IPv6", std::strerror(reason),
                    reason == EADDRINUSE ? " (another IKE service on this host?)" : ""));
  };
  if (!file.valid()) return failure("open");
  // No path MTU discovery: large messages are fragmented on the way instead of lost until the sender has learned.
  const bool configured = v4 ? set_option(file.number(), IPPROTO_IP, IP_PKTINFO, 1) &&
                                   set_option(file.number(), IPPROTO_IP, IP_RECVERR, 1) &&
                                   set_option(file.number(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
                             : set_option(file.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                                   set_option(file.number(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                                   set_option(file.number(), IPPROTO_IPV6, IPV6_RECVERR, 1) &&
                                   set_option(file.number(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  if (!configured) return failure("configure");
  sockaddr_storage address{};
  const socklen_t size = fill_address(address, {IpAddress::any(family), port}, 0);
  if (bind(file.number(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return failure("bind");
  return file;
}

Result<std::unique_ptr<UdpSockets>> UdpSockets::open() {
  auto sockets = std::make_unique<UdpSockets>();
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (const std::uint16_t port : {kIkePort, kNatTraversalPort}) {
      auto file = bind_socket(family, port);
      if (family == AddressFamily::kIpv6 && file.status().code() == ErrorCode::kNotFound) {
        daemon::log(daemon::LogLevel::kWarning, "ipv6_missing", {{"reason", file.status().message()}});
        return sockets;
      }
      if (!file.ok()) return file.status();
      sockets->sockets_.push_back({std::move(file).value(), family, port});
    }
  }
  return sockets;
}

std::optional<DatagramReceived> UdpSockets::receive(std::size_t index) {
  DatagramReceived datagram;
  for (;;) {
    switch (take(sockets_[index], datagram)) {
      case Taken::kNothing:
        return std::nullopt;
      case Taken::kPassedOver:
        break;
      case Taken::kDatagram:
        return datagram;
    }
  }
}

std::optional<PeerUnreachable> UdpSockets::take_error(std::size_t index) {
  for (;;) {
    sockaddr_storage peer{};
    ControlBuffer control;
    msghdr message{};
    message.msg_name = &peer;
    message.msg_namelen = sizeof peer;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    if (recvmsg(sockets_[index].file.number(), &message, MSG_ERRQUEUE) < 0) return std::nullopt;
    if (auto error = error_in(message, endpoint_of(peer))) return error;
  }
}

UdpSockets::Taken UdpSockets::take(const Socket& socket, DatagramReceived& datagram) {
  sockaddr_storage peer{};
  ControlBuffer control;
  iovec data{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof peer;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t size = recvmsg(socket.file.number(), &message, 0);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Taken::kNothing : Taken::kPassedOver;
  const auto local = destination_of(message);
  if (!local) return Taken::kPassedOver;
  ByteView bytes = ByteView(buffer_).first(static_cast<std::size_t>(size));
  if (socket.port == kNatTraversalPort) {
    const bool marked =
        bytes.size() > kNonEspMarker.size() && std::ranges::equal(bytes.first(kNonEspMarker.size()), kNonEspMarker);
    if (!marked) return Taken::kPassedOver;
    bytes = bytes.subspan(kNonEspMarker.size());
  }
  datagram.local = {*local, socket.port};
  datagram.peer = endpoint_of(peer);
  datagram.bytes.assign(bytes.begin(), bytes.end());
  return Taken::kDatagram;
}

const UdpSockets::Socket* UdpSockets::socket_for(const Endpoint& local) const {
  const auto found = std::ranges::find_if(sockets_, [&](const Socket& socket) {
    return socket.family == local.address.family() && socket.port == local.port;
  });
  return found == sockets_.end() ? nullptr : &*found;
}

Status UdpSockets::send(const SendDatagram& datagram) {
  const bool marked = datagram.local.port == kNatTraversalPort;
  return send_octets(datagram.local, datagram.peer, marked ? ByteView(kNonEspMarker) : ByteView(), datagram.bytes);
}

Status UdpSockets::send_keep_alive(const SendKeepAlive& keep_alive) {
  return send_octets(keep_alive.local, keep_alive.peer, {}, kKeepAlive);
}

Status UdpSockets::send_octets(const Endpoint& local, const Endpoint& to, ByteView marker, ByteView bytes) {
  const Socket* socket = socket_for(local);
  if (socket == nullptr) return unavailable(fmt::format("no socket for {}", local.to_string()));
  const unsigned interface = is_link_local(local.address) ? interface_of(local.address) : 0;
  sockaddr_storage peer{};
  ControlBuffer control{};
  std::array<iovec, 2> data{};
  std::size_t pieces = 0;
  for (const ByteView piece : {marker, bytes}) {
    if (!piece.empty()) data[pieces++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = fill_address(peer, to, interface);
  message.msg_iov = data.data();
  message.msg_iovlen = pieces;
  message.msg_control = control.bytes.data();
  put_source(message, local.address, interface);
  if (sendmsg(socket->file.number(), &message, MSG_NOSIGNAL) >= 0) return {};
  // The first failure may be that of a datagram before, of which ICMP has told meanwhile.
  if (sendmsg(socket->file.number(), &message, MSG_NOSIGNAL) >= 0) return {};
  return unavailable(
      fmt::format("cannot send from {} to {}: {}", local.to_string(), to.to_string(), std::strerror(errno)));
}

}  // namespace ipsec::ike
