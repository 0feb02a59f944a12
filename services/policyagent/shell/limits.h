#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound and time of the Policy Agent's shell, with its reason.
namespace ipsec::agent::limits {

// ---- events ---------------------------------------------------------------------------------------------------------

// What `show events` can look back on; an event is a few hundred bytes.
inline constexpr std::size_t kEventBacklog = 1000;
// Of events that say the same, as long as no more than kRepeatWindow lies between one and the next: the first of them,
// and the last with its number.
inline constexpr std::uint64_t kRepeatsKept = 3;
inline constexpr std::chrono::milliseconds kRepeatWindow{600000};
inline constexpr std::uint32_t kEventsByDefault = 100;
// Events that wait for one watcher: the whole backlog and as many new ones.
inline constexpr std::size_t kEventQueue = std::size_t{2} * kEventBacklog;
// Each watcher keeps one thread of the RPC server.
inline constexpr int kMaxEventWatchers = 32;
// Problems of one policy that become events; the number of the others is said once.
inline constexpr std::size_t kMaxProblemEvents = 20;

// ---- driver and IKE -------------------------------------------------------------------------------------------------

// A policy of 400,000 filters takes a few seconds to send and put in force; beyond this the daemon hangs.
inline constexpr std::chrono::milliseconds kUpdatePolicyPatience{60000};
// Filters in one message of a policy update: about half a megabyte, where gRPC takes 4 MiB unless told otherwise.
inline constexpr std::size_t kElementsPerMessage = 2000;
// Listings and statistics, for which a person waits.
inline constexpr std::chrono::milliseconds kQueryPatience{5000};
// A short look for the status page: a daemon that is starting must not hold it up.
inline constexpr std::chrono::milliseconds kStatusPatience{1000};
// How long the links wait at a time before they look whether they shall stop.
inline constexpr std::chrono::milliseconds kConnectSlice{500};
// Between two attempts to send a policy.
inline constexpr std::chrono::milliseconds kResendFirst{100};
inline constexpr std::chrono::milliseconds kResendLongest{2000};

// How often the driver is asked, while there are dynamic filters, which of them have SAs: an idle one goes at most this
// much late.
inline constexpr std::chrono::milliseconds kDynamicFilterCheck{5000};

// How often the driver is asked how far manual SAs have come, while there are any: what it had not told before it died
// is left out of their sequence numbers (core/limits.h).
inline constexpr std::chrono::milliseconds kManualSaCheck{5000};

// ---- child processes ------------------------------------------------------------------------------------------------

// A daemon that dies is started again at once; one that dies within kSteady of its start only after a growing wait.
inline constexpr std::chrono::milliseconds kSteady{10000};
inline constexpr std::chrono::milliseconds kRestartFirst{100};
inline constexpr std::chrono::milliseconds kRestartLongest{5000};
// After SIGTERM; then SIGKILL. IKE sends its deletes, the driver detaches.
inline constexpr std::chrono::milliseconds kStopPatience{5000};
// How long IKE's start waits for the driver's socket; IKE connects by itself later, too.
inline constexpr std::chrono::milliseconds kReadyPatience{3000};
// How long networks wait at the start of a host that had a policy, should the driver be slow to come up: less than
// systemd waits for the agent.
inline constexpr std::chrono::milliseconds kBootPatience{30000};
// How long the first policy waits for IKE's socket, so that events tell the documented order; it needs the driver more.
inline constexpr std::chrono::milliseconds kIkeReadyPatience{500};

// ---- changes of the store -------------------------------------------------------------------------------------------

// A change is in force when its command returns as long as that takes no longer than a command itself, or is the first
// for a while. A script that adds a thousand filters to a policy of ten thousand must not compile each time: then one
// load comes after the last change, or this long after the first. The time to settle is no longer, because a single
// change has to be in force within 200 ms, load and sending included.
inline constexpr std::chrono::milliseconds kQuickLoad{30};
inline constexpr unsigned kLoadRest = 4;
inline constexpr std::chrono::milliseconds kChangesSettle{50};
inline constexpr std::chrono::milliseconds kChangesLatest{2000};

// `set batch mode=enable` of a netsh that never came back to disable it.
inline constexpr std::chrono::milliseconds kBatchLatest{60000};

// The properties of `set config`; the longest, boot exemptions, has at most 1,024 short entries.
inline constexpr std::size_t kLargestConfigFile = std::size_t{256} * 1024;

// ---- central store --------------------------------------------------------------------------------------------------

// At the end of the process.
inline constexpr std::chrono::milliseconds kCentralGrace{500};
// Calls for administration that hang at a time: each keeps a thread until the kernel gives it up.
inline constexpr int kMaxCentralCalls = 4;

// ---- interfaces -----------------------------------------------------------------------------------------------------

// Address changes come in bursts (link up, address, routes). Seed row IM-02 asks for one second; until then a new
// address has no filters, so the wait is short.
inline constexpr std::chrono::milliseconds kInterfaceSettle{20};

// Of one change of the host's interfaces; more are not worth listing one by one.
inline constexpr std::size_t kMaxHostChangeEvents = 50;

// A lease is a few hundred octets; dhclient keeps some dozens in a file. A folder has one or two files for each
// interface.
inline constexpr std::uintmax_t kMaxLeaseFile = std::uintmax_t{4} * 1024 * 1024;
inline constexpr std::size_t kMaxLeaseFiles = 1000;

// ---- host names
// ------------------------------------------------------------------------------------------------------

// Answers that come in a row are put in force together, but the first of them no later than this: one server that does
// not answer must not hold up the others.
inline constexpr std::chrono::milliseconds kNameNewsLatest{1000};
// A lifetime is worth one question and a short wait.
inline constexpr int kLifetimeQuerySeconds = 2;
// Of UDP and of what it falls back to: 64 addresses need 2 KiB.
inline constexpr std::size_t kLargestDnsAnswer = 4096;

// ---- stopping -------------------------------------------------------------------------------------------------------

inline constexpr std::chrono::milliseconds kShutdownGrace{300};

}  // namespace ipsec::agent::limits
