#pragma once

#include <cstddef>
#include <cstdint>

// Every bound of stored policies, with its reason. Documented ranges: reference of `netsh ipsec static`, seed rows KEY.
namespace ipsec::store {

// ---- text -----------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kMaxNameLength = 255;  // octets of UTF-8; fits one column of any listing or directory
inline constexpr std::size_t kMaxDescriptionLength = 4096;  // octets; a screen of text
inline constexpr std::size_t kMaxRootCaLength = 2048;       // octets of a written issuer name
inline constexpr std::size_t kMaxDnsNameLength = 253;       // RFC 1035 3.1, in text form
inline constexpr std::size_t kMaxPresharedKeyLength = 256;  // octets; far above what a hash of 64 octets can use

// ---- numbers --------------------------------------------------------------------------------------------------------

inline constexpr std::uint32_t kMinMainModeLifetimeMinutes = 1;
inline constexpr std::uint32_t kMaxMainModeLifetimeMinutes = 71582788;  // 2^32 seconds, the wire's 32-bit attribute
inline constexpr std::uint32_t kMaxPollingIntervalMinutes = 71582788;   // 0 turns polling off; seconds stay in 32 bits
inline constexpr std::uint32_t kMinQuickModeKilobytes = 20480;          // documented
inline constexpr std::uint32_t kMaxQuickModeKilobytes = 2147483647;     // documented
inline constexpr std::uint32_t kMinQuickModeSeconds = 300;              // KEY-12
inline constexpr std::uint32_t kMaxQuickModeSeconds = 172800;           // documented: two days

// ---- counts ---------------------------------------------------------------------------------------------------------

// An SA payload lists every offer; these keep it inside one UDP datagram of main and quick mode.
inline constexpr std::size_t kMaxMainModeOffers = 20;
inline constexpr std::size_t kMaxQuickModeOffers = 20;
inline constexpr std::size_t kMaxAuthenticationMethods = 20;  // each multiplies the main mode transforms
// What one host can compile and look at in a listing; a store beyond them is a generator that ran away.
inline constexpr std::size_t kMaxPolicies = 10'000;
inline constexpr std::size_t kMaxRulesPerPolicy = 10'000;
inline constexpr std::size_t kMaxFilterLists = 100'000;
inline constexpr std::size_t kMaxFilterActions = 10'000;
inline constexpr std::size_t kMaxFilters = 1'000'000;       // in the whole store
inline constexpr std::size_t kMaxDynamicPolicies = 10'000;  // of each kind
inline constexpr std::size_t kMaxDynamicRules = 10'000;     // a program that bans single addresses stays below
inline constexpr std::size_t kMaxBootExemptions = 1'024;    // entries of one property
inline constexpr std::size_t kMaxResolvedAddresses = 64;    // of one DNS name
inline constexpr std::size_t kMaxProblems = 1'000;          // of one answer; more help nobody

// ---- central stores -------------------------------------------------------------------------------------------------

// Of one file of a central store, which is held in memory twice while it is read; twice the largest import.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{512} * 1024 * 1024;

// ---- import ---------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kMaxImportBytes = std::size_t{256} * 1024 * 1024;  // about a million filters
// A wrong link is compared with every name there is, to tell the nearest; a thousand wrong links stay under a second.
inline constexpr std::size_t kMaxComparedNames = 1'000;
inline constexpr std::size_t kShortestGuessedName = 3;  // octets; to shorter ones every name is near
inline constexpr std::size_t kMaxImportDepth = 16;      // the format itself nests 7 deep

}  // namespace ipsec::store
