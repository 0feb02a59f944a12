#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "services/common/time.h"

// Bounds of the policy compiler and of policy retrieval.
namespace ipsec::agent {

// As the driver's. 100,000 written filters, mirrored, on a host with two addresses; about 600 octets each in the
// driver.
inline constexpr std::size_t kMaxSpecificFilters = 400000;

// Problems beyond this number are counted, not listed: a list of 10,000 filters can be wrong 10,000 times.
inline constexpr std::size_t kMaxPolicyProblems = 1000;

// Pairs of filters that the default response rule makes: for as many peers, or traffic of as many kinds, as ask for
// security within a minute. A pair takes about 2 KB in the three services. One peer that asks for a port at a time must
// not take all of them.
inline constexpr std::size_t kMaxDynamicFilters = 4096;
inline constexpr std::size_t kMaxDynamicFiltersPerPeer = 64;
// How long a pair stays without an SA. The driver ends SAs that are idle for 300 s (KEY-09); a negotiation, which the
// filters wait for, is given up after 63 s without an answer, and one that succeeds takes a second.
inline constexpr Duration kDynamicFilterIdle = std::chrono::seconds(60);

// Manual SAs: each is written by hand or by a script, and a listing of them is read every few seconds.
inline constexpr std::size_t kMaxManualSas = 1024;
// SPIs 0 to 255 are reserved (RFC 4303 2.1).
inline constexpr std::uint32_t kFirstManualSpi = 256;
// What the driver takes (proto/driver.proto).
inline constexpr std::uint32_t kMinReplayWindow = 64;
inline constexpr std::uint32_t kMaxReplayWindow = 65536;
// A driver that has died may have sent so many packets of an SA since it was asked last: five seconds at three million
// a second. A new one goes on behind them, so that no number and no IV comes twice.
inline constexpr std::uint64_t kSequencesLeftOut = std::uint64_t{1} << 24;

// PA-14, PD-01: the documented default of the policy object.
inline constexpr std::uint32_t kDefaultPollingMinutes = 180;

// [MS-GPIPSEC]'s bound of the wait for a directory that does not answer.
inline constexpr std::uint32_t kLongestRetryMinutes = 166;

// Ten years: anything longer is the same as never, and fits a nanosecond count.
inline constexpr std::uint32_t kMaxPollingMinutes = 10 * 365 * 24 * 60;

// Host names in filters. Each costs a query per lifetime; a policy names servers, not the Internet.
inline constexpr std::size_t kMaxWatchedNames = 1000;
// A zone with a lifetime of 0 must not make every host ask without pause, and a name that moves must not be followed
// only tomorrow.
inline constexpr Duration kShortestNameLifetime = std::chrono::seconds(5);
inline constexpr Duration kLongestNameLifetime = std::chrono::hours(1);
// Of answers from a hosts file and the like, which say none.
inline constexpr Duration kUnknownNameLifetime = std::chrono::minutes(5);
// After no answer; what was known until then holds on.
inline constexpr Duration kNameRetry = std::chrono::seconds(30);

}  // namespace ipsec::agent
