#pragma once

#include <cstddef>
#include <cstdint>

// Bounds of the policy compiler and of policy retrieval.
namespace ipsec::agent {

// As the driver's. 100,000 written filters, mirrored, on a host with two addresses; about 600 octets each in the
// driver.
inline constexpr std::size_t kMaxSpecificFilters = 400000;

// Problems beyond this number are counted, not listed: a list of 10,000 filters can be wrong 10,000 times.
inline constexpr std::size_t kMaxPolicyProblems = 1000;

// PA-14, PD-01: the documented default of the policy object.
inline constexpr std::uint32_t kDefaultPollingMinutes = 180;

// [MS-GPIPSEC]'s bound of the wait for a directory that does not answer.
inline constexpr std::uint32_t kLongestRetryMinutes = 166;

// Ten years: anything longer is the same as never, and fits a nanosecond count.
inline constexpr std::uint32_t kMaxPollingMinutes = 10 * 365 * 24 * 60;

}  // namespace ipsec::agent
