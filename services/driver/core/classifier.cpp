#include "services/driver/core/classifier.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ipsec::driver {
namespace {

// Few lengths mean few tables; patterns between two of them share buckets with their coarser neighbours.
constexpr std::array<unsigned, 5> kIpv4Lengths = {32, 24, 16, 8, 0};
constexpr std::array<unsigned, 6> kIpv6Lengths = {128, 64, 48, 32, 16, 0};

// Leading bits that both ends of the range share.
unsigned common_prefix(const AddressRange& range) {
  const ByteView first = range.first.bytes();
  const ByteView last = range.last.bytes();
  for (unsigned i = 0; i < first.size(); ++i) {
    const auto difference = static_cast<std::uint8_t>(first[i] ^ last[i]);
    if (difference != 0) return i * 8 + static_cast<unsigned>(std::countl_zero(difference));
  }
  return range.first.bits();
}

unsigned table_length(const AddressRange& range) {
  const unsigned length = common_prefix(range);
  const auto fits = [length](unsigned of_table) { return of_table <= length; };
  return range.family() == AddressFamily::kIpv4 ? *std::find_if(kIpv4Lengths.begin(), kIpv4Lengths.end(), fits)
                                                : *std::find_if(kIpv6Lengths.begin(), kIpv6Lengths.end(), fits);
}

bool asks_for_ports(const Selector& pattern) {
  return protocol_has_ports(pattern.protocol) && !(pattern.source_port.is_any() && pattern.destination_port.is_any());
}

bool matches_without_ports(const Selector& pattern, const FiveTuple& packet) {
  return (pattern.protocol == kProtocolAny || pattern.protocol == packet.protocol) &&
         pattern.source.contains(packet.source) && pattern.destination.contains(packet.destination);
}

}  // namespace

Classifier::Classifier(std::span<const Selector> patterns) : patterns_(patterns.begin(), patterns.end()) {
  for (std::uint32_t i = 0; i < patterns_.size(); ++i) {
    insert(patterns_[i].family() == AddressFamily::kIpv4 ? ipv4_ : ipv6_, i);
  }
}

void Classifier::insert(Tables& tables, std::uint32_t position) {
  const Selector& pattern = patterns_[position];
  const unsigned source = table_length(pattern.source);
  const unsigned destination = table_length(pattern.destination);
  auto table = std::find_if(tables.begin(), tables.end(), [&](const Table& candidate) {
    return candidate.source_length == source && candidate.destination_length == destination;
  });
  // Positions come in ascending order, so tables and buckets are sorted by construction.
  if (table == tables.end()) table = tables.insert(tables.end(), {source, destination, position, {}});
  table->buckets[{pattern.source.first.masked(source), pattern.destination.first.masked(destination)}].push_back(
      position);
}

template <typename Matches>
std::uint32_t Classifier::search(const FiveTuple& packet, std::uint32_t limit, Matches matches) const {
  std::uint32_t best = limit;
  for (const Table& table : packet.source.is_v4() ? ipv4_ : ipv6_) {
    if (table.first >= best) break;
    const auto bucket = table.buckets.find(
        Key{packet.source.masked(table.source_length), packet.destination.masked(table.destination_length)});
    if (bucket == table.buckets.end()) continue;
    for (const std::uint32_t position : bucket->second) {
      if (position >= best) break;
      if (matches(patterns_[position])) best = position;
    }
  }
  return best;
}

std::optional<std::uint32_t> Classifier::first_match(const FiveTuple& packet) const {
  const std::uint32_t best = search(packet, kNone, [&](const Selector& pattern) { return pattern.matches(packet); });
  return best == kNone ? std::nullopt : std::optional(best);
}

Classifier::PortlessMatch Classifier::first_match_without_ports(const FiveTuple& packet) const {
  const std::uint32_t sure = search(packet, kNone, [&](const Selector& pattern) {
    return matches_without_ports(pattern, packet) && !asks_for_ports(pattern);
  });
  const std::uint32_t possible =
      search(packet, sure, [&](const Selector& pattern) { return matches_without_ports(pattern, packet); });
  return {sure == kNone ? std::nullopt : std::optional(sure), possible < sure};
}

}  // namespace ipsec::driver
