#include "services/policyagent/shell/interface_manager.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include "services/common/sort_unique.h"

namespace ipsec::agent {
namespace {

// The driver names its TUN devices so; they carry no address of the host.
constexpr std::string_view kDriverDevicePrefix = "ipsec-";

// The biggest netlink message a dump is read in; the kernel fills at most 32 KiB.
constexpr std::size_t kBufferSize = 32768;

// Dumps during which nothing changed; on a host that changes this fast the last one must do, the next notice corrects
// it.
constexpr int kMaxReadAttempts = 5;

using AttributeTable = std::array<const nlattr*, 64>;

int keep_attribute(const nlattr* attribute, void* data) {
  auto& table = *static_cast<AttributeTable*>(data);
  const std::uint16_t type = mnl_attr_get_type(attribute);
  if (type < table.size()) table[type] = attribute;
  return MNL_CB_OK;
}

AttributeTable attributes(const nlmsghdr* message, std::size_t header_size) {
  AttributeTable table{};
  mnl_attr_parse(message, static_cast<unsigned>(header_size), keep_attribute, &table);
  return table;
}

std::optional<IpAddress> address_of(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  return IpAddress::try_from_bytes(
      {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)});
}

struct Link {
  Interface interface;
  bool loopback = false;
};
// By kernel index, so that listings have a stable order.
using Links = std::map<std::uint32_t, Link>;

InterfaceKind kind_of(const ifinfomsg& link) {
  const bool point_to_point =
      link.ifi_type == ARPHRD_PPP || link.ifi_type == ARPHRD_NONE || (link.ifi_flags & IFF_POINTOPOINT) != 0;
  return point_to_point ? InterfaceKind::kDialup : InterfaceKind::kLan;
}

int add_link(const nlmsghdr* message, void* data) {
  const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  const AttributeTable table = attributes(message, sizeof(*link));
  if (table[IFLA_IFNAME] == nullptr) return MNL_CB_OK;
  const std::string name = mnl_attr_get_str(table[IFLA_IFNAME]);
  if (name.starts_with(kDriverDevicePrefix)) return MNL_CB_OK;
  (*static_cast<Links*>(data))[static_cast<std::uint32_t>(link->ifi_index)] = {
      {name, kind_of(*link), (link->ifi_flags & IFF_UP) != 0, {}}, (link->ifi_flags & IFF_LOOPBACK) != 0};
  return MNL_CB_OK;
}

int add_address(const nlmsghdr* message, void* data) {
  auto& links = *static_cast<Links*>(data);
  const auto* entry = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  const AttributeTable table = attributes(message, sizeof(*entry));
  const auto link = links.find(entry->ifa_index);
  if (link == links.end() || (entry->ifa_flags & IFA_F_DADFAILED) != 0) return MNL_CB_OK;
  // On a point-to-point link IFA_ADDRESS is the other end.
  auto address = address_of(table[IFA_LOCAL]);
  if (!address) address = address_of(table[IFA_ADDRESS]);
  if (!address || (link->second.loopback && address->is_loopback())) return MNL_CB_OK;
  link->second.interface.addresses.push_back({*address, entry->ifa_prefixlen});
  return MNL_CB_OK;
}

int add_gateway(const nlmsghdr* message, void* data) {
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  if (route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST) return MNL_CB_OK;
  const AttributeTable table = attributes(message, sizeof(*route));
  if (const auto gateway = address_of(table[RTA_GATEWAY]))
    static_cast<std::vector<IpAddress>*>(data)->push_back(*gateway);
  return MNL_CB_OK;
}

Status netlink_error(std::string_view action) {
  return unavailable(fmt::format("netlink: cannot {}: {}", action, std::strerror(errno)));
}

// One dump on a socket of its own, so that what an interrupted one has left cannot be taken for the answer to the next.
// `interrupted`: something changed meanwhile and the answer may lack entries.
Status dump(std::uint16_t type, mnl_cb_t handle, void* data, bool& interrupted) {
  const NetlinkSocket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return netlink_error("open a socket");
  std::array<std::uint8_t, kBufferSize> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  auto* family = static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg)));
  family->rtgen_family = AF_UNSPEC;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return netlink_error("send a request");
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0) return netlink_error("read an answer");
    const int state =
        mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, mnl_socket_get_portid(socket.get()), handle, data);
    if (state == MNL_CB_STOP) return {};
    if (state >= 0) continue;
    if (errno != EINTR) return netlink_error("read an answer");
    interrupted = true;
    return {};
  }
}

}  // namespace

Result<InterfaceManager> InterfaceManager::open(HostFiles files) {
  NetlinkSocket watch(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!watch) return netlink_error("open a socket");
  constexpr unsigned kGroups =
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (mnl_socket_bind(watch.get(), kGroups, MNL_SOCKET_AUTOPID) < 0) return netlink_error("watch the interfaces");
  HostFileWatch file_watch(std::move(files));
  FileDescriptor poll(epoll_create1(EPOLL_CLOEXEC));
  for (const int descriptor : {mnl_socket_get_fd(watch.get()), file_watch.descriptor()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (descriptor >= 0 && epoll_ctl(poll.get(), EPOLL_CTL_ADD, descriptor, &event) < 0) {
      return netlink_error("wait for news");
    }
  }
  return InterfaceManager(std::move(watch), std::move(file_watch), std::move(poll));
}

InterfaceManager::InterfaceManager(NetlinkSocket watch, HostFileWatch files, FileDescriptor poll)
    : watch_(std::move(watch)), files_(std::move(files)), poll_(std::move(poll)) {}

bool InterfaceManager::drain() {
  std::array<std::uint8_t, kBufferSize> buffer;
  bool news = files_.drain();
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(watch_.get(), buffer.data(), buffer.size());
    if (size >= 0 || errno == ENOBUFS) {
      news = true;
    } else if (errno != EINTR) {
      return news;
    }
  }
}

Result<HostAddresses> InterfaceManager::read() {
  for (int attempt = 1;; ++attempt) {
    bool interrupted = false;
    auto host = read_once(interrupted);
    if (!interrupted || attempt == kMaxReadAttempts) return host;
  }
}

Result<HostAddresses> InterfaceManager::read_once(bool& interrupted) {
  Links links;
  HostAddresses host;
  IPSEC_RETURN_IF_ERROR(dump(RTM_GETLINK, add_link, &links, interrupted));
  IPSEC_RETURN_IF_ERROR(dump(RTM_GETADDR, add_address, &links, interrupted));
  IPSEC_RETURN_IF_ERROR(dump(RTM_GETROUTE, add_gateway, &host.gateways, interrupted));
  for (auto& [index, link] : links) {
    if (!link.loopback || !link.interface.addresses.empty()) host.interfaces.push_back(std::move(link.interface));
  }
  sort_unique(host.gateways);
  files_.rewatch();
  HostServers servers = read_host_files(files_.files());
  host.dns_servers = std::move(servers.dns);
  host.dhcp_servers = std::move(servers.dhcp);
  host.wins_servers = std::move(servers.wins);
  return host;
}

}  // namespace ipsec::agent
