#include "services/driver/core/classifier.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <memory>

namespace ipsec::driver {
namespace {

// Few lengths mean few tables; filters between two of them share buckets with their coarser neighbours.
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

bool matches_without_ports(const Selector& pattern, const FiveTuple& packet) {
  return (pattern.protocol == kProtocolAny || pattern.protocol == packet.protocol) &&
         pattern.source.contains(packet.source) && pattern.destination.contains(packet.destination);
}

}  // namespace

// Changes the tables of one family, each under one ShardedMap::Change.
class Classifier::Change {
 public:
  explicit Change(Tables& tables) : tables_(tables) {}

  void remove(const FilterEntry& entry) {
    const std::size_t at = table_of(entry.filter.selector);
    const Key key = key_of(tables_[at], entry.filter.selector.source.first, entry.filter.selector.destination.first);
    Bucket* const bucket = buckets(at).find(key);
    assert(bucket != nullptr);
    bucket->erase(std::find(bucket->begin(), bucket->end(), &entry));
    if (bucket->empty()) buckets(at).erase(key);
  }

  void add(const FilterEntry& entry) {
    const std::size_t at = table_of(entry.filter.selector);
    Table& table = tables_[at];
    table.first = std::min(table.first, entry.rank);
    Bucket& bucket =
        buckets(at)[key_of(table, entry.filter.selector.source.first, entry.filter.selector.destination.first)];
    const auto place =
        std::upper_bound(bucket.begin(), bucket.end(), entry.rank,
                         [](std::uint64_t rank, const FilterEntry* other) { return rank < other->rank; });
    bucket.insert(place, &entry);
  }

  void finish() {
    open_.clear();
    std::sort(tables_.begin(), tables_.end(), [](const Table& a, const Table& b) { return a.first < b.first; });
  }

 private:
  using BucketChange = ShardedMap<Key, Bucket>::Change;

  // Tables are few, and stay where they are until finish().
  std::size_t table_of(const Selector& selector) {
    const unsigned source = table_length(selector.source);
    const unsigned destination = table_length(selector.destination);
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const Table& table) {
      return table.source_length == source && table.destination_length == destination;
    });
    if (found != tables_.end()) return static_cast<std::size_t>(found - tables_.begin());
    // References in open_ must not move with the vector.
    open_.clear();
    tables_.push_back({source, destination, kNoLimit, {}});
    return tables_.size() - 1;
  }

  BucketChange& buckets(std::size_t at) {
    if (open_.size() < tables_.size()) open_.resize(tables_.size());
    if (open_[at] == nullptr) open_[at] = std::make_unique<BucketChange>(tables_[at].buckets);
    return *open_[at];
  }

  Tables& tables_;
  std::vector<std::unique_ptr<BucketChange>> open_;  // by index in tables_
};

void Classifier::change(Entries removed, Entries added) {
  Change ipv4(ipv4_);
  Change ipv6(ipv6_);
  const auto change_of = [&](const FilterEntry& entry) -> Change& {
    return entry.filter.selector.family() == AddressFamily::kIpv4 ? ipv4 : ipv6;
  };
  for (const FilterEntry* entry : removed) change_of(*entry).remove(*entry);
  for (const FilterEntry* entry : added) change_of(*entry).add(*entry);
  ipv4.finish();
  ipv6.finish();
}

template <typename Matches>
const FilterEntry* Classifier::search(const FiveTuple& packet, std::uint64_t limit, Matches matches) const {
  const FilterEntry* best = nullptr;
  for (const Table& table : packet.source.is_v4() ? ipv4_ : ipv6_) {
    if (table.first >= limit) break;
    const Bucket* bucket = table.buckets.find(key_of(table, packet.source, packet.destination));
    if (bucket == nullptr) continue;
    for (const FilterEntry* entry : *bucket) {
      if (entry->rank >= limit) break;
      if (!matches(entry->filter.selector)) continue;
      best = entry;
      limit = entry->rank;
    }
  }
  return best;
}

const FilterEntry* Classifier::first_match(const FiveTuple& packet) const {
  return search(packet, kNoLimit, [&](const Selector& pattern) { return pattern.matches(packet); });
}

Classifier::PortlessMatch Classifier::first_match_without_ports(const FiveTuple& packet) const {
  const FilterEntry* sure = search(packet, kNoLimit, [&](const Selector& pattern) {
    return matches_without_ports(pattern, packet) && !pattern.asks_for_ports();
  });
  const FilterEntry* possible = search(packet, sure == nullptr ? kNoLimit : sure->rank,
                                       [&](const Selector& pattern) { return matches_without_ports(pattern, packet); });
  return {sure, possible != nullptr};
}

}  // namespace ipsec::driver
