#include "services/driver/core/sad.h"

#include <algorithm>

#include "services/driver/core/limits.h"
#include "services/driver/core/protection_room.h"

namespace ipsec::driver {
namespace {

Status complaint(ErrorCode code, const SaParameters& sa, std::string_view what) {
  return Status(
      code, fmt::format("SA {:#010x} {} -> {}: {}", sa.spi, sa.source.to_string(), sa.destination.to_string(), what));
}

SaEnded ended_event(const SaParameters& sa, SaEndReason reason) {
  return {sa.spi, sa.direction, sa.protocol, sa.peer(), reason};
}

void tell_path(const Sa& sa, std::uint16_t link_mtu, SaStatus& status) {
  if (sa.parameters().direction == Direction::kInbound || sa.is_soft()) return;
  status.path_mtu = path_mtu_of(sa, link_mtu);
  // What was told counts only where it is less than the link's.
  if (status.path_mtu < link_mtu) status.path_mtu_source = sa.path().known().source;
  const std::size_t header =
      sa.parameters().selector.family() == AddressFamily::kIpv4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  status.inner_mtu = static_cast<std::uint16_t>(protection_room(sa, header, status.path_mtu).largest_inner);
}

// Events in the same order on every run, whatever the order of the hash table.
bool is_before(const SaParameters& a, const SaParameters& b) {
  return std::tie(a.direction, a.spi, a.destination) < std::tie(b.direction, b.spi, b.destination);
}

std::uint64_t last_sequence(Sa& sa) {
  if (sa.parameters().direction == Direction::kOutbound) return sa.last_sequence();
  return sa.has_esp() ? sa.esp_window().top() : sa.ah_window().top();
}

// Beyond its lifetime or its sequence numbers.
bool has_ended(Sa& sa) { return sa.is_expired() || sa.sequence_is_exhausted(); }

}  // namespace

Result<std::uint32_t> Sad::reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer,
                                       Timestamp now) {
  if (larval_.size() >= limits::kMaxLarvalSpis) {
    return exhausted(fmt::format("{} SPIs are reserved and wait for their SA", larval_.size()));
  }
  if (local.family() != peer.family()) return invalid("SPI: local and peer address of different families");
  std::uint32_t spi = 0;
  do {
    spi = random_.u32();
  } while (spi < limits::kFirstSpi || larval_.contains(spi) || table_.find_inbound(spi) != nullptr);
  larval_[spi] = {protocol, local, peer, now + limits::kLarvalLifetime};
  return spi;
}

Status Sad::check_reserved(const SaParameters& parameters, std::uint32_t spi, SecurityProtocol protocol) const {
  const auto larval = larval_.find(spi);
  if (larval == larval_.end()) {
    return complaint(ErrorCode::kNotFound, parameters,
                     fmt::format("SPI {:#010x} is not reserved, or its reservation has run out", spi));
  }
  const Larval& reserved = larval->second;
  if (reserved.protocol != protocol || reserved.local != parameters.destination || reserved.peer != parameters.source) {
    return complaint(ErrorCode::kInvalid, parameters,
                     fmt::format("SPI {:#010x} was reserved for {} {} -> {}", spi,
                                 reserved.protocol == SecurityProtocol::kAh ? "AH" : "ESP", reserved.peer.to_string(),
                                 reserved.local.to_string()));
  }
  return {};
}

// Of a manual SA, whose SPI the administrator has chosen.
Status Sad::check_free(const SaParameters& parameters, std::uint32_t spi) const {
  const SaPointer sa = table_.inbound(spi);
  if (sa == nullptr && !larval_.contains(spi)) return {};
  return complaint(ErrorCode::kAlreadyExists, parameters,
                   sa == nullptr ? fmt::format("SPI {:#010x} is reserved for a negotiation under way", spi)
                                 : fmt::format("SPI {:#010x} is that of an inbound SA from {}", spi,
                                               sa->parameters().source.to_string()));
}

Status Sad::check_inbound(const SaParameters& parameters) const {
  if (parameters.manual) {
    IPSEC_RETURN_IF_ERROR(check_free(parameters, parameters.spi));
    return parameters.ah ? check_free(parameters, parameters.ah->spi) : Status();
  }
  IPSEC_RETURN_IF_ERROR(check_reserved(parameters, parameters.spi, parameters.protocol));
  return parameters.ah ? check_reserved(parameters, parameters.ah->spi, SecurityProtocol::kAh) : Status();
}

Status Sad::check_outbound(const SaParameters& parameters) const {
  const IpAddress& peer = parameters.destination;
  const bool exists =
      table_.find_outbound(parameters.spi, parameters.protocol, peer) != nullptr ||
      (parameters.ah && table_.find_outbound(parameters.ah->spi, SecurityProtocol::kAh, peer) != nullptr);
  if (exists)
    return complaint(ErrorCode::kAlreadyExists, parameters, "an outbound SA with this SPI and peer is installed");
  if (parameters.soft && table_.has_keyed(parameters.filter_id, peer)) {
    return complaint(ErrorCode::kAlreadyExists, parameters,
                     "an SA with keys serves this filter and peer: nothing passes in clear beside it");
  }
  return {};
}

Status Sad::install(SaParameters parameters, Timestamp now) {
  const bool inbound = parameters.direction == Direction::kInbound;
  IPSEC_RETURN_IF_ERROR(inbound ? check_inbound(parameters) : check_outbound(parameters));
  if (records_.size() >= limits::kMaxSas) return exhausted(fmt::format("{} SAs are installed", records_.size()));
  if (parameters.soft && soft_count_ >= limits::kMaxSoftSas) {
    return exhausted(fmt::format("{} soft SAs are installed", soft_count_));
  }
  SaSurroundings surroundings{engine_, {}, 0};
  if (const SaPointer pair = parameters.manual ? manual_other_half(parameters)
                             : inbound         ? nullptr
                                               : table_.inbound(parameters.pair_spi)) {
    surroundings.path = pair->shared_path();
  }
  if (parameters.manual) surroundings.iv_start = std::uint64_t{random_.u32()} << 32 | random_.u32();
  IPSEC_ASSIGN_OR_RETURN(const SaPointer sa, Sa::make(std::move(parameters), now, std::move(surroundings)));
  if (inbound) {
    larval_.erase(sa->parameters().spi);
    if (sa->parameters().ah) larval_.erase(sa->parameters().ah->spi);
  } else if (!sa->is_manual()) {
    retire_predecessor(*sa);
  }
  add(sa);
  return {};
}

// What an administrator has keyed for the other direction: answers come under it, and tell what the path carries.
SaPointer Sad::manual_other_half(const SaParameters& parameters) const {
  const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& entry) {
    const SaParameters& other = entry.second.sa->parameters();
    return other.manual && other.direction != parameters.direction && other.peer() == parameters.peer() &&
           other.encapsulation == parameters.encapsulation && other.selector == parameters.selector.mirrored();
  });
  return found == records_.end() ? nullptr : found->second.sa;
}

// Make before break: the new outbound SA is used at once, the old one goes, and the inbound SA beside it receives what
// is still on its way.
void Sad::retire_predecessor(const Sa& successor) {
  const SaParameters& outbound = successor.parameters();
  SaPointer old = outbound.replaces_spi == 0
                      ? nullptr
                      : table_.find_outbound(outbound.replaces_spi, outbound.protocol, outbound.destination);
  if (old == nullptr) old = table_.find_same(outbound);
  if (old == nullptr) return;
  ++numbers_.rekeyed;
  successor.path().inherit(old->path());
  const auto partner = table_.inbound(old->parameters().pair_spi);
  if (partner != nullptr && partner->parameters().spi != outbound.pair_spi) records_[partner.get()].dying = true;
  erase(*old);
}

void Sad::add(const SaPointer& sa) {
  ++changes_;
  ++numbers_.added;
  table_.add(sa);
  const SaParameters& parameters = sa->parameters();
  records_[sa.get()] = {sa, parameters.pair_spi, false};
  soft_count_ += parameters.soft ? 1 : 0;
  if (parameters.direction == Direction::kInbound) return;
  // The inbound half may have been installed before the SPI of this one was known.
  const SaPointer partner = table_.inbound(parameters.pair_spi);
  if (partner != nullptr) records_[partner.get()].pair_spi = parameters.spi;
}

void Sad::erase(const Sa& sa) {
  ++changes_;
  ++numbers_.deleted;
  table_.remove(sa);
  soft_count_ -= sa.is_soft() ? 1 : 0;
  records_.erase(&sa);
}

bool Sad::remove(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer) {
  if (direction == Direction::kInbound && larval_.erase(spi) != 0) return true;
  const SaPointer sa =
      direction == Direction::kInbound ? table_.inbound(spi) : table_.find_outbound(spi, protocol, peer);
  if (sa == nullptr) return false;
  erase(*sa);
  return true;
}

bool Sad::move_peer(std::uint32_t spi, std::uint16_t port) {
  const SaPointer inbound = table_.inbound(spi);
  if (inbound == nullptr || !inbound->parameters().udp) return false;
  inbound->follow_udp_port(port);
  const auto record = records_.find(inbound.get());
  const SaPointer outbound =
      table_.find_outbound(record->second.pair_spi, SecurityProtocol::kEsp, inbound->parameters().peer());
  if (outbound != nullptr && outbound->parameters().udp) outbound->follow_udp_port(port);
  return true;
}

// Either half of a pair in use keeps both alive.
Timestamp Sad::pair_last_used(const Record& record) const {
  const SaParameters& parameters = record.sa->parameters();
  const SaPointer partner = parameters.direction == Direction::kInbound
                                ? table_.find_outbound(record.pair_spi, parameters.protocol, parameters.peer())
                                : table_.inbound(record.pair_spi);
  return partner == nullptr ? record.sa->last_used() : std::max(record.sa->last_used(), partner->last_used());
}

std::optional<SaEndReason> Sad::end_reason(const Record& record, Timestamp now) const {
  const Sa& sa = *record.sa;
  if (sa.is_manual()) return std::nullopt;
  if (now >= sa.hard_end() || sa.is_expired() || sa.sequence_is_exhausted()) {
    return SaEndReason::kLifetime;
  }
  if (now - pair_last_used(record) >= limits::kSaIdleTime) return SaEndReason::kIdle;
  return std::nullopt;
}

std::vector<DriverEvent> Sad::tick(Timestamp now) {
  absl::erase_if(larval_, [now](const auto& entry) { return now >= entry.second.until; });
  std::vector<std::pair<SaPointer, SaEndReason>> ended;
  for (const auto& [key, record] : records_) {
    record.sa->path().forget_old(now);
    if (const auto reason = end_reason(record, now)) ended.emplace_back(record.sa, *reason);
  }
  std::vector<DriverEvent> events = end(ended);
  ask_for_rekeys(now, events);
  watch_manual(now, events);
  return events;
}

std::vector<DriverEvent> Sad::end(const std::vector<std::pair<SaPointer, SaEndReason>>& ended) {
  std::vector<SaEnded> events;
  for (const auto& [sa, reason] : ended) {
    events.push_back(ended_event(sa->parameters(), reason));
    erase(*sa);
  }
  std::sort(events.begin(), events.end(), [](const SaEnded& a, const SaEnded& b) {
    return std::tie(a.direction, a.spi, a.peer) < std::tie(b.direction, b.spi, b.peer);
  });
  return {events.begin(), events.end()};
}

void Sad::ask_for_rekeys(Timestamp now, std::vector<DriverEvent>& events) {
  std::vector<RekeyNeeded> needed;
  for (const auto& [key, record] : records_) {
    const SaParameters& parameters = record.sa->parameters();
    if (parameters.direction == Direction::kInbound || parameters.manual) continue;
    const auto reason = record.sa->soft_limit_reached(now);
    if (!reason || !record.sa->ask_rekey(now)) continue;
    needed.push_back({parameters.spi, parameters.peer(), parameters.filter_id, *reason});
  }
  std::sort(needed.begin(), needed.end(), [](const RekeyNeeded& a, const RekeyNeeded& b) {
    return std::tie(a.spi, a.peer) < std::tie(b.spi, b.peer);
  });
  events.insert(events.end(), needed.begin(), needed.end());
}

// Once when the end is near, once when it is there. It stays in the table: what it protected must not be negotiated or
// refused as unknown in silence, but dropped under the name of what has happened.
void Sad::watch_manual(Timestamp now, std::vector<DriverEvent>& events) {
  std::vector<ManualSaLimit> limits;
  for (auto& [key, record] : records_) {
    if (!record.sa->is_manual()) continue;
    const auto near = record.sa->soft_limit_reached(now);
    if (now >= record.sa->hard_end()) record.sa->expire();
    const bool reached = has_ended(*record.sa);
    if ((!near && !reached) || (record.told && (*record.told || !reached))) continue;
    record.told = reached;
    const SaParameters& sa = record.sa->parameters();
    limits.push_back({sa.spi, sa.direction, sa.protocol, sa.peer(), near.value_or(RekeyReason::kSeconds), reached});
  }
  std::sort(limits.begin(), limits.end(), [](const ManualSaLimit& a, const ManualSaLimit& b) {
    return std::tie(a.direction, a.spi, a.peer) < std::tie(b.direction, b.spi, b.peer);
  });
  events.insert(events.end(), limits.begin(), limits.end());
}

std::vector<DriverEvent> Sad::end_without_filter(const FilterTable& before, const FilterTable& after) {
  std::vector<std::pair<SaPointer, SaEndReason>> ended;
  for (const auto& [key, record] : records_) {
    const SaParameters& parameters = record.sa->parameters();
    if (parameters.direction == Direction::kInbound || parameters.filter_id == 0) continue;
    const FilterEntry* const was = before.find(parameters.filter_id);
    const FilterEntry* const is = after.find(parameters.filter_id);
    const bool stays = is != nullptr && is->filter.action == Action::kNegotiate &&
                       (was == nullptr || was->filter.protection_id == is->filter.protection_id) &&
                       (!parameters.soft || is->filter.allow_soft);
    if (!stays) ended.emplace_back(record.sa, SaEndReason::kPolicy);
  }
  return end(ended);
}

std::vector<DriverEvent> Sad::end_all(SaEndReason reason) {
  std::vector<std::pair<SaPointer, SaEndReason>> ended;
  for (const auto& [key, record] : records_) {
    if (!record.sa->is_manual()) ended.emplace_back(record.sa, reason);
  }
  larval_.clear();
  return end(ended);
}

std::vector<SaStatus> Sad::list(Timestamp now, std::uint16_t link_mtu) const {
  std::vector<SaStatus> listed;
  for (const auto& [key, record] : records_) {
    Sa& sa = *record.sa;
    listed.push_back({sa.parameters(), sa.packets(), sa.bytes(), now - sa.installed(), now - sa.last_used(),
                      sa.soft_limit_reached(now).has_value(), record.dying, sa.engine_name(), sa.offload(),
                      sa.offloaded_packets(), last_sequence(sa), sa.is_manual() && has_ended(sa)});
    tell_path(sa, link_mtu, listed.back());
    // As the NAT shows it now.
    if (auto& udp = listed.back().sa.udp) udp->peer_port = sa.udp_port();
  }
  std::sort(listed.begin(), listed.end(), [](const SaStatus& a, const SaStatus& b) { return is_before(a.sa, b.sa); });
  return listed;
}

Sad::Numbers Sad::numbers() const {
  Numbers numbers = numbers_;
  numbers.active = records_.size();
  numbers.larval = larval_.size();
  for (const auto& [key, record] : records_) {
    const SaParameters& parameters = record.sa->parameters();
    if (record.sa->offload() == OffloadState::kActive) ++numbers.offloaded;
    if (record.sa->is_tunnel() && parameters.direction == Direction::kOutbound) ++numbers.tunnels;
  }
  return numbers;
}

}  // namespace ipsec::driver
