#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <libmnl/libmnl.h>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/driver/shell/nic.h"

// What the driver asks the kernel about network interfaces (rtnetlink). One socket belongs to one thread at a time.
namespace ipsec::driver {

class Netlink {
 public:
  static Result<Netlink> open();

  // Every interface of this network namespace, ordered by index.
  Result<std::vector<Nic>> list_nics();

  // Brings a TUN device into service: MTU and queue length set, no IPv6 address of its own (it would send router
  // solicitations into the driver), up.
  Status start_tun(std::uint32_t index, std::uint32_t mtu, std::uint32_t queue_length);

  // The interface by which a packet to this address leaves, as the routing tables say now.
  Result<std::uint32_t> interface_towards(const IpAddress& destination);

  // Whether any traffic control filter hangs on the clsact qdisc of the interface.
  Result<bool> has_filters(std::uint32_t index);

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  Status transact(nlmsghdr* request, mnl_cb_t callback, void* data);
  Status dump(std::uint16_t type, std::uint8_t family, mnl_cb_t callback, void* data);
  Status change_link(std::uint32_t index, bool up, const std::function<void(nlmsghdr*)>& add_attributes);

  std::unique_ptr<mnl_socket, Closer> socket_;
  std::uint32_t sequence_ = 0;
};

// Tells that something about the interfaces, their IPv4 addresses or their traffic control has changed; what,
// list_nics() says. So nothing is lost when the kernel drops notices.
class NicWatch {
 public:
  static Result<NicWatch> open();

  // Readable when there is news.
  int descriptor() const { return mnl_socket_get_fd(socket_.get()); }
  // Takes all pending notices without blocking. True: at least one, or some were lost.
  bool drain();

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit NicWatch(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Closer> socket_;
};

}  // namespace ipsec::driver
