#include "services/ike/core/quick_mode_selector.h"

#include "services/ike/wire/identity.h"

namespace ipsec::ike {

Result<QuickModeIdentities> identities_of(const Selector& outbound) {
  const bool ports = protocol_has_ports(outbound.protocol);
  const auto source_port = ports ? outbound.source_port.as_number() : std::optional<std::uint16_t>(0);
  const auto destination_port = ports ? outbound.destination_port.as_number() : std::optional<std::uint16_t>(0);
  if (!source_port || !destination_port) {
    return invalid(fmt::format("{}: quick mode can name one port or any, no range", outbound.to_string()));
  }
  return QuickModeIdentities{range_identity(outbound.source, outbound.protocol, *source_port),
                             range_identity(outbound.destination, outbound.protocol, *destination_port)};
}

Result<Selector> selector_of(const QuickModeIdentities& identities) {
  IPSEC_ASSIGN_OR_RETURN(const AddressRange source, identity_range(identities.initiator));
  IPSEC_ASSIGN_OR_RETURN(const AddressRange destination, identity_range(identities.responder));
  if (source.family() != destination.family()) return invalid("quick mode identities of two address families");
  const std::uint8_t protocol = identities.initiator.protocol;
  if (protocol != identities.responder.protocol) {
    return invalid(
        fmt::format("quick mode identities of protocols {} and {}", protocol, identities.responder.protocol));
  }
  const bool with_ports = identities.initiator.port != 0 || identities.responder.port != 0;
  if (with_ports && !protocol_has_ports(protocol)) {
    return invalid(fmt::format("quick mode identities with ports of protocol {}", protocol));
  }
  return Selector{source, destination, protocol, PortRange::from_number(identities.initiator.port),
                  PortRange::from_number(identities.responder.port)};
}

Selector translated(Selector outbound, const NatFound& nat, const IpAddress& local, const IpAddress& peer) {
  if (nat.peer_behind && outbound.destination.is_host()) outbound.destination = AddressRange::host(peer);
  if (nat.local_behind && outbound.source.is_host()) outbound.source = AddressRange::host(local);
  return outbound;
}

Selector negotiated_selector(const Filter& filter, const IpAddress& local, const IpAddress& peer) {
  Selector selector = filter.selector;
  if (filter.encapsulation() == Encapsulation::kTransport) {
    selector.source = AddressRange::host(local);
    selector.destination = AddressRange::host(peer);
  }
  return selector;
}

}  // namespace ipsec::ike
