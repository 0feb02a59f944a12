#include "services/common/selector.h"

#include <algorithm>

#include <fmt/format.h>

namespace ipsec {

std::optional<std::uint16_t> PortRange::as_number() const {
  if (is_any()) return std::uint16_t{0};
  if (first == last) return first;
  return std::nullopt;
}

std::string PortRange::to_string() const {
  if (is_any()) return "any";
  if (first == last) return fmt::to_string(first);
  return fmt::format("{}-{}", first, last);
}

namespace {

std::string address_and_port(const IpAddress& address, std::uint8_t protocol, std::uint16_t port) {
  return protocol_has_ports(protocol) ? Endpoint{address, port}.to_string() : address.to_string();
}

std::string range_and_port(const AddressRange& range, const PortRange& port) {
  return port.is_any() ? range.to_string() : fmt::format("{} port {}", range.to_string(), port.to_string());
}

std::optional<PortRange> common_ports(const PortRange& a, const PortRange& b) {
  PortRange common{std::max(a.first, b.first), std::min(a.last, b.last)};
  if (common.last < common.first) return std::nullopt;
  return common;
}

}  // namespace

std::string FiveTuple::to_string() const {
  return fmt::format("{} -> {} {}", address_and_port(source, protocol, source_port),
                     address_and_port(destination, protocol, destination_port), protocol_name(protocol));
}

bool Selector::matches(const FiveTuple& packet) const {
  if (!source.contains(packet.source) || !destination.contains(packet.destination)) return false;
  if (protocol == kProtocolAny) return true;
  if (protocol != packet.protocol) return false;
  if (!protocol_has_ports(protocol)) return true;
  return source_port.contains(packet.source_port) && destination_port.contains(packet.destination_port);
}

bool Selector::contains(const Selector& other) const {
  return source.contains(other.source) && destination.contains(other.destination) &&
         (protocol == kProtocolAny || protocol == other.protocol) && source_port.contains(other.source_port) &&
         destination_port.contains(other.destination_port);
}

std::string Selector::to_string() const {
  return fmt::format("{} -> {} {}", range_and_port(source, source_port), range_and_port(destination, destination_port),
                     protocol_name(protocol));
}

std::optional<Selector> intersection(const Selector& a, const Selector& b) {
  auto source = intersection(a.source, b.source);
  auto destination = intersection(a.destination, b.destination);
  auto source_port = common_ports(a.source_port, b.source_port);
  auto destination_port = common_ports(a.destination_port, b.destination_port);
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  if (a.protocol != b.protocol && a.protocol != kProtocolAny && b.protocol != kProtocolAny) return std::nullopt;
  const std::uint8_t protocol = a.protocol == kProtocolAny ? b.protocol : a.protocol;
  return Selector{*source, *destination, protocol, *source_port, *destination_port};
}

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolAny:
      return "ANY";
    case kProtocolIcmp:
      return "ICMP";
    case kProtocolTcp:
      return "TCP";
    case kProtocolUdp:
      return "UDP";
    default:
      return fmt::to_string(protocol);
  }
}

}  // namespace ipsec
