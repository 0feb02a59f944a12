#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "services/common/address.h"

// The five-tuple pattern of filters and SAs, and the five-tuple of one packet.
namespace ipsec {

// IANA protocol numbers that the code names.
inline constexpr std::uint8_t kProtocolAny = 0;  // in patterns only
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIpv4 = 4;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIpv6 = 41;
inline constexpr std::uint8_t kProtocolEsp = 50;
inline constexpr std::uint8_t kProtocolAh = 51;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

inline bool protocol_has_ports(std::uint8_t protocol) { return protocol == kProtocolTcp || protocol == kProtocolUdp; }

// Host byte order, inclusive. 0-65535 is "any".
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;

  static PortRange any() { return {}; }
  static PortRange single(std::uint16_t port) { return {port, port}; }
  // netsh and ISAKMP write "any" as 0.
  static PortRange from_number(std::uint16_t port) { return port == 0 ? any() : single(port); }
  // The ISAKMP form: 0 for any, the port where it is a single one; a wider range has none.
  std::optional<std::uint16_t> as_number() const;
  bool is_any() const { return first == 0 && last == 65535; }
  bool contains(std::uint16_t port) const { return first <= port && port <= last; }
  bool contains(const PortRange& other) const { return first <= other.first && other.last <= last; }
  std::string to_string() const;  // "any", "445", "1024-65535"
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

// The addresses, protocol and ports of one packet. Ports are 0 where the protocol has none or where a later fragment
// does not show them.
struct FiveTuple {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  FiveTuple reversed() const { return {destination, source, protocol, destination_port, source_port}; }
  // "10.0.0.1:40000 -> 10.0.0.2:445 TCP"
  std::string to_string() const;
  friend auto operator<=>(const FiveTuple&, const FiveTuple&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const FiveTuple& tuple) {
    return H::combine(std::move(state), tuple.source, tuple.destination, tuple.protocol, tuple.source_port,
                      tuple.destination_port);
  }
};

// Which packets: both address ranges are of one family. Ports count only where protocol is TCP or UDP.
struct Selector {
  AddressRange source = AddressRange::any(AddressFamily::kIpv4);
  AddressRange destination = AddressRange::any(AddressFamily::kIpv4);
  std::uint8_t protocol = kProtocolAny;
  PortRange source_port;
  PortRange destination_port;

  AddressFamily family() const { return source.family(); }
  // True if a packet whose ports are not known (a fragment) cannot be told to match.
  bool asks_for_ports() const {
    return protocol_has_ports(protocol) && !(source_port.is_any() && destination_port.is_any());
  }
  bool matches(const FiveTuple& packet) const;
  // Every packet of `other` is a packet of this one.
  bool contains(const Selector& other) const;
  Selector mirrored() const { return {destination, source, protocol, destination_port, source_port}; }
  std::string to_string() const;
  friend auto operator<=>(const Selector&, const Selector&) = default;
};

std::optional<Selector> intersection(const Selector& a, const Selector& b);

// "TCP", "UDP", "ICMP", "ANY", otherwise the number.
std::string protocol_name(std::uint8_t protocol);

}  // namespace ipsec
