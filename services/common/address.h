#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/bytes.h"
#include "services/common/result.h"

// IP addresses, prefixes, ranges and UDP endpoints as plain values. Bytes are in network order; ports in host order.
namespace ipsec {

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

class IpAddress {
 public:
  // 0.0.0.0
  IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order);
  // Requires 4 or 16 bytes.
  static IpAddress from_bytes(ByteView bytes);
  // nullopt unless 4 or 16 bytes.
  static std::optional<IpAddress> try_from_bytes(ByteView bytes);
  // Dotted quad (four decimal parts) or RFC 4291 text; no zone, no mask.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress any(AddressFamily family);
  // All bits one.
  static IpAddress last(AddressFamily family);

  AddressFamily family() const { return family_; }
  bool is_v4() const { return family_ == AddressFamily::kIpv4; }
  // 4 or 16 bytes, borrowed.
  ByteView bytes() const { return {bytes_.data(), is_v4() ? 4U : 16U}; }
  // 32 or 128.
  unsigned bits() const { return is_v4() ? 32 : 128; }
  bool is_unspecified() const;
  // 224.0.0.0/4 or ff00::/8 (seed row EX-10).
  bool is_multicast() const;
  bool is_loopback() const;
  std::string to_string() const;

  // The first (host bits zero) or last (host bits one) address of the prefix around this one; length <= bits().
  IpAddress masked(unsigned prefix_length) const;
  IpAddress filled(unsigned prefix_length) const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const IpAddress& address) {
    return H::combine(std::move(state), address.family_, address.bytes_);
  }

 private:
  AddressFamily family_ = AddressFamily::kIpv4;
  std::array<std::uint8_t, 16> bytes_{};  // bytes after the fourth are zero for IPv4
};

struct Subnet {
  IpAddress address;  // host bits are zero
  unsigned prefix_length = 0;

  // "10.0.0.0/8", "2001:db8::/32" or a lone address (whole length). Host bits must be zero.
  static Result<Subnet> parse(std::string_view text);
  // Host bits of `address` are cleared. Requires prefix_length <= address.bits().
  static Subnet around(const IpAddress& address, unsigned prefix_length);
  static Subnet host(const IpAddress& address) { return {address, address.bits()}; }

  bool contains(const IpAddress& other) const;
  std::string to_string() const;
  friend auto operator<=>(const Subnet&, const Subnet&) = default;
};

// An inclusive range of one family; first <= last.
struct AddressRange {
  IpAddress first;
  IpAddress last;

  static AddressRange host(const IpAddress& address) { return {address, address}; }
  static AddressRange of(const Subnet& subnet);
  static AddressRange any(AddressFamily family);
  // "a-b", "a/len" or "a". Both ends of one family, low end first.
  static Result<AddressRange> parse(std::string_view text);

  AddressFamily family() const { return first.family(); }
  bool contains(const IpAddress& address) const;
  bool contains(const AddressRange& other) const;
  bool is_host() const { return first == last; }
  bool is_any() const;
  // The prefix that is exactly this range, if there is one.
  std::optional<Subnet> as_subnet() const;
  // "10.0.0.1", "10.0.0.0/8", "any" or "10.0.0.1-10.0.0.9".
  std::string to_string() const;
  friend auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

std::optional<AddressRange> intersection(const AddressRange& a, const AddressRange& b);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  // "10.0.0.1:500" or "[fd77::1]:500"
  std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Endpoint& endpoint) {
    return H::combine(std::move(state), endpoint.address, endpoint.port);
  }
};

}  // namespace ipsec
