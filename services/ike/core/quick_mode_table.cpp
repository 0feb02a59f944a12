#include "services/ike/core/quick_mode_table.h"

#include <algorithm>
#include <set>

namespace ipsec::ike {

std::vector<std::uint32_t> QuickModeTable::add(QuickModeSaPair pair) {
  std::vector<std::uint32_t> replaced;
  std::vector<std::uint32_t>& sending = sending_[pair.peer];
  for (const std::uint32_t spi : sending) {
    QuickModeSaPair& older = by_inbound_.at(spi);
    const bool same_traffic =
        older.rule.outbound_filter_id == pair.rule.outbound_filter_id && older.outbound == pair.outbound;
    if (!same_traffic || !older.has_outbound || !may_be_same(older.host, pair.host)) continue;
    older.has_outbound = false;
    replaced.push_back(older.outbound_spi);
  }
  std::erase_if(sending, [this](std::uint32_t spi) { return !by_inbound_.at(spi).has_outbound; });
  sending.push_back(pair.inbound_spi);
  by_peer_[pair.peer].push_back(pair.inbound_spi);
  by_identity_[{pair.peer, pair.peer_identity}].push_back(pair.inbound_spi);
  by_outbound_[{pair.peer, pair.outbound_spi}] = pair.inbound_spi;
  const std::uint32_t spi = pair.inbound_spi;
  by_inbound_[spi] = std::move(pair);
  return replaced;
}

QuickModeSaPair* QuickModeTable::find_inbound(std::uint32_t spi) {
  const auto found = by_inbound_.find(spi);
  return found != by_inbound_.end() ? &found->second : nullptr;
}

QuickModeSaPair* QuickModeTable::find_outbound(const IpAddress& peer, std::uint32_t spi) {
  const auto found = by_outbound_.find(std::pair(peer, spi));
  return found != by_outbound_.end() ? find_inbound(found->second) : nullptr;
}

QuickModeSaPair* QuickModeTable::find_outbound(const IpAddress& peer, SecurityProtocol protocol, std::uint32_t spi) {
  QuickModeSaPair* by_name = find_outbound(peer, spi);
  if (by_name != nullptr && by_name->protocol == protocol) return by_name;
  const auto found = by_peer_.find(peer);
  if (protocol != SecurityProtocol::kAh || spi == 0 || found == by_peer_.end()) return nullptr;
  for (const std::uint32_t inbound : found->second) {
    QuickModeSaPair& pair = by_inbound_.at(inbound);
    if (pair.outbound_ah_spi == spi) return &pair;
  }
  return nullptr;
}

const QuickModeSaPair* QuickModeTable::in_use(const IpAddress& peer, const HostBehindNat& host, std::uint64_t filter_id,
                                              const Selector& outbound) const {
  const auto found = sending_.find(peer);
  if (found == sending_.end()) return nullptr;
  for (auto spi = found->second.rbegin(); spi != found->second.rend(); ++spi) {
    const QuickModeSaPair& pair = by_inbound_.at(*spi);
    const bool same_traffic = pair.rule.outbound_filter_id == filter_id && pair.outbound == outbound;
    if (pair.has_outbound && same_traffic && may_be_same(pair.host, host)) return &pair;
  }
  return nullptr;
}

std::uint32_t QuickModeTable::outbound_in_use(const IpAddress& peer, const HostBehindNat& host, std::uint64_t filter_id,
                                              const Selector& outbound) const {
  const QuickModeSaPair* pair = in_use(peer, host, filter_id, outbound);
  return pair != nullptr ? pair->outbound_spi : 0;
}

bool QuickModeTable::made_since(const IpAddress& peer, std::uint64_t filter_id, const Selector& outbound,
                                Timestamp since) const {
  const QuickModeSaPair* pair = in_use(peer, {}, filter_id, outbound);
  return pair != nullptr && pair->established_at >= since;
}

void QuickModeTable::remove(std::uint32_t inbound_spi) {
  const auto found = by_inbound_.find(inbound_spi);
  if (found == by_inbound_.end()) return;
  const auto outbound = by_outbound_.find(std::pair(found->second.peer, found->second.outbound_spi));
  if (outbound != by_outbound_.end() && outbound->second == inbound_spi) by_outbound_.erase(outbound);
  const auto take_from = [inbound_spi](auto& index, const auto& key) {
    const auto entry = index.find(key);
    std::erase(entry->second, inbound_spi);
    if (entry->second.empty()) index.erase(entry);
  };
  take_from(by_peer_, found->second.peer);
  take_from(by_identity_, std::pair(found->second.peer, found->second.peer_identity));
  // It may have been taken out already.
  if (sending_.contains(found->second.peer)) take_from(sending_, found->second.peer);
  by_inbound_.erase(found);
}

std::vector<QuickModeSaPair> QuickModeTable::with_peer(const IpAddress& peer) const {
  const auto found = by_peer_.find(peer);
  return found != by_peer_.end() ? pairs_of(found->second) : std::vector<QuickModeSaPair>();
}

std::vector<QuickModeSaPair> QuickModeTable::with_identity(const IpAddress& peer, const std::string& identity) const {
  std::vector<std::uint32_t> inbound_spis;
  for (const std::string& each : std::set<std::string>{std::string(), identity}) {
    const auto found = by_identity_.find(std::pair(peer, each));
    if (found == by_identity_.end()) continue;
    inbound_spis.insert(inbound_spis.end(), found->second.begin(), found->second.end());
  }
  return pairs_of(inbound_spis);
}

std::vector<QuickModeSaPair> QuickModeTable::pairs_of(const std::vector<std::uint32_t>& inbound_spis) const {
  std::vector<QuickModeSaPair> pairs;
  pairs.reserve(inbound_spis.size());
  for (const std::uint32_t spi : inbound_spis) pairs.push_back(by_inbound_.at(spi));
  return pairs;
}

std::vector<QuickModeSaPair> QuickModeTable::all() const {
  std::vector<QuickModeSaPair> pairs;
  for (const auto& [spi, pair] : by_inbound_) pairs.push_back(pair);
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.inbound_spi < b.inbound_spi; });
  return pairs;
}

std::size_t QuickModeTable::count_of_main_mode(std::uint64_t handle, const IpAddress& peer) const {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return 0;
  return static_cast<std::size_t>(std::count_if(found->second.begin(), found->second.end(), [&](std::uint32_t spi) {
    return by_inbound_.at(spi).main_mode_handle == handle;
  }));
}

void QuickModeTable::clear() {
  by_inbound_.clear();
  by_outbound_.clear();
  by_peer_.clear();
  by_identity_.clear();
  sending_.clear();
}

}  // namespace ipsec::ike
