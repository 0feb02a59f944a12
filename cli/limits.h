#pragma once

#include <cstddef>
#include <cstdint>

// Every bound of the command line and of the monitor, with its reason.
namespace ipsec::cli {

// A line of a script or of the prompt. The longest documented value is a certificate name of a few hundred characters.
inline constexpr std::size_t kLongestLine = std::size_t{64} * 1024;

// A script: ten thousand bans of single addresses, the longest kind seen in public, take about one megabyte.
inline constexpr std::size_t kLargestScript = std::size_t{16} * 1024 * 1024;

// An exported policy file: what fits the 64 MiB of one message between the processes (services/common/rpc/limits.h).
inline constexpr std::size_t kLargestPolicyFile = std::size_t{63} * 1024 * 1024;

// `exec` in a script that is itself executed: deep enough for any use, shallow enough to end a script that runs itself.
inline constexpr unsigned kDeepestScript = 16;

// Contexts saved by pushd.
inline constexpr std::size_t kDeepestContextStack = 64;

// Names that `alias` keeps; a file of aliases by hand has a few dozen.
inline constexpr std::size_t kMostAliases = 256;

// Lines the interactive shell remembers.
inline constexpr int kHistoryLines = 500;

// How long one call of the agent may take. Loading a policy again includes asking a store that may be far away.
inline constexpr int kCallSeconds = 30;

// Ranges of the documented parameters. Main mode life and polling: 2^32 seconds, in minutes.
inline constexpr std::uint32_t kMostMinutes = 71582788;
inline constexpr std::uint32_t kFewestKilobytes = 20480;
inline constexpr std::uint32_t kMostKilobytes = 2147483647;
inline constexpr std::uint32_t kFewestSeconds = 300;
inline constexpr std::uint32_t kMostSeconds = 172800;
// SPIs below are reserved (RFC 4303 2.1).
inline constexpr std::uint32_t kFirstSpi = 256;
// Replay windows that the driver takes.
inline constexpr std::uint32_t kSmallestReplayWindow = 64;
inline constexpr std::uint32_t kLargestReplayWindow = 65536;
// A key file has three lines, the longest a key of 64 octets.
inline constexpr std::size_t kLargestKeyFile = 4096;
// Lifetimes of an offer that states none: those of the usual offers.
inline constexpr std::uint32_t kDefaultKilobytes = 100000;
inline constexpr std::uint32_t kDefaultSeconds = 3600;

// Events the agent keeps for a listing.
inline constexpr std::uint32_t kMostEvents = 1000;

// Packets of one trace, as the driver has it, and how long netsh waits for them.
inline constexpr std::uint32_t kMostTraces = 10000;
inline constexpr std::uint32_t kLongestTrace = 3600;
// How long `export keys` waits for negotiations where nothing is stated: a main mode with its retries takes a minute at
// most, one that somebody starts now a second.
inline constexpr std::uint32_t kUsualKeySeconds = 30;

// Text width of `wide=no`.
inline constexpr std::size_t kScreenColumns = 80;

}  // namespace ipsec::cli
