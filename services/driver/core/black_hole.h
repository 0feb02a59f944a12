#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "services/common/selector.h"
#include "services/common/time.h"

namespace ipsec::driver {

// Path MTUs worth trying, largest first: the plateaus of RFC 1191 7.1, and what tunnels and DSL leave of 1500.
inline constexpr std::array<std::uint16_t, 11> kPathMtuPlateaus = {32000, 17914, 9000, 8166, 4352, 2002,
                                                                   1492,  1400,  1280, 1006, 576};

// A TCP segment that leaves, as the peer's TCP will see it: its first octet of data and how many there are.
struct SentSegment {
  std::uint32_t sequence = 0;
  std::uint32_t size = 0;
};

// The first octets of a segment, sent after it in a packet of its own that a path of `mtu` just carries.
struct SegmentHead {
  std::uint32_t size = 0;  // octets of data
  std::uint16_t mtu = 0;
};

// What a segment from the peer says about ours.
struct Acknowledgment {
  std::uint32_t acknowledged = 0;  // the next octet it wants
  std::uint32_t longest_run = 0;   // octets of the longest block of selective acknowledgment (RFC 2018); 0: none
};

// Finds out that a path swallows large packets and nobody says so (RFC 2923 2.1), with nothing but the traffic itself:
// no peer has to help, and none can be missing. One flow at a time is enough, for the path belongs to all.
//
//   sent()            one large segment is watched; that it is sent again and again is suspicious
//   heads_sent()      then its first octets follow it, in packets of each smaller plateau, largest first
//   acknowledged()    an answer for exactly one of these heads: the whole segment, sent just before, is lost, and the
//                     head has arrived. That is the proof. An answer for the whole segment, or for as long a run of
//                     octets beyond it, shows that such segments arrive; no answer shows nothing (the peer is gone).
//
// The peer's TCP sees some octets twice, which is normal for it. One thread.
class BlackHoleDetector {
 public:
  // A large segment with octets of data leaves. True: it has been sent so often without an answer that its heads should
  // follow. Whoever watches another flow for less than limits::kBlackHoleWatch goes on with that.
  bool sent(const FiveTuple& flow, const SentSegment& segment, Timestamp now);
  // At most one for each plateau.
  void heads_sent(std::span<const SegmentHead> heads);
  // The peer has answered in `flow` (as we send it). The path MTU that is proved.
  std::optional<std::uint16_t> acknowledged(const FiveTuple& flow, const Acknowledgment& acknowledgment);

  struct Watch {
    FiveTuple flow;
    SentSegment segment;
    unsigned times = 0;  // it was sent
    Timestamp since;     // it was sent last
    std::array<SegmentHead, kPathMtuPlateaus.size()> heads{};
    std::size_t head_count = 0;
  };
  const std::optional<Watch>& watch() const { return watch_; }

 private:
  std::optional<Watch> watch_;
  bool found_before_ = false;
};

}  // namespace ipsec::driver
