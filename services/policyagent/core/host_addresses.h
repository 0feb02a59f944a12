#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/address.h"

// What the compiler has to know of the host: the Interface Manager's list (IM-01).
namespace ipsec::agent {

// What rules of a connection type apply to (IM-08). Dial-up stands for point-to-point links: PPP and tunnel devices.
enum class InterfaceKind : std::uint8_t { kLan, kDialup };

struct InterfaceAddress {
  IpAddress address;
  unsigned prefix_length = 0;
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// Also one that is down: the addresses of a link that is down still belong to the host. Loopback only for
// addresses on it that are reachable from outside.
struct Interface {
  std::string name;
  InterfaceKind kind = InterfaceKind::kLan;
  bool up = true;
  std::vector<InterfaceAddress> addresses;
  friend bool operator==(const Interface&, const Interface&) = default;
};

struct HostAddresses {
  std::vector<Interface> interfaces;
  // What the keywords DNS, WINS, DHCP and GATEWAY of filters stand for; empty where not known.
  std::vector<IpAddress> dns_servers;
  std::vector<IpAddress> wins_servers;
  std::vector<IpAddress> dhcp_servers;
  std::vector<IpAddress> gateways;
  friend bool operator==(const HostAddresses&, const HostAddresses&) = default;
};

}  // namespace ipsec::agent
