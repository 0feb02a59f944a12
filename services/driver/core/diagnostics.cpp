#include "services/driver/core/diagnostics.h"

namespace ipsec::driver {
namespace {

bool is_failure(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOutboundAgainstPolicy:
    case Verdict::kOutboundSaExpired:
    case Verdict::kOutboundSequenceExhausted:
    case Verdict::kInboundAgainstPolicy:
    case Verdict::kOutboundNegotiationFailed:
    case Verdict::kOutboundOffloadFailed:
    case Verdict::kOutboundMalformed:
    case Verdict::kOutboundFragmentLost:
    case Verdict::kInboundBadSpi:
    case Verdict::kInboundWrongEncapsulation:
    case Verdict::kInboundSaExpired:
    case Verdict::kInboundReplayed:
    case Verdict::kInboundTooOld:
    case Verdict::kInboundNotAuthentic:
    case Verdict::kInboundNotDecrypted:
    case Verdict::kInboundOffloadFailed:
    case Verdict::kInboundSelectorMismatch:
    case Verdict::kInboundInnerMalformed:
    case Verdict::kInboundCongestionMark:
    case Verdict::kInboundMalformed:
    case Verdict::kInboundPathMtuRefused:
    case Verdict::kInboundFragmentLost:
    case Verdict::kInboundNestedTooDeep:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::uint32_t drop_classes(Verdict verdict) {
  if (info(verdict).kind != VerdictKind::kDrop) return 0;
  // The list of verdicts has all outbound ones first.
  const std::uint32_t direction = verdict < Verdict::kInboundIsakmp ? kOutboundDrops : kInboundDrops;
  return direction | (is_failure(verdict) ? kFailureDrops : 0);
}

void Diagnostics::set(const DiagnosticsSettings& settings, const VerdictCounts& counts, Timestamp now) {
  if (settings == settings_) return;
  settings_ = settings;
  before_ = counts;
  next_report_ = settings.classes == 0 ? kNever : now + settings.interval;
}

std::vector<Drops> Diagnostics::report(const VerdictCounts& counts, Timestamp now) {
  std::vector<Drops> drops;
  for (const VerdictInfo& row : kVerdicts) {
    const auto place = static_cast<std::size_t>(row.id);
    const std::uint64_t packets = counts[place] - before_[place];
    if (packets != 0 && (drop_classes(row.id) & settings_.classes) != 0) drops.push_back({row.id, packets});
  }
  before_ = counts;
  next_report_ = now + settings_.interval;
  return drops;
}

}  // namespace ipsec::driver
