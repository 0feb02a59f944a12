#include "store/check_filter.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/limits.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

bool is_dns_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Letters, digits, hyphens and underscores in labels of 1 to 63 octets (RFC 1035 2.3.4); a final dot is allowed.
bool is_dns_name(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxDnsNameLength) return false;
  if (!std::all_of(name.begin(), name.end(), is_dns_character)) return false;
  std::size_t label = 0;
  for (char c : name) {
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return label > 0;
}

// EX-18. Ranges that hold other addresses too are not meant.
bool is_group(const AddressRange& range) {
  return (range.first.is_multicast() && range.last.is_multicast()) ||
         range.first == IpAddress::last(AddressFamily::kIpv4);
}

void check_side(const Reporter& report, std::string_view field, const FilterAddress& address) {
  if (const auto* range = std::get_if<AddressRange>(&address)) {
    if (range->first.family() != range->last.family() || range->last < range->first) {
      report.add(kAddressInvalid, field,
                 fmt::format("'{}-{}' is no range; accepted are two addresses of one family, the low one first",
                             range->first.to_string(), range->last.to_string()));
    } else if (is_group(*range)) {
      report.add(kAddressInvalid, field,
                 fmt::format("'{}' is multicast or broadcast, which no filter can tell apart; accepted is any, whose "
                             "permit or block takes them all in",
                             range_text(*range)));
    }
  } else if (const auto* dns = std::get_if<DnsName>(&address)) {
    if (!is_dns_name(dns->name)) {
      report.add(kAddressInvalid, field,
                 "is no DNS name; accepted are labels of letters, digits, '-' and '_' with dots between them");
    }
    if (dns->resolved.size() > kMaxResolvedAddresses) {
      report.add(kTooMany, field,
                 fmt::format("the name has {} addresses; accepted are at most {}", dns->resolved.size(),
                             kMaxResolvedAddresses));
    }
  }
}

bool is_server(const FilterAddress& address) {
  const auto* keyword = std::get_if<AddressKeyword>(&address);
  return keyword && *keyword != AddressKeyword::kMe && *keyword != AddressKeyword::kAny;
}

bool is_me(const FilterAddress& address) {
  const auto* keyword = std::get_if<AddressKeyword>(&address);
  return keyword && *keyword == AddressKeyword::kMe;
}

// Whether this side can be an address of the family. Keywords, and names not yet resolved, can be of both.
bool can_be(const FilterAddress& address, AddressFamily family) {
  if (const auto* range = std::get_if<AddressRange>(&address)) return range->family() == family;
  const auto* dns = std::get_if<DnsName>(&address);
  if (!dns || dns->resolved.empty()) return true;
  return std::any_of(dns->resolved.begin(), dns->resolved.end(),
                     [family](const IpAddress& one) { return one.family() == family; });
}

void check_server_keyword(const Reporter& report, const Filter& filter) {
  if (is_server(filter.source) && !is_me(filter.destination)) {
    report.add(kServerKeywordNeedsMe, "destination",
               fmt::format("is '{}' opposite '{}'; accepted opposite a server keyword is me",
                           address_text(filter.destination), address_text(filter.source)));
  } else if (is_server(filter.destination) && !is_me(filter.source)) {
    report.add(kServerKeywordNeedsMe, "source",
               fmt::format("is '{}' opposite '{}'; accepted opposite a server keyword is me",
                           address_text(filter.source), address_text(filter.destination)));
  }
}

void check_families(const Reporter& report, const Filter& filter) {
  const bool v4 = can_be(filter.source, AddressFamily::kIpv4) && can_be(filter.destination, AddressFamily::kIpv4);
  const bool v6 = can_be(filter.source, AddressFamily::kIpv6) && can_be(filter.destination, AddressFamily::kIpv6);
  if (!v4 && !v6) {
    report.add(kAddressFamiliesDiffer, "destination",
               fmt::format("is '{}' opposite '{}'; accepted are two sides of one address family",
                           address_text(filter.destination), address_text(filter.source)));
    return;
  }
  if (filter.protocol == kProtocolIcmp && !v4) {
    report.add(kAddressFamiliesDiffer, "protocol",
               "ICMP is a protocol of IPv4; accepted with IPv6 addresses is ICMPv6 (58)");
  }
  if (filter.protocol == kProtocolIcmpv6 && !v6) {
    report.add(kAddressFamiliesDiffer, "protocol",
               "ICMPv6 is a protocol of IPv6; accepted with IPv4 addresses is ICMP (1)");
  }
}

void check_port(const Reporter& report, std::string_view field, std::uint16_t port, std::uint8_t protocol) {
  if (port == 0 || protocol_has_ports(protocol)) return;
  report.add(kPortWithoutProtocol, field,
             fmt::format("is {} with protocol {}; accepted are ports with TCP or UDP, and 0 for any", port,
                         protocol_name(protocol)));
}

}  // namespace

void check_filter(const Reporter& report, const Filter& filter) {
  check_text(report, "description", filter.description, kMaxDescriptionLength);
  check_side(report, "source", filter.source);
  check_side(report, "destination", filter.destination);
  check_server_keyword(report, filter);
  check_families(report, filter);
  check_port(report, "source_port", filter.source_port, filter.protocol);
  check_port(report, "destination_port", filter.destination_port, filter.protocol);
}

}  // namespace ipsec::store
