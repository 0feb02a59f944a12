#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound of the driver's shell and its reason. Those of packets and SAs are in services/driver/core/limits.h.
namespace ipsec::driver::limits {

// A TUN never sees a packet that is too big for it: super-packets are up to 64 KiB and the NIC's MTU is checked by the
// driver.
inline constexpr std::uint32_t kTunMtu = 65535;
// Packets that wait in one TUN queue for a worker: the kernel's usual length of a NIC's queue. More would hide a
// sender's congestion (1000 super-packets are 64 MB already), less would lose bursts of small packets while a worker
// waits for its core.
inline constexpr std::uint32_t kTunQueueLength = 1000;

// Worker threads unless told otherwise: one for each core up to this; the host has other work too.
inline constexpr unsigned kDefaultWorkers = 8;

// How often an idle helper of the look-aside provider looks for work, giving others its core in between, before it
// sleeps: to be woken costs the worker a system call and the work the time of a whole super-packet.
inline constexpr unsigned kHelperLooks = 50;

// Requests to IKE that wait for it to read them: one for each acquire that may be pending (core: kMaxAcquires), so that
// a burst of new peers loses none.
inline constexpr std::size_t kRequestQueue = 4096;
// Audit events that wait for one watcher, and those that wait to be written to the log.
inline constexpr std::size_t kEventQueue = 1024;

// Packets of one trace, and how many of them wait for their reader: enough for a connection's beginning, and a bound on
// what a forgotten trace costs.
inline constexpr std::uint32_t kDefaultTraces = 100;
inline constexpr std::uint32_t kMaxTraces = 10000;
inline constexpr std::size_t kTraceQueue = 1024;

// Exemptions of the boot mode: netsh takes 1024.
inline constexpr std::size_t kMaxBootExemptions = 1024;

// Of the reports of dropped packets: the documented bounds of ipsecloginterval.
inline constexpr std::chrono::seconds kShortestLogInterval{60};
inline constexpr std::chrono::seconds kLongestLogInterval{86400};

// Ageing of SAs, acquires and reassemblies; lifetimes are whole seconds.
inline constexpr std::chrono::milliseconds kTick{1000};
// Streams that still run when the driver stops end after this.
inline constexpr std::chrono::milliseconds kShutdownGrace{500};

}  // namespace ipsec::driver::limits
