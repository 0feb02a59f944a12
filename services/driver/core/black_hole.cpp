#include "services/driver/core/black_hole.h"

#include <algorithm>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

// How far `to` is after `from` in the circle of sequence numbers; negative: before.
std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

bool BlackHoleDetector::sent(const FiveTuple& flow, const SentSegment& segment, Timestamp now) {
  const bool same_flow = watch_ && watch_->flow == flow;
  if (watch_ && !same_flow && now - watch_->since < limits::kBlackHoleWatch) return false;
  const std::int64_t after = same_flow ? distance(watch_->segment.sequence, segment.sequence) : 0;
  if (same_flow && after > 0 && now - watch_->since < limits::kBlackHoleWatch) return false;

  // Octets before those that were sent already: sent again, and for the second time at least.
  unsigned times = same_flow && after < 0 ? 2 : 1;
  if (same_flow && after == 0 && segment.size == watch_->segment.size) times = watch_->times + 1;
  watch_ = Watch{flow, segment, times, now, {}, 0};
  return times >= (found_before_ ? limits::kBlackHoleRepeatsAgain : limits::kBlackHoleRepeats);
}

void BlackHoleDetector::heads_sent(std::span<const SegmentHead> heads) {
  if (!watch_) return;
  watch_->head_count = std::min(heads.size(), watch_->heads.size());
  std::copy_n(heads.begin(), watch_->head_count, watch_->heads.begin());
}

std::optional<std::uint16_t> BlackHoleDetector::acknowledged(const FiveTuple& flow,
                                                             const Acknowledgment& acknowledgment) {
  if (!watch_ || watch_->flow != flow) return std::nullopt;
  const Watch& watch = *watch_;
  const std::int64_t arrived = distance(watch.segment.sequence, acknowledgment.acknowledged);
  if (arrived <= 0 && acknowledgment.longest_run < watch.segment.size) return std::nullopt;
  const auto* const end = watch.heads.begin() + watch.head_count;
  const auto* const head =
      std::find_if(watch.heads.begin(), end, [&](const SegmentHead& one) { return one.size == arrived; });
  std::optional<std::uint16_t> proved;
  if (head != end && acknowledgment.longest_run < watch.segment.size) proved = head->mtu;
  watch_.reset();
  found_before_ = found_before_ || proved.has_value();
  return proved;
}

}  // namespace ipsec::driver
