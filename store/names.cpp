#include "store/names.h"

#include <array>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "services/common/utf8.h"

namespace ipsec::store {

namespace {

template <typename T>
using Word = std::pair<T, std::string_view>;

constexpr std::array<Word<Action>, 3> kActions = {{
    {Action::kPermit, "permit"},
    {Action::kBlock, "block"},
    {Action::kNegotiate, "negotiate"},
}};
constexpr std::array<Word<Profile>, 2> kProfiles = {{
    {Profile::kModern, "modern"},
    {Profile::kWindows2003, "windows2003"},
}};
constexpr std::array<Word<ConnectionType>, 3> kConnectionTypes = {{
    {ConnectionType::kAll, "all"},
    {ConnectionType::kLan, "lan"},
    {ConnectionType::kDialup, "dialup"},
}};
constexpr std::array<Word<AddressKeyword>, 6> kKeywords = {{
    {AddressKeyword::kMe, "me"},
    {AddressKeyword::kAny, "any"},
    {AddressKeyword::kDns, "dns"},
    {AddressKeyword::kWins, "wins"},
    {AddressKeyword::kDhcp, "dhcp"},
    {AddressKeyword::kGateway, "gateway"},
}};
constexpr std::array<Word<std::uint8_t>, 6> kProtocols = {{
    {kProtocolAny, "ANY"},
    {kProtocolIcmp, "ICMP"},
    {kProtocolTcp, "TCP"},
    {kProtocolUdp, "UDP"},
    {kProtocolIcmpv6, "ICMPv6"},
    {std::uint8_t{255}, "RAW"},
}};

template <typename Table, typename T>
std::string_view word_of(const Table& table, T value) {
  for (const auto& [id, word] : table) {
    if (id == value) return word;
  }
  assert(false);
  return {};
}

template <typename T, std::size_t N>
std::optional<T> value_of(const std::array<Word<T>, N>& table, std::string_view name) {
  for (const auto& [id, word] : table) {
    if (equal_folded(word, name)) return id;
  }
  return std::nullopt;
}

std::string port_text(std::uint16_t port) { return port == 0 ? "any" : std::to_string(port); }

}  // namespace

std::string fold_name(std::string_view name) { return fold_case(name); }

std::string_view to_string(Action action) { return word_of(kActions, action); }
std::string_view to_string(Profile profile) { return word_of(kProfiles, profile); }
std::string_view to_string(ConnectionType type) { return word_of(kConnectionTypes, type); }
std::string_view to_string(AddressKeyword keyword) { return word_of(kKeywords, keyword); }

std::optional<Action> action_by_name(std::string_view name) { return value_of(kActions, name); }
std::optional<Profile> profile_by_name(std::string_view name) { return value_of(kProfiles, name); }
std::optional<ConnectionType> connection_type_by_name(std::string_view name) {
  return value_of(kConnectionTypes, name);
}
std::optional<AddressKeyword> address_keyword_by_name(std::string_view name) { return value_of(kKeywords, name); }
std::optional<std::uint8_t> protocol_by_name(std::string_view name) { return value_of(kProtocols, name); }

std::string range_text(const AddressRange& range) {
  if (range.is_any()) return fmt::format("{}/0", range.first.to_string());
  return range.to_string();
}

std::string address_text(const FilterAddress& address) {
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) return std::string(to_string(*keyword));
  if (const auto* range = std::get_if<AddressRange>(&address)) return range_text(*range);
  const auto& dns = std::get<DnsName>(address);
  std::string text = dns.name;
  for (std::size_t i = 0; i < dns.resolved.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? " (" : ", ", dns.resolved[i].to_string());
  }
  return dns.resolved.empty() ? text : text + ")";
}

std::string filter_text(const Filter& filter) {
  return fmt::format("{} -> {}, {}, port {} -> {}, {}", address_text(filter.source), address_text(filter.destination),
                     protocol_name(filter.protocol), port_text(filter.source_port), port_text(filter.destination_port),
                     filter.mirrored ? "mirrored" : "not mirrored");
}

Result<FilterAddress> parse_filter_address(std::string_view text) {
  if (const auto keyword = address_keyword_by_name(text)) return FilterAddress(*keyword);
  auto range = AddressRange::parse(text);
  if (!range.ok()) {
    return invalid(
        fmt::format("{}; accepted are me, any, dns, wins, dhcp, gateway, an address, address/length or "
                    "first-last",
                    range.status().message()));
  }
  return FilterAddress(*range);
}

std::string policy_label(std::string_view name) { return fmt::format("policy '{}'", name); }
std::string filter_list_label(std::string_view name) { return fmt::format("filter list '{}'", name); }
std::string filter_action_label(std::string_view name) { return fmt::format("filter action '{}'", name); }
std::string rule_label(std::string_view rule, std::string_view policy) {
  return fmt::format("rule '{}' of policy '{}'", rule, policy);
}
std::string default_rule_label(std::string_view policy) {
  return fmt::format("default response rule of policy '{}'", policy);
}

}  // namespace ipsec::store
