#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound of the driver's shell and its reason. Those of packets and SAs are in services/driver/core/limits.h.
namespace ipsec::driver::limits {

// A TUN never sees a packet that is too big for it: super-packets are up to 64 KiB and the NIC's MTU is checked by the
// driver.
inline constexpr std::uint32_t kTunMtu = 65535;
// Packets that wait in one TUN queue for a worker. Twice the kernel's usual length of a NIC queue: a worker that loses
// its core for a scheduler tick must not lose packets of a 10 Gbit/s sender, yet a queue of 64 KiB super-packets must
// not hold seconds of traffic.
inline constexpr std::uint32_t kTunQueueLength = 2000;

// Worker threads. The kernel allows 256 queues to a TUN; each worker keeps about a megabyte of buffers.
inline constexpr unsigned kMaxWorkers = 64;

// Requests to IKE that wait for it to read them: one for each acquire that may be pending (core: kMaxAcquires), so that
// a burst of new peers loses none.
inline constexpr std::size_t kRequestQueue = 4096;
// Audit events that wait for one watcher.
inline constexpr std::size_t kEventQueue = 1024;

// Ageing of SAs, acquires and reassemblies; lifetimes are whole seconds.
inline constexpr std::chrono::milliseconds kTick{1000};
// Streams that still run when the driver stops end after this.
inline constexpr std::chrono::milliseconds kShutdownGrace{500};

}  // namespace ipsec::driver::limits
