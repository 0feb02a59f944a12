#include "services/policyagent/core/address_expansion.h"

#include <algorithm>

namespace ipsec::agent {
namespace {

using store::AddressKeyword;

std::vector<AddressRange> hosts(const std::vector<IpAddress>& addresses) {
  std::vector<AddressRange> ranges;
  for (const IpAddress& address : addresses) {
    const AddressRange range = AddressRange::host(address);
    if (std::find(ranges.begin(), ranges.end(), range) == ranges.end()) ranges.push_back(range);
  }
  return ranges;
}

ExpandedAddress servers(const std::vector<IpAddress>& addresses, std::string_view what) {
  if (addresses.empty()) return {{}, fmt::format("this host knows no {}", what)};
  return {hosts(addresses), {}};
}

ExpandedAddress expand_keyword(AddressKeyword keyword, const HostAddresses& host, const LocalAddresses& locals,
                               store::ConnectionType connection_type) {
  switch (keyword) {
    case AddressKeyword::kAny:
      return {{AddressRange::any(AddressFamily::kIpv4), AddressRange::any(AddressFamily::kIpv6)}, {}};
    case AddressKeyword::kDns:
      return servers(host.dns_servers, "DNS server");
    case AddressKeyword::kWins:
      return servers(host.wins_servers, "WINS server");
    case AddressKeyword::kDhcp:
      return servers(host.dhcp_servers, "DHCP server");
    case AddressKeyword::kGateway:
      return servers(host.gateways, "default gateway");
    case AddressKeyword::kMe:
      break;
  }
  // No complaint: a host without addresses yet, or without an interface of this kind, is an everyday state.
  return {hosts(locals.of(connection_type)), {}};
}

ExpandedAddress expand_name(const store::DnsName& name) {
  if (name.resolved.empty()) return {{}, fmt::format("no address is known for the name '{}'", name.name)};
  return {hosts(name.resolved), {}};
}

ExpandedAddress expand_all(const store::FilterAddress& address, const HostAddresses& host, const LocalAddresses& locals,
                           store::ConnectionType connection_type) {
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) {
    return expand_keyword(*keyword, host, locals, connection_type);
  }
  if (const auto* range = std::get_if<AddressRange>(&address)) return {{*range}, {}};
  return expand_name(std::get<store::DnsName>(address));
}

}  // namespace

ExpandedAddress expand(const store::FilterAddress& address, const HostAddresses& host, const LocalAddresses& locals,
                       store::ConnectionType connection_type, store::Profile profile) {
  ExpandedAddress expanded = expand_all(address, host, locals, connection_type);
  if (profile == store::Profile::kWindows2003) {
    const auto removed = std::erase_if(expanded.ranges, [](const AddressRange& r) { return !r.first.is_v4(); });
    if (removed > 0 && !std::holds_alternative<AddressKeyword>(address)) {
      expanded.complaint =
          fmt::format("profile windows2003 filters IPv4 only, '{}' has IPv6 addresses", written(address));
    }
  }
  return expanded;
}

std::string written(const store::FilterAddress& address) {
  if (const auto* range = std::get_if<AddressRange>(&address)) return range->to_string();
  if (const auto* name = std::get_if<store::DnsName>(&address)) return name->name;
  switch (std::get<AddressKeyword>(address)) {
    case AddressKeyword::kMe:
      return "Me";
    case AddressKeyword::kDns:
      return "DNS";
    case AddressKeyword::kWins:
      return "WINS";
    case AddressKeyword::kDhcp:
      return "DHCP";
    case AddressKeyword::kGateway:
      return "GATEWAY";
    case AddressKeyword::kAny:
      break;
  }
  return "Any";
}

}  // namespace ipsec::agent
