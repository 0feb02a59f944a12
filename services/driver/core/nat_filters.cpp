#include "services/driver/core/nat_filters.h"

#include <algorithm>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

// As the exemption is called that they follow from.
constexpr const char* kRuleName = "<ISAKMP behind NAT>";

std::uint64_t outbound_id(std::uint64_t number) { return 2 * number; }
std::uint64_t inbound_id(std::uint64_t number) { return outbound_id(number) + 1; }

}  // namespace

void NatFilters::count(Amount& amount, Pair& pair, const PacketView& packet, Timestamp now) {
  ++amount.packets;
  amount.bytes += packet.bytes.size();
  pair.last = now;
}

void NatFilters::sent(const PacketView& packet, Timestamp now) {
  const FiveTuple& tuple = packet.tuple;
  const LockGuard lock(lock_);
  const Ends ends{tuple.source, tuple.destination, tuple.destination_port};
  auto found = pairs_.find(ends);
  if (found == pairs_.end()) {
    if (pairs_.size() >= limits::kMaxNatFilters) return;
    found = pairs_.emplace(ends, Pair{next_number_++, {}, {}, now}).first;
  }
  count(found->second.out, found->second, packet, now);
}

void NatFilters::received(const PacketView& packet, Timestamp now) {
  const FiveTuple& tuple = packet.tuple;
  const LockGuard lock(lock_);
  const auto found = pairs_.find(Ends{tuple.destination, tuple.source, tuple.source_port});
  if (found != pairs_.end()) count(found->second.in, found->second, packet, now);
}

void NatFilters::tick(Timestamp now) {
  const LockGuard lock(lock_);
  absl::erase_if(pairs_, [now](const auto& entry) { return now - entry.second.last >= limits::kNatFilterLifetime; });
}

std::vector<std::pair<NatFilters::Ends, NatFilters::Pair>> NatFilters::in_order() const {
  const LockGuard lock(lock_);
  std::vector<std::pair<Ends, Pair>> pairs(pairs_.begin(), pairs_.end());
  std::ranges::sort(pairs, {}, [](const auto& entry) { return entry.second.number; });
  return pairs;
}

std::vector<Filter> NatFilters::list() const {
  std::vector<Filter> filters;
  for (const auto& [ends, pair] : in_order()) {
    const auto& [local, peer, port] = ends;
    Filter out;
    out.id = outbound_id(pair.number);
    out.mirror_id = inbound_id(pair.number);
    out.direction = Direction::kOutbound;
    out.selector = {AddressRange::host(local), AddressRange::host(peer), kProtocolUdp,
                    PortRange::from_number(kNatTraversalPort), PortRange::from_number(port)};
    out.action = Action::kPermit;
    out.rule_name = kRuleName;
    Filter in = out;
    std::swap(in.id, in.mirror_id);
    in.direction = Direction::kInbound;
    in.selector = out.selector.mirrored();
    filters.push_back(std::move(out));
    filters.push_back(std::move(in));
  }
  return filters;
}

std::vector<FilterStatistics> NatFilters::statistics() const {
  std::vector<FilterStatistics> statistics;
  for (const auto& [ends, pair] : in_order()) {
    statistics.push_back({outbound_id(pair.number), pair.out.packets, pair.out.bytes});
    statistics.push_back({inbound_id(pair.number), pair.in.packets, pair.in.bytes});
  }
  return statistics;
}

}  // namespace ipsec::driver
