#include "services/driver/shell/netlink.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "services/common/bytes.h"
#include "services/common/sort_unique.h"

namespace ipsec::driver {
namespace {

// Of libmnl's manual: larger than any message the kernel puts together in one datagram of a dump.
constexpr std::size_t kReplySize = 32768;
constexpr std::size_t kRequestSize = 512;

using NicsByIndex = std::map<std::uint32_t, Nic>;

// The first `count` octets of the attribute if it has as many.
template <typename T>
bool copy_attribute(const nlattr* attribute, T& value) {
  if (mnl_attr_get_payload_len(attribute) < sizeof(value)) return false;
  std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(value));
  return true;
}

template <typename Function>
void for_each_attribute(const void* first, const void* past_last, Function function) {
  auto* attribute = static_cast<const nlattr*>(first);
  const auto* end = static_cast<const char*>(past_last);
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    function(attribute);
    attribute = mnl_attr_next(attribute);
  }
}

template <typename Function>
void for_each_attribute(const nlmsghdr* message, unsigned header_size, Function function) {
  for_each_attribute(mnl_nlmsg_get_payload_offset(message, header_size), mnl_nlmsg_get_payload_tail(message), function);
}

std::string kind_of(const nlattr* link_info) {
  std::string kind;
  const auto* payload = static_cast<const char*>(mnl_attr_get_payload(link_info));
  for_each_attribute(payload, payload + mnl_attr_get_payload_len(link_info), [&kind](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) kind = mnl_attr_get_str(attribute);
  });
  return kind;
}

int read_link(const nlmsghdr* message, void* data) {
  const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  Nic nic;
  nic.index = static_cast<std::uint32_t>(link->ifi_index);
  nic.ethernet = link->ifi_type == ARPHRD_ETHER;
  nic.loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
  nic.up = (link->ifi_flags & IFF_UP) != 0;
  for_each_attribute(message, sizeof(*link), [&nic](const nlattr* attribute) {
    switch (mnl_attr_get_type(attribute)) {
      case IFLA_IFNAME:
        nic.name = mnl_attr_get_str(attribute);
        break;
      case IFLA_MTU:
        copy_attribute(attribute, nic.mtu);
        break;
      case IFLA_MASTER:
        copy_attribute(attribute, nic.controller);
        break;
      case IFLA_LINKINFO:
        nic.kind = kind_of(attribute);
        break;
      case IFLA_ADDRESS:
        if (nic.ethernet) copy_attribute(attribute, nic.address);
        break;
      default:
        break;
    }
  });
  (*static_cast<NicsByIndex*>(data))[nic.index] = std::move(nic);
  return MNL_CB_OK;
}

int read_route(const nlmsghdr* message, void* data) {
  for_each_attribute(message, sizeof(rtmsg), [data](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == RTA_OIF) copy_attribute(attribute, *static_cast<std::uint32_t*>(data));
  });
  return MNL_CB_OK;
}

int note_filter(const nlmsghdr*, void* data) {
  *static_cast<bool*>(data) = true;
  return MNL_CB_OK;
}

// RFC 919: all ones in the host part; prefixes of 31 and 32 bits have no broadcast address (RFC 3021).
std::uint32_t directed_broadcast(std::uint32_t address, unsigned prefix_length) {
  std::array<std::uint8_t, 4> octets{};
  std::memcpy(octets.data(), &address, 4);
  store_u32(octets.data(), load_u32(octets.data()) | (0xffffffffU >> prefix_length));
  std::memcpy(&address, octets.data(), 4);
  return address;
}

int read_address(const nlmsghdr* message, void* data) {
  const auto* entry = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  auto& nics = *static_cast<NicsByIndex*>(data);
  const auto nic = nics.find(entry->ifa_index);
  if (nic == nics.end() || entry->ifa_family != AF_INET) return MNL_CB_OK;
  auto& broadcasts = nic->second.broadcast_addresses;
  for_each_attribute(message, sizeof(*entry), [&](const nlattr* attribute) {
    std::uint32_t address = 0;
    if (!copy_attribute(attribute, address)) return;
    if (mnl_attr_get_type(attribute) == IFA_BROADCAST) broadcasts.push_back(address);
    if (mnl_attr_get_type(attribute) == IFA_ADDRESS && entry->ifa_prefixlen < 31) {
      broadcasts.push_back(directed_broadcast(address, entry->ifa_prefixlen));
    }
  });
  return MNL_CB_OK;
}

mnl_socket* open_socket(unsigned groups) {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket != nullptr && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) {
    mnl_socket_close(socket);
    return nullptr;
  }
  return socket;
}

Status netlink_error(std::string_view what) {
  return unavailable(fmt::format("rtnetlink: {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<Netlink> Netlink::open() {
  mnl_socket* socket = open_socket(0);
  if (socket == nullptr) return netlink_error("open a socket");
  return Netlink(socket);
}

Status Netlink::transact(nlmsghdr* request, mnl_cb_t callback, void* data) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return netlink_error("send a request");
  alignas(nlmsghdr) std::array<char, kReplySize> reply;
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), reply.data(), reply.size());
    if (size < 0) return netlink_error("read an answer");
    const int outcome = mnl_cb_run(reply.data(), static_cast<std::size_t>(size), sequence_,
                                   mnl_socket_get_portid(socket_.get()), callback, data);
    if (outcome < 0) return netlink_error("the kernel refused");
    if (outcome == MNL_CB_STOP) return {};
  }
}

Status Netlink::dump(std::uint16_t type, std::uint8_t family, mnl_cb_t callback, void* data) {
  alignas(nlmsghdr) std::array<char, kRequestSize> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg)))->rtgen_family = family;
  return transact(request, callback, data);
}

Result<std::vector<Nic>> Netlink::list_nics() {
  NicsByIndex by_index;
  IPSEC_RETURN_IF_ERROR(dump(RTM_GETLINK, AF_PACKET, read_link, &by_index));
  IPSEC_RETURN_IF_ERROR(dump(RTM_GETADDR, AF_INET, read_address, &by_index));
  std::vector<Nic> nics;
  nics.reserve(by_index.size());
  for (auto& [index, nic] : by_index) {
    sort_unique(nic.broadcast_addresses);
    nics.push_back(std::move(nic));
  }
  return nics;
}

Status Netlink::change_link(std::uint32_t index, bool up, const std::function<void(nlmsghdr*)>& add_attributes) {
  alignas(nlmsghdr) std::array<char, kRequestSize> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_NEWLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  link->ifi_index = static_cast<int>(index);
  link->ifi_flags = up ? IFF_UP : 0;
  link->ifi_change = up ? IFF_UP : 0;
  add_attributes(request);
  return transact(request, nullptr, nullptr);
}

Status Netlink::start_tun(std::uint32_t index, std::uint32_t mtu, std::uint32_t queue_length) {
  IPSEC_RETURN_IF_ERROR(change_link(index, false, [&](nlmsghdr* request) {
    mnl_attr_put_u32(request, IFLA_MTU, mtu);
    mnl_attr_put_u32(request, IFLA_TXQLEN, queue_length);
  }));
  // A request of its own, for a kernel without IPv6 refuses it and needs nothing; before the device is up, for the
  // kernel makes the address at that moment.
  static_cast<void>(change_link(index, false, [](nlmsghdr* request) {
    nlattr* families = mnl_attr_nest_start(request, IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(request, AF_INET6);
    mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(request, ipv6);
    mnl_attr_nest_end(request, families);
  }));
  return change_link(index, true, [](nlmsghdr*) {});
}

Result<std::uint32_t> Netlink::interface_towards(const IpAddress& destination) {
  alignas(nlmsghdr) std::array<char, kRequestSize> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETROUTE;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
  route->rtm_family = destination.is_v4() ? AF_INET : AF_INET6;
  route->rtm_dst_len = static_cast<unsigned char>(destination.bits());
  mnl_attr_put(request, RTA_DST, destination.bytes().size(), destination.bytes().data());
  std::uint32_t index = 0;
  IPSEC_RETURN_IF_ERROR(with_context(transact(request, read_route, &index), destination.to_string()));
  return index;
}

Result<bool> Netlink::has_filters(std::uint32_t index) {
  bool found = false;
  for (const std::uint32_t hook : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    alignas(nlmsghdr) std::array<char, kRequestSize> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETTFILTER;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* filter = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
    filter->tcm_family = AF_UNSPEC;
    filter->tcm_ifindex = static_cast<int>(index);
    filter->tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook);
    IPSEC_RETURN_IF_ERROR(transact(request, note_filter, &found));
  }
  return found;
}

Result<NicWatch> NicWatch::open() {
  mnl_socket* socket = open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_TC);
  if (socket == nullptr) return netlink_error("watch the interfaces");
  return NicWatch(socket);
}

bool NicWatch::drain() {
  bool news = false;
  alignas(nlmsghdr) std::array<char, kReplySize> notice;
  for (;;) {
    const ssize_t size = recv(descriptor(), notice.data(), notice.size(), MSG_DONTWAIT);
    if (size >= 0 || errno == ENOBUFS) {
      news = true;
    } else if (errno != EINTR) {
      return news;
    }
  }
}

}  // namespace ipsec::driver
