#pragma once

#include <istream>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/policyagent/shell/file_descriptor.h"

// What the host's own files say of servers: the kernel knows addresses and routes only.
namespace ipsec::agent {

struct HostFiles {
  std::string resolver = "/etc/resolv.conf";
  // Leases of systemd-networkd, dhclient and NetworkManager; every file in them is looked at.
  std::vector<std::string> lease_directories = {"/run/systemd/netif/leases", "/var/lib/dhcp",
                                                "/var/lib/NetworkManager"};
};

struct HostServers {
  std::vector<IpAddress> dns;
  std::vector<IpAddress> dhcp;
  std::vector<IpAddress> wins;
};

// Each server once, in the order found. Files that are not there and lines that do not parse are passed over.
HostServers read_host_files(const HostFiles& files);

// "nameserver" lines of a resolv.conf.
void read_resolver(std::istream& lines, HostServers& servers);
// A lease file: lines "SERVER_ADDRESS=..." (systemd-networkd, NetworkManager), or blocks "lease { ... }" of dhclient,
// of which the last one of each interface counts.
void read_lease(std::istream& lines, HostServers& servers);

// Tells that one of the files may have changed.
class HostFileWatch {
 public:
  // Without inotify nothing is ever told. Folders that do not exist yet are watched from a later rewatch() on.
  explicit HostFileWatch(HostFiles files);
  const HostFiles& files() const { return files_; }

  // Readable when there is news; -1: never.
  int descriptor() const { return inotify_.get(); }
  // Takes all notices without waiting; whether there was one.
  bool drain();
  // Looks for folders again: a resolver file that is a link may lead elsewhere now.
  void rewatch();

 private:
  HostFiles files_;
  FileDescriptor inotify_;
};

}  // namespace ipsec::agent
