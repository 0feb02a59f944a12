#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/common/secret.h"

// The value types of the parameters (reference, section 2.4). Every parser answers with what it would accept. Pure.
namespace ipsec::cli {

enum class AddressKeyword : std::uint8_t { kMe, kAny, kDns, kWins, kDhcp, kGateway };

struct HostName {
  std::string text;
  friend bool operator==(const HostName&, const HostName&) = default;
};

// A keyword, a host, subnet or range, or a name that is resolved later.
using AddressValue = std::variant<AddressKeyword, AddressRange, HostName>;

// A mask as a prefix length; whether it fits depends on the address beside it.
struct Mask {
  unsigned prefix_length = 0;
  bool dotted = false;  // then it fits IPv4 only
  friend bool operator==(const Mask&, const Mask&) = default;
};

struct RootCa {
  std::string issuer;
  bool map_to_account = false;
  bool exclude_ca_name = false;
  friend bool operator==(const RootCa&, const RootCa&) = default;
};

Result<bool> parse_yes_no(std::string_view text);
Result<std::uint32_t> parse_number(std::string_view text, std::uint32_t minimum, std::uint32_t maximum,
                                   std::string_view unit);
// "0x1001" or "4097", 256 or above.
Result<std::uint32_t> parse_spi(std::string_view text);
// Pairs of hexadecimal digits, "0x" before them or not.
Result<SecretBytes> parse_key(std::string_view text);
// 0 to 255, 0 for ANY and 255 for RAW.
Result<std::uint32_t> parse_protocol(std::string_view text);
// The canonical text of store::Guid; braces may be left out.
Result<std::string> parse_guid(std::string_view text);
// Also `address/length`, which the reference leaves open; bits after the prefix are cleared.
Result<AddressValue> parse_address(std::string_view text);
Result<Mask> parse_mask(std::string_view text);
// An address or a name that can be resolved to one.
Result<AddressValue> parse_tunnel_end(std::string_view text);
// "<issuer> certmap:(yes|no) excludecaname:(yes|no)", both suffixes optional; \' stands for a double quote.
Result<RootCa> parse_root_ca(std::string_view text);

std::string_view name(AddressKeyword keyword);  // "me", "any", ...

// Both parts of a filter's side together. A mask beside a keyword has no effect; beside a range it is refused, and it
// must fit the address.
Result<AddressValue> apply_mask(const AddressValue& address, const std::optional<Mask>& mask);

}  // namespace ipsec::cli
