#pragma once

#include <string>

#include "services/driver/core/policy.h"
#include "services/driver/core/sa.h"

// Objects in the words of traces and explanations.
namespace ipsec::driver {

// "ESP 0x12345678 AES128-GCM, transport".
std::string describe(const Sa& sa);
// The selector, the rule by name and the action.
std::string describe(const Filter& filter);

}  // namespace ipsec::driver
