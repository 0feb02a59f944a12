#include "services/common/address.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace ipsec {

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  store_u32(address.bytes_.data(), host_order);
  return address;
}

std::optional<IpAddress> IpAddress::try_from_bytes(ByteView bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  return from_bytes(bytes);
}

IpAddress IpAddress::from_bytes(ByteView bytes) {
  assert(bytes.size() == 4 || bytes.size() == 16);
  IpAddress address;
  // Two copies of known size: every packet comes by here.
  if (bytes.size() == 4) {
    std::memcpy(address.bytes_.data(), bytes.data(), 4);
  } else {
    address.family_ = AddressFamily::kIpv6;
    std::memcpy(address.bytes_.data(), bytes.data(), 16);
  }
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
  address.family_ = AddressFamily::kIpv6;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
  return invalid(fmt::format("'{}' is not an IP address; expected a.b.c.d or an IPv6 address", text));
}

IpAddress IpAddress::any(AddressFamily family) {
  IpAddress address;
  address.family_ = family;
  return address;
}

IpAddress IpAddress::last(AddressFamily family) { return any(family).filled(0); }

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[0] & 0xf0U) == 0xe0U : bytes_[0] == 0xffU; }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; }) && bytes_[15] == 1;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
}

IpAddress IpAddress::masked(unsigned prefix_length) const {
  assert(prefix_length <= bits());
  IpAddress result = *this;
  for (unsigned bit = 0; bit < bits(); bit += 8) {
    const unsigned kept = prefix_length <= bit ? 0 : std::min(prefix_length - bit, 8U);
    result.bytes_[bit / 8] = static_cast<std::uint8_t>(result.bytes_[bit / 8] & (0xff00U >> kept));
  }
  return result;
}

IpAddress IpAddress::filled(unsigned prefix_length) const {
  assert(prefix_length <= bits());
  IpAddress result = *this;
  for (unsigned bit = 0; bit < bits(); bit += 8) {
    const unsigned kept = prefix_length <= bit ? 0 : std::min(prefix_length - bit, 8U);
    result.bytes_[bit / 8] = static_cast<std::uint8_t>(result.bytes_[bit / 8] | (0xffU >> kept));
  }
  return result;
}

Subnet Subnet::around(const IpAddress& address, unsigned prefix_length) {
  return {address.masked(prefix_length), prefix_length};
}

Result<Subnet> Subnet::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  IPSEC_ASSIGN_OR_RETURN(IpAddress address, IpAddress::parse(text.substr(0, slash)));
  if (slash == std::string_view::npos) return host(address);
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length > address.bits()) {
    return invalid(fmt::format("'{}' has a wrong prefix length; expected 0 to {}", text, address.bits()));
  }
  if (address.masked(length) != address) {
    return invalid(
        fmt::format("'{}' has host bits set; did you mean {}/{}?", text, address.masked(length).to_string(), length));
  }
  return Subnet{address, length};
}

bool Subnet::contains(const IpAddress& other) const {
  return other.family() == address.family() && other.masked(prefix_length) == address;
}

std::string Subnet::to_string() const { return fmt::format("{}/{}", address.to_string(), prefix_length); }

AddressRange AddressRange::of(const Subnet& subnet) {
  return {subnet.address, subnet.address.filled(subnet.prefix_length)};
}

AddressRange AddressRange::any(AddressFamily family) { return {IpAddress::any(family), IpAddress::last(family)}; }

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    IPSEC_ASSIGN_OR_RETURN(Subnet subnet, Subnet::parse(text));
    return of(subnet);
  }
  IPSEC_ASSIGN_OR_RETURN(IpAddress first, IpAddress::parse(text.substr(0, dash)));
  IPSEC_ASSIGN_OR_RETURN(IpAddress last, IpAddress::parse(text.substr(dash + 1)));
  if (first.family() != last.family()) return invalid(fmt::format("'{}' mixes IPv4 and IPv6", text));
  if (last < first) return invalid(fmt::format("'{}' is reversed; the lower address comes first", text));
  return AddressRange{first, last};
}

bool AddressRange::contains(const IpAddress& address) const {
  return address.family() == family() && first <= address && address <= last;
}

bool AddressRange::contains(const AddressRange& other) const {
  return other.family() == family() && first <= other.first && other.last <= last;
}

bool AddressRange::is_any() const { return *this == any(family()); }

std::optional<Subnet> AddressRange::as_subnet() const {
  for (unsigned length = 0; length <= first.bits(); ++length) {
    if (first.masked(length) == first && first.filled(length) == last) return Subnet{first, length};
  }
  return std::nullopt;
}

std::string AddressRange::to_string() const {
  if (is_host()) return first.to_string();
  if (is_any()) return "any";
  if (auto subnet = as_subnet()) return subnet->to_string();
  return fmt::format("{}-{}", first.to_string(), last.to_string());
}

std::optional<AddressRange> intersection(const AddressRange& a, const AddressRange& b) {
  if (a.family() != b.family()) return std::nullopt;
  AddressRange common{std::max(a.first, b.first), std::min(a.last, b.last)};
  if (common.last < common.first) return std::nullopt;
  return common;
}

std::string Endpoint::to_string() const {
  if (address.is_v4()) return fmt::format("{}:{}", address.to_string(), port);
  return fmt::format("[{}]:{}", address.to_string(), port);
}

}  // namespace ipsec
