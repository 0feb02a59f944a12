#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "services/ike/core/failure.h"
#include "services/ike/core/negotiation_log.h"

// By what numbers an administrator of Windows knows what happened (ike-microsoft.md, sections 11 and 13).
namespace ipsec::ike {

struct WindowsIds {
  std::uint32_t event = 0;       // of the security log since Vista: 4653
  std::uint32_t event_2003 = 0;  // before: 547
  std::uint32_t status = 0;      // Win32 error, the audit's failure reason: 13868; 0: none
};

WindowsIds windows_ids(NegotiationMode mode, FailureReason reason);

// Of events that are no failures, by their name; nullopt where there is none.
std::optional<WindowsIds> windows_ids(std::string_view event);

}  // namespace ipsec::ike
