#include "services/driver/core/sa.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
// A time of use nearer than this to the last one noted is not worth a write to a shared cache line.
constexpr std::int64_t kUseResolution = Duration(std::chrono::milliseconds(100)).count();

Status check(const SaParameters& sa) {
  const auto complaint = [&](std::string_view what) { return invalid(fmt::format("SA {:#010x}: {}", sa.spi, what)); };
  if (sa.spi < limits::kFirstSpi || (sa.ah && sa.ah->spi < limits::kFirstSpi)) {
    return complaint("SPIs 0 to 255 are reserved");
  }
  const bool is_ah = sa.protocol == SecurityProtocol::kAh;
  if (sa.ah && (is_ah || sa.soft)) return complaint("only ESP can have AH around it");
  // Inbound: outbound the numbers are the peer's choice, for each protocol.
  if (sa.ah && sa.ah->spi == sa.spi && sa.direction == Direction::kInbound) {
    return complaint("AH around ESP needs an SPI of its own");
  }
  if (sa.udp && (is_ah || sa.ah)) return complaint("AH cannot cross a NAT, so there is no AH in UDP (NAT-05)");
  if (sa.udp && sa.soft) return complaint("a soft SA carries packets as they are, not in UDP");
  if (sa.udp && (sa.udp->local_port == 0 || sa.udp->peer_port == 0)) return complaint("ESP in UDP needs both ports");
  if (sa.manual && (sa.soft || sa.filter_id != 0))
    return complaint("a manual SA is not soft, and belongs to no filter");
  if (sa.last_sequence >= (sa.extended_sequence ? limits::kExtendedSequenceHardLimit : limits::kSequenceHardLimit)) {
    return complaint(fmt::format("no sequence number is left after {}", sa.last_sequence));
  }
  if (sa.source.family() != sa.destination.family()) return complaint("source and destination of different families");
  if (sa.selector.source.family() != sa.selector.destination.family()) {
    return complaint("selector of different families");
  }
  if (sa.encapsulation == Encapsulation::kTransport && sa.selector.family() != sa.source.family()) {
    return complaint("a transport SA whose selector is of another family than its addresses");
  }
  if (!is_ah && !sa.soft && !sa.ah && sa.integrity == Integrity::kNone && !info(sa.cipher).is_aead()) {
    return complaint("ESP without integrity is refused (RFC 8221 section 4)");
  }
  if (sa.replay_window != 0 &&
      (sa.replay_window < limits::kMinReplayWindow || sa.replay_window > limits::kMaxReplayWindow)) {
    return complaint(fmt::format("replay window {}; accepted are {} to {}, or 0 for {}", sa.replay_window,
                                 limits::kMinReplayWindow, limits::kMaxReplayWindow, limits::kDefaultReplayWindow));
  }
  return {};
}

unsigned soft_percent(const SaParameters& sa) {
  // Multiplicative hash: neighbouring SPIs get different percentages, and a given SPI always the same.
  const unsigned jitter = (sa.spi * 2654435761U >> 16) % (limits::kSoftJitterPercent + 1);
  return (sa.initiator ? limits::kSoftPercentInitiator : limits::kSoftPercentResponder) - jitter;
}

std::uint64_t hard_bytes(const SaParameters& sa) {
  if (sa.lifetime_kilobytes == 0 || sa.lifetime_kilobytes > kNoLimit / 1024) return kNoLimit;
  return sa.lifetime_kilobytes * 1024;
}

SaParameters without_keys(SaParameters sa) {
  sa.encryption_key = SecretBytes();
  sa.integrity_key = SecretBytes();
  if (sa.ah) sa.ah->key = SecretBytes();
  return sa;
}

}  // namespace

std::string_view to_string(OffloadState state) {
  constexpr std::string_view kWords[] = {"none", "requested", "active", "failed"};
  return kWords[static_cast<std::size_t>(state)];
}

Result<Sa::Keys> Sa::expand(const SaParameters& sa, std::optional<EspBackend> engine) {
  Keys keys;
  if (sa.soft) return keys;
  if (sa.protocol == SecurityProtocol::kAh) {
    IPSEC_ASSIGN_OR_RETURN(keys.ah, AhKeys::make(sa.integrity, sa.integrity_key));
    return keys;
  }
  if (engine && !has_cipher(*engine, sa.cipher)) engine = EspBackend::kOpenssl;
  IPSEC_ASSIGN_OR_RETURN(keys.esp, make_esp_keys(sa.cipher, sa.integrity, sa.encryption_key, sa.integrity_key,
                                                 sa.extended_sequence, engine));
  if (sa.ah) {
    IPSEC_ASSIGN_OR_RETURN(keys.ah, AhKeys::make(sa.ah->integrity, sa.ah->key));
  }
  return keys;
}

Result<SaPointer> Sa::make(SaParameters parameters, Timestamp now, SaSurroundings surroundings) {
  IPSEC_RETURN_IF_ERROR(check(parameters));
  auto keys = expand(parameters, surroundings.engine);
  if (!keys.ok()) return with_context(keys.status(), fmt::format("SA {:#010x}", parameters.spi));
  if (surroundings.path == nullptr) surroundings.path = std::make_shared<PathMtu>();
  return SaPointer(new Sa(without_keys(std::move(parameters)), *std::move(keys), now, std::move(surroundings)));
}

Sa::Sa(SaParameters parameters, Keys keys, Timestamp now, SaSurroundings surroundings)
    : parameters_(std::move(parameters)),
      keys_(std::move(keys.esp)),
      ah_keys_(std::move(keys.ah)),
      selects_ports_(parameters_.selector.asks_for_ports()),
      iv_start_(surroundings.iv_start),
      installed_(now),
      hard_bytes_(hard_bytes(parameters_)),
      window_(parameters_.replay_window == 0 ? limits::kDefaultReplayWindow : parameters_.replay_window),
      path_(std::move(surroundings.path)),
      udp_port_(parameters_.udp ? parameters_.udp->peer_port : std::uint16_t{0}),
      next_sequence_(parameters_.last_sequence + 1),
      last_used_(now.since_start.count()) {
  if (parameters_.ah) ah_window_.emplace(window_.window());
  window_.begin_after(parameters_.last_sequence);
  ah_window().begin_after(parameters_.last_sequence);
  const unsigned percent = soft_percent(parameters_);
  soft_bytes_ = hard_bytes_ == kNoLimit ? kNoLimit : hard_bytes_ / 100 * percent;
  if (parameters_.lifetime_seconds == 0) return;
  const Duration lifetime = std::chrono::seconds(parameters_.lifetime_seconds);
  // The successor of a soft SA is a new attempt at security, which begins when this one has ended (SFT-06).
  if (!parameters_.soft) soft_end_ = now + lifetime / 100 * percent;
  hard_end_ = now + lifetime;
}

std::string_view Sa::engine_name() const {
  if (has_esp()) return name_of(keys_->backend());
  return has_ah() ? name_of(EspBackend::kOpenssl) : std::string_view();
}

std::uint64_t Sa::last_allowed_sequence() const {
  return parameters_.extended_sequence ? limits::kExtendedSequenceHardLimit : limits::kSequenceHardLimit;
}

std::optional<std::uint64_t> Sa::take_sequence(std::uint64_t count) {
  std::uint64_t first = next_sequence_.load(std::memory_order_relaxed);
  do {
    if (count > last_allowed_sequence() - (first - 1)) return std::nullopt;
  } while (!next_sequence_.compare_exchange_weak(first, first + count, std::memory_order_relaxed));
  return first;
}

SaUse Sa::use(std::uint64_t packets, std::uint64_t bytes, Timestamp now) {
  const std::uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  packets_.fetch_add(packets, std::memory_order_relaxed);
  const std::int64_t time = now.since_start.count();
  if (time - last_used_.load(std::memory_order_relaxed) >= kUseResolution) {
    last_used_.store(time, std::memory_order_relaxed);
  }
  std::optional<RekeyReason> reason = parameters_.manual ? std::nullopt : amount_limit_reached();
  if (reason && !ask_rekey(now)) reason = std::nullopt;
  return {before < hard_bytes_.load(std::memory_order_relaxed), reason};
}

bool Sa::ask_rekey(Timestamp now) {
  std::int64_t asked = rekey_asked_.load(std::memory_order_relaxed);
  if (asked != kNotAsked && now.since_start.count() - asked < limits::kRekeyRepeat.count()) return false;
  return rekey_asked_.compare_exchange_strong(asked, now.since_start.count(), std::memory_order_relaxed);
}

std::optional<RekeyReason> Sa::amount_limit_reached() const {
  const std::uint64_t soft =
      parameters_.extended_sequence ? limits::kExtendedSequenceSoftLimit : limits::kSequenceSoftLimit;
  if (last_sequence() >= soft) return RekeyReason::kSequence;
  if (bytes() >= soft_bytes_ && !parameters_.soft) return RekeyReason::kKilobytes;
  return std::nullopt;
}

std::optional<RekeyReason> Sa::soft_limit_reached(Timestamp now) const {
  if (const auto reason = amount_limit_reached()) return reason;
  if (now >= soft_end_) return RekeyReason::kSeconds;
  return std::nullopt;
}

}  // namespace ipsec::driver
