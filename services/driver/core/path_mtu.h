#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/black_hole.h"

namespace ipsec::driver {

// How the octets that the path to a peer carries are known.
enum class PathMtuSource : std::uint8_t {
  kLink,    // nothing is known but this host's own link
  kRouter,  // a packet-too-big from outside (RFC 1191, RFC 8201)
  kProbe,   // larger packets vanished and nobody told (BlackHoleDetector)
};

struct PathMtuKnown {
  std::uint16_t mtu = 0;  // of the packets around the SA's; 0: nothing is known
  PathMtuSource source = PathMtuSource::kLink;
};

// What is known of the path to a peer. The two SAs of a pair share one, the successor of an SA begins with what it knew
// (RFC 4301 8.2.1 keeps the number with the SA). Any thread; what is called for every packet is a load or two.
class PathMtu {
 public:
  PathMtuKnown known() const;
  // False: it is not less than what is known already. Nothing raises it but time (RFC 1191 6.3).
  bool lower(std::uint16_t mtu, PathMtuSource source, Timestamp now);
  // Forgets what was told limits::kPathMtuLifetime ago.
  void forget_old(Timestamp now);
  void inherit(const PathMtu& predecessor);

  // For each large TCP segment on its way out: false for nearly all of them, and then nothing else is to be done.
  bool wants(const FiveTuple& flow, std::uint32_t sequence, Timestamp now) const {
    if (now.since_start.count() >= look_again_.load(std::memory_order_relaxed)) return true;
    if (watched_.load(std::memory_order_relaxed) != key_of(flow)) return false;
    return static_cast<std::int32_t>(sequence - watched_sequence_.load(std::memory_order_relaxed)) <= 0;
  }
  // For each TCP segment that came in: whether the peer may have answered what is watched.
  bool awaits(const FiveTuple& inbound) const {
    const std::uint64_t watched = watched_.load(std::memory_order_relaxed);
    return watched != 0 && watched == key_of(inbound.reversed());
  }
  // As those of BlackHoleDetector; where another thread is in there they do nothing.
  bool sent(const FiveTuple& flow, const SentSegment& segment, Timestamp now);
  void heads_sent(std::span<const SegmentHead> heads);
  // True: the answer has proved a smaller path MTU, which is known now.
  bool acknowledged(const FiveTuple& inbound, const Acknowledgment& acknowledgment, Timestamp now);

 private:
  // Never 0. Two flows with the same one are told apart by the detector.
  static std::uint64_t key_of(const FiveTuple& flow) {
    return (std::uint64_t{1} << 63) | static_cast<std::uint64_t>(flow.source_port) << 16 | flow.destination_port;
  }
  void publish(Timestamp now);

  // One word, so that number, source and age always belong together: seconds, source, octets.
  std::atomic<std::uint64_t> known_{0};
  // Of what the detector watches, for those who do not hold it.
  std::atomic<std::uint64_t> watched_{0};  // 0: nothing
  std::atomic<std::uint32_t> watched_sequence_{0};
  std::atomic<std::int64_t> look_again_{0};
  std::atomic_flag busy_;
  BlackHoleDetector detector_;  // whoever holds busy_
};

}  // namespace ipsec::driver
