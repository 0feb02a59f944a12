#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"

// The properties of `netsh ipsec dynamic set config` (netsh reference section 5.1). The agent keeps them across
// restarts.
namespace ipsec::store {

struct PropertyInfo {
  std::string_view name;
  std::string_view fallback;  // the documented default of Windows Server 2003
  std::string_view accepted;  // for messages
  bool at_start = false;      // takes effect when the services start next (EX-06)
};
std::span<const PropertyInfo> all_properties();

// Property name -> value in its normal form. Absent: the default.
using Config = std::map<std::string, std::string, std::less<>>;

// kInvalid names what is accepted. Names and words without regard to case.
Status set_property(Config& config, std::string_view property, std::string_view value);
// Requires a known property.
std::string property_value(const Config& config, std::string_view property);
// Requires a known property whose values are numbers.
std::uint32_t property_number(const Config& config, std::string_view property);

// What is in effect: of the properties that wait for a start those of `started_with`, of the others those of `stored`.
Config config_in_effect(const Config& started_with, const Config& stored);

// An entry of property bootexemptions. Port 0: any.
struct BootExemption {
  bool inbound = false;
  std::uint8_t protocol = 0;  // 1 to 255
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  friend bool operator==(const BootExemption&, const BootExemption&) = default;
};
std::vector<BootExemption> boot_exemptions(const Config& config);

// An entry of property ikeloglevels.
struct IkeLogLevel {
  std::string category;     // as proto/policy.proto IkeLogLevel names them
  std::uint32_t level = 0;  // 0 to 3
  friend bool operator==(const IkeLogLevel&, const IkeLogLevel&) = default;
};
std::vector<IkeLogLevel> ike_log_levels(const Config& config);

}  // namespace ipsec::store
