#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "services/policyagent/core/compiled_policy.h"

// What the driver lets pass whatever the filters say (services/driver/core/exemptions.h), written as the permit filters
// that would do the same (EX-09).
namespace ipsec::agent {

struct ExemptionFilter {
  std::string_view name;               // "Kerberos", "ISAKMP", ...
  std::optional<Direction> direction;  // absent: both
  std::string_view source;
  std::string_view destination;
  std::uint8_t protocol = 0;  // 0: any
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

// `value` is that of NoDefaultExempt, 0..3. Profile windows2003 exempts IPv6, modern only its neighbour discovery
// (EX-12).
std::vector<ExemptionFilter> exemption_filters(std::uint32_t value, store::Profile profile);

}  // namespace ipsec::agent
