#include "services/driver/shell/address_watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace ipsec::driver {
namespace {

using Addresses = absl::flat_hash_set<IpAddress>;

// Of libmnl's manual: larger than any message the kernel puts together in one datagram of a dump.
constexpr std::size_t kReplySize = 32768;

Status netlink_error(std::string_view action) {
  return unavailable(fmt::format("netlink: cannot {}: {}", action, std::strerror(errno)));
}

struct AddressAttributes {
  const nlattr* address = nullptr;
  const nlattr* local = nullptr;
};

int note_attribute(const nlattr* attribute, void* data) {
  auto& found = *static_cast<AddressAttributes*>(data);
  if (mnl_attr_get_type(attribute) == IFA_ADDRESS) found.address = attribute;
  if (mnl_attr_get_type(attribute) == IFA_LOCAL) found.local = attribute;
  return MNL_CB_OK;
}

bool can_be_on_a_nic(const IpAddress& address) {
  return !address.is_loopback() && !address.is_multicast() && !address.is_unspecified();
}

// nullopt: not one that packets on a NIC can have.
std::optional<IpAddress> address_in(const nlmsghdr* message) {
  const auto* entry = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  AddressAttributes found;
  mnl_attr_parse(message, sizeof(*entry), note_attribute, &found);
  // On a point-to-point link IFA_ADDRESS is the other end.
  const nlattr* attribute = found.local != nullptr ? found.local : found.address;
  if (attribute == nullptr || (entry->ifa_flags & IFA_F_DADFAILED) != 0) return std::nullopt;
  const auto address = IpAddress::try_from_bytes(
      {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)});
  return address && can_be_on_a_nic(*address) ? address : std::nullopt;
}

int add_address(const nlmsghdr* message, void* data) {
  if (const auto address = address_in(message)) static_cast<Addresses*>(data)->insert(*address);
  return MNL_CB_OK;
}

// All addresses of this network namespace.
Result<Addresses> dump() {
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC),
                                                                 mnl_socket_close);
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return netlink_error("open a socket");
  alignas(nlmsghdr) std::array<char, kReplySize> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETADDR;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg)))->rtgen_family = AF_UNSPEC;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return netlink_error("ask for addresses");
  Addresses addresses;
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0) return netlink_error("read the addresses");
    const int state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, mnl_socket_get_portid(socket.get()),
                                 add_address, &addresses);
    if (state == MNL_CB_STOP) return addresses;
    if (state < 0) return netlink_error("read the addresses");
  }
}

}  // namespace

Result<std::unique_ptr<AddressWatch>> AddressWatch::open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket == nullptr) return netlink_error("watch the addresses");
  std::unique_ptr<AddressWatch> watch(new AddressWatch(socket));
  if (mnl_socket_bind(socket, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, MNL_SOCKET_AUTOPID) < 0) {
    return netlink_error("watch the addresses");
  }
  IPSEC_RETURN_IF_ERROR(watch->read_all());
  return watch;
}

Status AddressWatch::read_all() {
  IPSEC_ASSIGN_OR_RETURN(addresses_, dump());
  outdated_ = false;
  return {};
}

void AddressWatch::refresh() {
  alignas(nlmsghdr) std::array<char, kReplySize> notices;
  for (;;) {
    const ssize_t size = recv(mnl_socket_get_fd(socket_.get()), notices.data(), notices.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0) {
      outdated_ = true;
      if (errno == ENOBUFS) continue;  // notices were lost; those after them still come
      break;
    }
    int left = static_cast<int>(size);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(notices.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      const auto address = address_in(message);
      if (message->nlmsg_type == RTM_NEWADDR && address) {
        addresses_.insert(*address);
      } else {
        // The host may still have it on another interface.
        outdated_ = true;
      }
    }
  }
  // An address too many drops packets for a moment; one too few would let them pass. So nothing is taken away before
  // the whole answer is there.
  if (outdated_) static_cast<void>(read_all());
}

bool AddressWatch::contains(const IpAddress& address) const {
  if (outdated_) return can_be_on_a_nic(address);
  return addresses_.contains(address);
}

}  // namespace ipsec::driver
