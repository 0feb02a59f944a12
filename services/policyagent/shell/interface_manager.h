#pragma once

#include <memory>

#include <libmnl/libmnl.h>

#include "services/common/result.h"
#include "services/policyagent/core/host_addresses.h"
#include "services/policyagent/shell/host_files.h"

namespace ipsec::agent {

struct NetlinkCloser {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using NetlinkSocket = std::unique_ptr<mnl_socket, NetlinkCloser>;

// The Interface Manager (IM-01, IM-02, IM-07): what addresses, gateways and servers this host has, and when that
// changes. For one thread.
class InterfaceManager {
 public:
  // kUnavailable where the kernel refuses netlink sockets. `files`: where DNS, DHCP and WINS servers are read from.
  static Result<InterfaceManager> open(HostFiles files = {});

  // Readable when something about links, addresses, routes or the host's files has changed.
  int file_descriptor() const { return poll_.get(); }
  // Takes all pending notices, without waiting. True: at least one, or some were lost.
  bool drain();

  // As the kernel says now. The driver's own devices are left out, and loopback unless it has an address that others
  // can reach (a service address of a router); links that are down are in, because their addresses are still this
  // host's. Addresses found to be duplicates are left out.
  Result<HostAddresses> read();

 private:
  InterfaceManager(NetlinkSocket watch, HostFileWatch files, FileDescriptor poll);
  Result<HostAddresses> read_once(bool& interrupted);

  NetlinkSocket watch_;
  HostFileWatch files_;
  FileDescriptor poll_;
};

}  // namespace ipsec::agent
