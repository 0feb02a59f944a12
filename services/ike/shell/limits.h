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

// Octets of one file of the log of negotiations: some ten thousand messages. Two of them are kept.
inline constexpr std::size_t kMaxLogSize = 4 * 1024 * 1024;
// Key records for an administrator who does not read them fast enough, and how many may read at once.
inline constexpr std::size_t kKeyRecordsPerReader = 4096;

// Events kept for a watcher that does not read: a burst of failures of a few hundred peers.
inline constexpr std::size_t kEventsPerWatcher = 1024;

}  // namespace ipsec::ike
