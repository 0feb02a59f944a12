#include "services/driver/core/sa_table.h"

#include <algorithm>
#include <cassert>

namespace ipsec::driver {
namespace {

constexpr std::uint64_t kNoFilter = 0;

}  // namespace

Sa* SaTable::find_inbound(std::uint32_t spi) const {
  const SaPointer* found = inbound_.find(spi);
  return found == nullptr ? nullptr : found->get();
}

Sa* SaTable::find_outbound(const Filter& filter, const IpAddress& peer, const FiveTuple& packet) const {
  const auto find = [&](std::uint64_t filter_id) -> Sa* {
    const std::vector<SaPointer>* candidates = outbound_.find({filter_id, peer});
    if (candidates == nullptr) return nullptr;
    for (const SaPointer& sa : *candidates) {
      if (sa->is_manual() && sa->is_tunnel() != filter.is_tunnel()) continue;
      if (sa->parameters().selector.matches(packet)) return sa.get();
    }
    return nullptr;
  };
  if (manual_count_ != 0) {
    if (Sa* const manual = find(kNoFilter)) return manual;
  }
  return find(filter.id);
}

SaPointer SaTable::find_outbound(std::uint32_t spi, SecurityProtocol protocol, const IpAddress& peer) const {
  const SaPointer* found = outbound_by_name_.find({spi, protocol, peer});
  return found == nullptr ? nullptr : *found;
}

SaPointer SaTable::find_same(const SaParameters& outbound) const {
  const std::vector<SaPointer>* candidates = outbound_.find({outbound.filter_id, outbound.destination});
  if (candidates == nullptr) return nullptr;
  for (const SaPointer& sa : *candidates) {
    // The administrator takes away what he has put there.
    if (sa->is_manual()) continue;
    const bool same_port = sa->udp_port() == (outbound.udp ? outbound.udp->peer_port : 0);
    if (sa->parameters().selector == outbound.selector && same_port) return sa;
  }
  return nullptr;
}

bool SaTable::has_keyed(std::uint64_t filter_id, const IpAddress& peer) const {
  const std::vector<SaPointer>* candidates = outbound_.find({filter_id, peer});
  return candidates != nullptr && std::any_of(candidates->begin(), candidates->end(),
                                              [](const SaPointer& sa) { return !sa->is_manual() && !sa->is_soft(); });
}

SaPointer SaTable::inbound(std::uint32_t spi) const {
  const SaPointer* found = inbound_.find(spi);
  return found == nullptr ? nullptr : *found;
}

void SaTable::add(const SaPointer& sa) {
  const SaParameters& parameters = sa->parameters();
  if (parameters.direction == Direction::kInbound) {
    assert(inbound_.find(parameters.spi) == nullptr);
    inbound_[parameters.spi] = sa;
    if (parameters.ah) inbound_[parameters.ah->spi] = sa;
    if (parameters.udp) ++udp_count_;
    return;
  }
  assert(outbound_by_name_.find({parameters.spi, parameters.protocol, parameters.destination}) == nullptr);
  outbound_by_name_[{parameters.spi, parameters.protocol, parameters.destination}] = sa;
  if (parameters.ah) outbound_by_name_[{parameters.ah->spi, SecurityProtocol::kAh, parameters.destination}] = sa;
  auto& candidates = outbound_[{parameters.filter_id, parameters.destination}];
  candidates.insert(candidates.begin(), sa);
  if (parameters.manual) ++manual_count_;
}

void SaTable::remove(const Sa& sa) {
  const SaParameters& parameters = sa.parameters();
  if (parameters.direction == Direction::kInbound) {
    inbound_.erase(parameters.spi);
    if (parameters.ah) inbound_.erase(parameters.ah->spi);
    if (parameters.udp) --udp_count_;
    return;
  }
  outbound_by_name_.erase({parameters.spi, parameters.protocol, parameters.destination});
  if (parameters.ah) outbound_by_name_.erase({parameters.ah->spi, SecurityProtocol::kAh, parameters.destination});
  if (parameters.manual) --manual_count_;
  const OutboundKey key{parameters.filter_id, parameters.destination};
  auto& candidates = outbound_[key];
  std::erase_if(candidates, [&](const SaPointer& candidate) { return candidate.get() == &sa; });
  if (candidates.empty()) outbound_.erase(key);
}

}  // namespace ipsec::driver
