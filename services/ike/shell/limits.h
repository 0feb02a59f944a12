#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "services/ike/core/limits.h"

// Every bound of the IKE daemon's shell, with its reason. Those of the protocol are in services/ike/core/limits.h.
namespace ipsec::ike {

// The largest UDP datagram: nothing is ever cut off before the core has judged it.
inline constexpr std::size_t kMaxDatagramSize = 65535;

// Datagrams taken from one socket before the others, the timers and the administrators get their turn.
inline constexpr int kDatagramsPerTurn = 64;

// Calls waiting for the driver. A quick mode needs three and the core bounds its quick modes; more means that the
// driver hangs, and the rest fails at once.
inline constexpr std::size_t kMaxDriverCalls = 65536;
// The driver answers within a millisecond. One that hangs this long is as good as gone.
inline constexpr std::chrono::milliseconds kDriverPatience{5000};
// Between attempts to reach a driver that is not there; a restarted driver is found within this time.
inline constexpr std::chrono::milliseconds kDriverRetry{250};
// What may still be said to the driver when the daemon stops: the deletion of its SAs.
inline constexpr std::chrono::milliseconds kFarewellPatience{2000};

// Filters of one policy, as many as the agent makes.
inline constexpr std::size_t kMaxFilters = 400000;

// Diffie-Hellman threads. Two keep a second core busy under a flood of negotiations and leave the rest of a small
// machine to its packets.
inline constexpr unsigned kMaxWorkers = 4;

// The certificate directory: files in one of its folders, octets in one of them (a bundle of a few hundred
// certificates), in a password and in the list of accounts.
inline constexpr std::size_t kMaxCertificateFiles = 1000;
inline constexpr std::size_t kMaxCertificateFileSize = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxPasswordSize = 1024;
inline constexpr std::size_t kMaxAccountsFileSize = std::size_t{16} * 1024 * 1024;

// Fetching revocation lists: how long a negotiation waits (CRL-06); for how long a distribution point that failed is
// not asked again, so that one that hangs costs a burst of negotiations one wait and not one each; how many are asked
// at once, each by a thread; how many wait.
inline constexpr std::chrono::milliseconds kCrlPatience{15000};
inline constexpr std::chrono::seconds kCrlPointRest{60};
inline constexpr unsigned kCrlFetchers = 4;
inline constexpr std::size_t kMaxCrlFetches = 64;
// Lists kept, in memory and on the disk: a host meets a handful of authorities.
inline constexpr std::size_t kMaxCachedCrls = 64;
inline constexpr std::size_t kMaxCachedCrlOctets = std::size_t{64} * 1024 * 1024;
// Octets of one file of the log of negotiations: some ten thousand messages. Two of them are kept.
inline constexpr std::size_t kMaxLogSize = 4 * 1024 * 1024;
// Key records for an administrator who does not read them fast enough, and how many may read at once.
inline constexpr std::size_t kKeyRecordsPerReader = 4096;

// Events kept for a watcher that does not read: a burst of failures of a few hundred peers.
inline constexpr std::size_t kEventsPerWatcher = 1024;

}  // namespace ipsec::ike
