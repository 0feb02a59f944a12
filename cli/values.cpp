#include "cli/values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/limits.h"
#include "cli/words.h"
#include "services/common/selector.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kAcceptedAddress =
    "an IP address, a range a-b, a DNS name, me, any, or one of WINS, DNS, DHCP, GATEWAY";

struct KeywordRow {
  AddressKeyword keyword;
  std::string_view name;
};
constexpr std::array kKeywords = {
    KeywordRow{AddressKeyword::kMe, "me"},     KeywordRow{AddressKeyword::kAny, "any"},
    KeywordRow{AddressKeyword::kDns, "dns"},   KeywordRow{AddressKeyword::kWins, "wins"},
    KeywordRow{AddressKeyword::kDhcp, "dhcp"}, KeywordRow{AddressKeyword::kGateway, "gateway"},
};

struct ProtocolRow {
  std::string_view name;
  std::uint8_t number;
};
constexpr std::array kProtocols = {
    ProtocolRow{"ANY", kProtocolAny}, ProtocolRow{"ICMP", kProtocolIcmp},
    ProtocolRow{"TCP", kProtocolTcp}, ProtocolRow{"UDP", kProtocolUdp},
    ProtocolRow{"RAW", 255},
};

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Text that can only be meant as an address, so that 300.1.1.1 is a wrong address and not an odd name.
bool looks_numeric(std::string_view text) {
  return text.find(':') != std::string_view::npos ||
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.' || c == '-' || c == '/'; });
}

// RFC 1123 section 2.1, with the underscore that names of services use.
bool is_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  std::string_view label;
  while (true) {
    const std::size_t dot = text.find('.');
    label = text.substr(0, dot);
    const bool allowed = std::all_of(label.begin(), label.end(),
                                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
    if (!allowed || label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  return !std::all_of(label.begin(), label.end(), is_digit);
}

Result<AddressValue> parse_prefix(std::string_view text, std::size_t slash) {
  IPSEC_ASSIGN_OR_RETURN(const IpAddress address, IpAddress::parse(text.substr(0, slash)));
  const auto length = whole_number(text.substr(slash + 1));
  if (!length || *length > address.bits()) {
    return invalid(fmt::format("'{}' has a wrong prefix length; expected 0 to {}", text, address.bits()));
  }
  return AddressValue(AddressRange::of(Subnet::around(address, *length)));
}

// Takes a suffix such as " certmap:yes" off the end of `text`.
Result<bool> take_suffix(std::string_view& text, std::string_view key) {
  const std::size_t blank = text.find_last_of(" \t");
  const std::string_view last = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  if (last.size() <= key.size() || !is_abbreviation(last.substr(0, key.size()), key)) return false;
  IPSEC_ASSIGN_OR_RETURN(const bool value, parse_yes_no(last.substr(key.size())));
  text = text.substr(0, text.find_last_not_of(" \t", blank) + 1);
  return value;
}

}  // namespace

Result<bool> parse_yes_no(std::string_view text) {
  if (equal_ignoring_case(text, "yes") || equal_ignoring_case(text, "y")) return true;
  if (equal_ignoring_case(text, "no") || equal_ignoring_case(text, "n")) return false;
  return invalid("expected yes, y, no or n");
}

Result<std::uint32_t> parse_number(std::string_view text, std::uint32_t minimum, std::uint32_t maximum,
                                   std::string_view unit) {
  const auto value = whole_number(text);
  if (value && *value >= minimum && *value <= maximum) return *value;
  return invalid(fmt::format("expected {} to {}{}{}", minimum, maximum, unit.empty() ? "" : " ", unit));
}

Result<std::uint32_t> parse_spi(std::string_view text) {
  const bool is_hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = is_hexadecimal ? text.substr(2) : text;
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hexadecimal ? 16 : 10);
  if (error == std::errc() && end == digits.data() + digits.size() && value >= kFirstSpi) return value;
  return invalid(
      fmt::format("expected {} to 4294967295, or {:#x} to 0xffffffff; those below are reserved", kFirstSpi, kFirstSpi));
}

Result<SecretBytes> parse_key(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  const Status misshapen = invalid("expected a key as pairs of hexadecimal digits");
  if (text.empty() || text.size() % 2 != 0) return misshapen;
  SecretBytes key(text.size() / 2);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, key.data()[i], 16);
    if (error != std::errc() || end != text.data() + 2 * i + 2) return misshapen;
  }
  return key;
}

Result<std::uint32_t> parse_protocol(std::string_view text) {
  for (const ProtocolRow& row : kProtocols) {
    if (equal_ignoring_case(row.name, text)) return std::uint32_t{row.number};
  }
  const auto value = whole_number(text);
  if (value && *value <= 255) return *value;
  return invalid("expected ANY, ICMP, TCP, UDP, RAW or a number from 0 to 255");
}

Result<std::string> parse_guid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() == kForm.size() + 2 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, kForm.size());
  }
  const std::string lowered = to_lower(text);
  const bool fits = std::equal(lowered.begin(), lowered.end(), kForm.begin(), kForm.end(), [](char c, char form) {
    return form == '-' ? c == '-' : is_digit(c) || (c >= 'a' && c <= 'f');
  });
  if (!fits) return invalid("expected a guid {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}");
  return lowered;
}

Result<AddressValue> parse_address(std::string_view text) {
  for (const KeywordRow& row : kKeywords) {
    if (equal_ignoring_case(row.name, text)) return AddressValue(row.keyword);
  }
  const std::size_t slash = text.find('/');
  if (!text.empty() && looks_numeric(text)) {
    auto parsed = slash != std::string_view::npos ? parse_prefix(text, slash) : [&]() -> Result<AddressValue> {
      IPSEC_ASSIGN_OR_RETURN(const AddressRange range, AddressRange::parse(text));
      return AddressValue(range);
    }();
    if (parsed.ok()) return parsed;
    const bool is_plain = text.find_first_of("-/") == std::string_view::npos;
    return is_plain ? invalid(fmt::format("expected {}", kAcceptedAddress))
                    : invalid(fmt::format("{}; expected {}", parsed.status().message(), kAcceptedAddress));
  }
  if (is_host_name(text)) return AddressValue(HostName{std::string(text)});
  return invalid(fmt::format("expected {}", kAcceptedAddress));
}

Result<Mask> parse_mask(std::string_view text) {
  if (const auto length = whole_number(text); length && *length <= 128) return Mask{*length, false};
  const auto address = IpAddress::parse(text);
  if (address.ok() && address->is_v4()) {
    for (unsigned length = 0; length <= 32; ++length) {
      if (IpAddress::last(AddressFamily::kIpv4).masked(length) == *address) return Mask{length, true};
    }
  }
  return invalid("expected a mask such as 255.255.255.0 or a prefix length (1 to 32, IPv6 1 to 128)");
}

Result<AddressValue> parse_tunnel_end(std::string_view text) {
  auto address = parse_address(text);
  if (address.ok()) {
    const auto* range = std::get_if<AddressRange>(&*address);
    if (std::holds_alternative<HostName>(*address)) return address;
    if (range != nullptr && range->is_host() && text.find('/') == std::string_view::npos) return address;
  }
  return invalid("expected one IP address or a DNS name");
}

Result<RootCa> parse_root_ca(std::string_view text) {
  RootCa ca;
  const Status misshapen =
      invalid("expected \"<issuer name> certmap:(yes|no) excludecaname:(yes|no)\", the two suffixes optional");
  for (int suffix = 0; suffix < 2; ++suffix) {
    const auto exclude = take_suffix(text, "excludecaname:");
    const auto map = take_suffix(text, "certmap:");
    if (!exclude.ok() || !map.ok()) return misshapen;
    ca.exclude_ca_name = ca.exclude_ca_name || *exclude;
    ca.map_to_account = ca.map_to_account || *map;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_quote = text.substr(i).starts_with("\\'");
    ca.issuer += is_quote ? '"' : text[i];
    if (is_quote) ++i;
  }
  if (ca.issuer.find_first_not_of(" \t") == std::string::npos) return misshapen;
  return ca;
}

std::string_view name(AddressKeyword keyword) {
  return std::find_if(kKeywords.begin(), kKeywords.end(),
                      [keyword](const KeywordRow& row) { return row.keyword == keyword; })
      ->name;
}

Result<AddressValue> apply_mask(const AddressValue& address, const std::optional<Mask>& mask) {
  if (!mask || std::holds_alternative<AddressKeyword>(address)) return address;
  const auto* range = std::get_if<AddressRange>(&address);
  if (range == nullptr) {
    // A name stands for single hosts; only their mask goes with it.
    if (mask->prefix_length == 32 || mask->prefix_length == 128) return address;
    return invalid("a DNS name stands for single hosts and takes no mask");
  }
  if (!range->is_host()) return invalid("a mask is not allowed beside a range; give the range alone");
  const IpAddress& host = range->first;
  if (mask->prefix_length > host.bits() || (mask->dotted && !host.is_v4())) {
    return invalid(
        fmt::format("the mask does not fit {}; expected a prefix length of 0 to {}", host.to_string(), host.bits()));
  }
  return AddressValue(AddressRange::of(Subnet::around(host, mask->prefix_length)));
}

}  // namespace ipsec::cli
