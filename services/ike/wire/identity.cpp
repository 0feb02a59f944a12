#include "services/ike/wire/identity.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace ipsec::ike {

namespace {

Bytes joined(ByteView a, ByteView b) {
  Bytes out = to_bytes(a);
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

Bytes mask_octets(const Subnet& subnet) {
  const IpAddress mask = IpAddress::last(subnet.address.family()).masked(subnet.prefix_length);
  return to_bytes(mask.bytes());
}

// The length of a mask of leading ones; refuses others.
Result<unsigned> prefix_length(ByteView mask) {
  unsigned length = 0;
  bool ended = false;
  for (const std::uint8_t octet : mask) {
    const unsigned ones = static_cast<unsigned>(std::countl_one(octet));
    const bool contiguous = static_cast<std::uint8_t>(octet << ones) == 0;
    if (!contiguous || (ended && octet != 0)) return invalid("ID payload: a subnet mask with holes");
    length += ones;
    ended = ended || ones < 8;
  }
  return length;
}

Result<AddressRange> pair_range(const IpAddress& first, ByteView second, bool subnet) {
  if (subnet) {
    IPSEC_ASSIGN_OR_RETURN(const unsigned length, prefix_length(second));
    return AddressRange::of(Subnet::around(first, length));
  }
  const AddressRange range{first, IpAddress::from_bytes(second)};
  if (range.last < range.first) return invalid("ID payload: a range whose low end is above its high end");
  return range;
}

}  // namespace

IdentificationPayload address_identity(const IpAddress& address) {
  return {address.is_v4() ? IdentityType::kIpv4Address : IdentityType::kIpv6Address, 0, 0, to_bytes(address.bytes())};
}

IdentificationPayload range_identity(const AddressRange& range, std::uint8_t protocol, std::uint16_t port) {
  const bool v4 = range.first.is_v4();
  IdentificationPayload identity{IdentityType::kIpv4Address, protocol, port, {}};
  if (range.is_host()) {
    identity.type = v4 ? IdentityType::kIpv4Address : IdentityType::kIpv6Address;
    identity.data = to_bytes(range.first.bytes());
  } else if (const auto subnet = range.as_subnet()) {
    identity.type = v4 ? IdentityType::kIpv4Subnet : IdentityType::kIpv6Subnet;
    identity.data = joined(subnet->address.bytes(), mask_octets(*subnet));
  } else {
    identity.type = v4 ? IdentityType::kIpv4Range : IdentityType::kIpv6Range;
    identity.data = joined(range.first.bytes(), range.last.bytes());
  }
  return identity;
}

Result<AddressRange> identity_range(const IdentificationPayload& identity) {
  std::size_t address_size = 4;
  bool pair = false;
  bool subnet = false;
  switch (identity.type) {
    case IdentityType::kIpv4Address:
      break;
    case IdentityType::kIpv6Address:
      address_size = 16;
      break;
    case IdentityType::kIpv4Subnet:
    case IdentityType::kIpv4Range:
      pair = true;
      subnet = identity.type == IdentityType::kIpv4Subnet;
      break;
    case IdentityType::kIpv6Subnet:
    case IdentityType::kIpv6Range:
      address_size = 16;
      pair = true;
      subnet = identity.type == IdentityType::kIpv6Subnet;
      break;
    default:
      return invalid(fmt::format("ID payload: type {} names no addresses", static_cast<int>(identity.type)));
  }
  if (identity.data.size() != (pair ? 2 * address_size : address_size)) {
    return invalid(
        fmt::format("ID payload: {} octets for type {}", identity.data.size(), static_cast<int>(identity.type)));
  }
  const ByteView data = identity.data;
  const IpAddress first = IpAddress::from_bytes(data.first(address_size));
  if (!pair) return AddressRange::host(first);
  return pair_range(first, data.subspan(address_size), subnet);
}

std::string to_string(const IdentificationPayload& identity) {
  if (const auto range = identity_range(identity); range.ok()) return range->to_string();
  switch (identity.type) {
    case IdentityType::kFqdn:
    case IdentityType::kUserFqdn: {
      std::string text(identity.data.begin(), identity.data.end());
      std::replace_if(
          text.begin(), text.end(), [](char c) { return c < 0x21 || c > 0x7e; }, '?');
      return text;
    }
    default:
      return fmt::format("id-type-{} {}", static_cast<int>(identity.type), to_hex(identity.data));
  }
}

}  // namespace ipsec::ike
