#pragma once

#include <cstddef>
#include <cstdint>

// Every bound of the linter, with its reason.
namespace ipsec::store::lint {

inline constexpr std::size_t kMaxFindings = 1'000;  // more help nobody

// Pairs of filters are compared to see what is left of each: a second of work on a slow machine. Larger policies
// are looked at for equal selectors only.
inline constexpr std::size_t kMaxComparedFilters = 4'000;
// Pieces into which earlier filters may cut a selector before it counts as reachable.
inline constexpr std::size_t kMaxPieces = 256;

// Rules under one preshared key from which on it counts as shared by many. A tunnel takes two rules, and two tunnels to
// gateways of one office are no habit yet.
inline constexpr std::size_t kManyRules = 5;

inline constexpr std::uint32_t kLongMainModeMinutes = 480;  // KEY-03: the default lifetime counts as reasonable
// 100 MB, the documented default. Ciphers with blocks of 64 bits leak after some gigabytes (birthday bound), so beyond
// the default they are worth a word.
inline constexpr std::uint32_t kMuchDataKilobytes = 100'000;

}  // namespace ipsec::store::lint
