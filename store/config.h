#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "services/common/result.h"

// The properties of `netsh ipsec dynamic set config` (netsh reference section 5.1). The agent keeps them across
// restarts.
namespace ipsec::store {

struct PropertyInfo {
  std::string_view name;
  std::string_view fallback;  // the documented default of Windows Server 2003
  std::string_view accepted;  // for messages
};
std::span<const PropertyInfo> all_properties();

// Property name -> value in its normal form. Absent: the default.
using Config = std::map<std::string, std::string, std::less<>>;

// kInvalid names what is accepted. Names and words without regard to case.
Status set_property(Config& config, std::string_view property, std::string_view value);
// Requires a known property.
std::string property_value(const Config& config, std::string_view property);

}  // namespace ipsec::store
