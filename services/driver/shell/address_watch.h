#pragma once

#include <memory>

#include <absl/container/flat_hash_set.h>
#include <libmnl/libmnl.h>

#include "services/common/result.h"
#include "services/driver/core/own_addresses.h"

namespace ipsec::driver {

// OwnAddresses by rtnetlink. The kernel puts the notice of a new address into this object's socket before it makes the
// route by which packets of that address can be received or sent. So whoever reads the notices after it has received a
// packet knows each address that the packet can have.
class AddressWatch final : public OwnAddresses {
 public:
  // kUnavailable where the kernel refuses netlink sockets.
  static Result<std::unique_ptr<AddressWatch>> open();

  // Without waiting. Where the addresses cannot be read, the next call tries again; until then the host may have any.
  void refresh() override;
  bool contains(const IpAddress& address) const override;

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit AddressWatch(mnl_socket* socket) : socket_(socket) {}
  Status read_all();

  std::unique_ptr<mnl_socket, Closer> socket_;
  absl::flat_hash_set<IpAddress> addresses_;
  bool outdated_ = true;
};

}  // namespace ipsec::driver
