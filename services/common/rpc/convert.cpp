#include "services/common/rpc/convert.h"

namespace ipsec::rpc {
namespace {

std::string octets(const IpAddress& address) {
  const ByteView bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

std::string member(std::string_view field, std::string_view name) { return fmt::format("{}.{}", field, name); }

Result<PortRange> optional_ports(bool present, const proto::PortRange& message, const std::string& field) {
  if (!present) return PortRange::any();
  return from_proto(message, field);
}

}  // namespace

proto::Address to_proto(const IpAddress& address) {
  proto::Address message;
  message.set_octets(octets(address));
  return message;
}

proto::AddressRange to_proto(const AddressRange& range) {
  proto::AddressRange message;
  *message.mutable_first() = to_proto(range.first);
  *message.mutable_last() = to_proto(range.last);
  return message;
}

proto::PortRange to_proto(const PortRange& range) {
  proto::PortRange message;
  message.set_first(range.first);
  message.set_last(range.last);
  return message;
}

proto::Selector to_proto(const Selector& selector) {
  proto::Selector message;
  *message.mutable_source() = to_proto(selector.source);
  *message.mutable_destination() = to_proto(selector.destination);
  message.set_protocol(selector.protocol);
  if (!selector.source_port.is_any()) *message.mutable_source_port() = to_proto(selector.source_port);
  if (!selector.destination_port.is_any()) *message.mutable_destination_port() = to_proto(selector.destination_port);
  return message;
}

proto::FiveTuple to_proto(const FiveTuple& tuple) {
  proto::FiveTuple message;
  *message.mutable_source() = to_proto(tuple.source);
  *message.mutable_destination() = to_proto(tuple.destination);
  message.set_protocol(tuple.protocol);
  message.set_source_port(tuple.source_port);
  message.set_destination_port(tuple.destination_port);
  return message;
}

proto::Endpoint to_proto(const Endpoint& endpoint) {
  proto::Endpoint message;
  *message.mutable_address() = to_proto(endpoint.address);
  message.set_port(endpoint.port);
  return message;
}

// common.proto numbers the two enumerations as algorithms.h does, plus one.
proto::Cipher to_proto(Cipher cipher) { return static_cast<proto::Cipher>(static_cast<int>(cipher) + 1); }
proto::Integrity to_proto(Integrity integrity) {
  return static_cast<proto::Integrity>(static_cast<int>(integrity) + 1);
}
static_assert(static_cast<int>(Cipher::kChacha20Poly1305) + 1 == proto::CIPHER_CHACHA20_POLY1305);
static_assert(static_cast<int>(Integrity::kAes256Gmac) + 1 == proto::INTEGRITY_AES256_GMAC);

std::uint32_t to_proto(DhGroup group) { return static_cast<std::uint32_t>(group); }

Result<IpAddress> from_proto(const proto::Address& message, std::string_view field) {
  const auto address = IpAddress::try_from_bytes(as_bytes(message.octets()));
  if (address) return *address;
  return invalid(fmt::format("{}: an address has 4 or 16 octets, found {}", field, message.octets().size()));
}

Result<AddressRange> from_proto(const proto::AddressRange& message, std::string_view field) {
  IPSEC_ASSIGN_OR_RETURN(const IpAddress first, from_proto(message.first(), member(field, "first")));
  IPSEC_ASSIGN_OR_RETURN(const IpAddress last, from_proto(message.last(), member(field, "last")));
  if (first.family() != last.family()) {
    return invalid(fmt::format("{}: both ends must be of one family, found {} and {}", field, first.to_string(),
                               last.to_string()));
  }
  if (last < first) {
    return invalid(
        fmt::format("{}: the low end comes first, found {} and {}", field, first.to_string(), last.to_string()));
  }
  return AddressRange{first, last};
}

Result<PortRange> from_proto(const proto::PortRange& message, std::string_view field) {
  IPSEC_ASSIGN_OR_RETURN(const std::uint16_t first, port_from_proto(message.first(), member(field, "first")));
  IPSEC_ASSIGN_OR_RETURN(const std::uint16_t last, port_from_proto(message.last(), member(field, "last")));
  if (last < first) return invalid(fmt::format("{}: the low end comes first, found {} and {}", field, first, last));
  return PortRange{first, last};
}

Result<Selector> from_proto(const proto::Selector& message, std::string_view field) {
  Selector selector;
  IPSEC_ASSIGN_OR_RETURN(selector.source, from_proto(message.source(), member(field, "source")));
  IPSEC_ASSIGN_OR_RETURN(selector.destination, from_proto(message.destination(), member(field, "destination")));
  IPSEC_ASSIGN_OR_RETURN(selector.protocol, octet_from_proto(message.protocol(), member(field, "protocol")));
  IPSEC_ASSIGN_OR_RETURN(selector.source_port, optional_ports(message.has_source_port(), message.source_port(),
                                                              member(field, "source_port")));
  IPSEC_ASSIGN_OR_RETURN(
      selector.destination_port,
      optional_ports(message.has_destination_port(), message.destination_port(), member(field, "destination_port")));
  if (selector.source.family() != selector.destination.family()) {
    return invalid(fmt::format("{}: source {} and destination {} must be of one family", field,
                               selector.source.to_string(), selector.destination.to_string()));
  }
  const bool any_port = selector.source_port.is_any() && selector.destination_port.is_any();
  if (!any_port && !protocol_has_ports(selector.protocol)) {
    return invalid(
        fmt::format("{}: ports need protocol TCP (6) or UDP (17), found {}", field, protocol_name(selector.protocol)));
  }
  return selector;
}

Result<FiveTuple> from_proto(const proto::FiveTuple& message, std::string_view field) {
  FiveTuple tuple;
  IPSEC_ASSIGN_OR_RETURN(tuple.source, from_proto(message.source(), member(field, "source")));
  IPSEC_ASSIGN_OR_RETURN(tuple.destination, from_proto(message.destination(), member(field, "destination")));
  IPSEC_ASSIGN_OR_RETURN(tuple.protocol, octet_from_proto(message.protocol(), member(field, "protocol")));
  IPSEC_ASSIGN_OR_RETURN(tuple.source_port, port_from_proto(message.source_port(), member(field, "source_port")));
  IPSEC_ASSIGN_OR_RETURN(tuple.destination_port,
                         port_from_proto(message.destination_port(), member(field, "destination_port")));
  if (tuple.source.family() != tuple.destination.family()) {
    return invalid(fmt::format("{}: source {} and destination {} must be of one family", field,
                               tuple.source.to_string(), tuple.destination.to_string()));
  }
  return tuple;
}

Result<Endpoint> from_proto(const proto::Endpoint& message, std::string_view field) {
  IPSEC_ASSIGN_OR_RETURN(const IpAddress address, from_proto(message.address(), member(field, "address")));
  IPSEC_ASSIGN_OR_RETURN(const std::uint16_t port, port_from_proto(message.port(), member(field, "port")));
  return Endpoint{address, port};
}

Result<Cipher> from_proto(proto::Cipher value, std::string_view field) {
  if (value > proto::CIPHER_UNSPECIFIED && value <= proto::CIPHER_CHACHA20_POLY1305) {
    return static_cast<Cipher>(static_cast<int>(value) - 1);
  }
  return invalid(fmt::format("{}: a cipher is 1 to {}, found {}", field,
                             static_cast<int>(proto::CIPHER_CHACHA20_POLY1305), static_cast<int>(value)));
}

Result<Integrity> from_proto(proto::Integrity value, std::string_view field) {
  if (value > proto::INTEGRITY_UNSPECIFIED && value <= proto::INTEGRITY_AES256_GMAC) {
    return static_cast<Integrity>(static_cast<int>(value) - 1);
  }
  return invalid(fmt::format("{}: an integrity algorithm is 1 to {}, found {}", field,
                             static_cast<int>(proto::INTEGRITY_AES256_GMAC), static_cast<int>(value)));
}

Result<DhGroup> dh_group_from_proto(std::uint32_t number, std::string_view field) {
  if (number == 0) return DhGroup::kNone;
  const auto group = number <= 0xffff ? dh_group_by_number(static_cast<std::uint16_t>(number)) : std::nullopt;
  if (group) return *group;
  return invalid(fmt::format("{}: no Diffie-Hellman group has number {}", field, number));
}

Result<std::uint8_t> octet_from_proto(std::uint32_t value, std::string_view field) {
  if (value <= 0xff) return static_cast<std::uint8_t>(value);
  return invalid(fmt::format("{}: 0 to 255, found {}", field, value));
}

Result<std::uint16_t> port_from_proto(std::uint32_t value, std::string_view field) {
  if (value <= 0xffff) return static_cast<std::uint16_t>(value);
  return invalid(fmt::format("{}: 0 to 65535, found {}", field, value));
}

}  // namespace ipsec::rpc
