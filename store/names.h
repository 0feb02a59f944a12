#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/result.h"
#include "store/model.h"

// The words of the model: text of every enumeration as JSON, the database and the administration's messages write them,
// and how names are compared.
namespace ipsec::store {

// Two names are one where their folded forms are equal (services/common/utf8.h); the result depends on no locale.
std::string fold_name(std::string_view name);

std::string_view to_string(Action action);           // "permit", "block", "negotiate"
std::string_view to_string(Profile profile);         // "modern", "windows2003"
std::string_view to_string(ConnectionType type);     // "all", "lan", "dialup"
std::string_view to_string(AddressKeyword keyword);  // "me", "any", "dns", "wins", "dhcp", "gateway"

// Case does not count. nullopt where there is none.
std::optional<Action> action_by_name(std::string_view name);
std::optional<Profile> profile_by_name(std::string_view name);
std::optional<ConnectionType> connection_type_by_name(std::string_view name);
std::optional<AddressKeyword> address_keyword_by_name(std::string_view name);

// "ANY", "ICMP", "TCP", "UDP", "ICMPv6" or "RAW" (255), without regard to case. nullopt where there is none.
std::optional<std::uint8_t> protocol_by_name(std::string_view name);

// One address, "a/length" or "a-b"; unlike AddressRange::to_string also for the range of all addresses
// ("0.0.0.0/0", "::/0"), so that AddressRange::parse gives back the same range.
std::string range_text(const AddressRange& range);

// For messages: "me", "10.0.0.0/8", "db.example (10.0.0.5)".
std::string address_text(const FilterAddress& address);
// "me -> 10.77.0.0/24, TCP, port any -> 445, mirrored"
std::string filter_text(const Filter& filter);

// A keyword or a range (no DNS name): "me", "10.0.0.0/8", "10.0.0.1-10.0.0.9".
Result<FilterAddress> parse_filter_address(std::string_view text);

// "policy 'P'", "rule 'R' of policy 'P'", ... as Problem::object has them.
std::string policy_label(std::string_view name);
std::string filter_list_label(std::string_view name);
std::string filter_action_label(std::string_view name);
std::string rule_label(std::string_view rule, std::string_view policy);
std::string default_rule_label(std::string_view policy);

}  // namespace ipsec::store
