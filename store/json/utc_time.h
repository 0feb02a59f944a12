#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/model.h"

namespace ipsec::store {

// "2026-11-20T08:30:00Z". Times outside the years 0000 to 9999 become the nearest one inside.
std::string utc_text(WallClock seconds);
// Exactly that form, with a date that exists. nullopt otherwise.
std::optional<WallClock> parse_utc(std::string_view text);

}  // namespace ipsec::store
