#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ipsec::driver {

using MacAddress = std::array<std::uint8_t, 6>;

// A network interface of this host as the kernel describes it.
struct Nic {
  std::uint32_t index = 0;
  std::string name;
  std::uint32_t mtu = 0;  // octets of an IP packet
  MacAddress address{};
  bool ethernet = false;  // frames begin with an Ethernet header
  bool loopback = false;
  std::uint32_t controller = 0;                    // index of the bridge, bond or VRF it is a port of; 0: none
  std::string kind;                                // "bridge", "bond", "vrf", "veth", ...; empty for hardware
  std::vector<std::uint32_t> broadcast_addresses;  // of its IPv4 subnets, network byte order, ascending

  friend bool operator==(const Nic&, const Nic&) = default;
};

// The names of the driver's own TUN devices begin so; they are never attached to.
inline constexpr const char* kTunNamePrefix = "ipsec-";

// The NICs of `present` that the driver stands in front of. With `wanted` empty: every Ethernet interface that is
// neither loopback, nor a VRF (packets use its ports), nor a port of anything but a VRF (packets use the bridge or
// bond). Otherwise those whose name is wanted. Never a TUN of the driver.
std::vector<Nic> choose_nics(const std::vector<Nic>& present, const std::vector<std::string>& wanted);

}  // namespace ipsec::driver
