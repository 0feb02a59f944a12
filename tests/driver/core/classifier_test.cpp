#include "services/driver/core/classifier.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/filter_table.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// Few addresses and ports, so that patterns overlap and packets match.
IpAddress random_address(SeededRandom& random, bool v6) {
  Bytes bytes(v6 ? 16 : 4, 0);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(3));
  return IpAddress::from_bytes(bytes);
}

AddressRange random_range(SeededRandom& random, bool v6) {
  if (random.chance(0.2)) {
    const IpAddress a = random_address(random, v6), b = random_address(random, v6);
    return {std::min(a, b), std::max(a, b)};
  }
  const auto length = static_cast<unsigned>(random.below(v6 ? 129 : 33));
  return AddressRange::of(Subnet::around(random_address(random, v6), length));
}

PortRange random_ports(SeededRandom& random) {
  if (random.chance(0.5)) return PortRange::any();
  const auto first = static_cast<std::uint16_t>(random.below(4));
  return {first, static_cast<std::uint16_t>(first + random.below(3))};
}

std::uint8_t random_protocol(SeededRandom& random) {
  constexpr std::uint8_t kProtocols[] = {kProtocolAny, kProtocolTcp, kProtocolUdp, kProtocolIcmp};
  return kProtocols[random.below(4)];
}

Selector random_selector(SeededRandom& random) {
  const bool v6 = random.chance(0.5);
  return {random_range(random, v6), random_range(random, v6), random_protocol(random), random_ports(random),
          random_ports(random)};
}

FiveTuple random_packet(SeededRandom& random) {
  const bool v6 = random.chance(0.5);
  FiveTuple packet{random_address(random, v6), random_address(random, v6), random_protocol(random), 0, 0};
  if (!protocol_has_ports(packet.protocol)) return packet;
  packet.source_port = static_cast<std::uint16_t>(random.below(6));
  packet.destination_port = static_cast<std::uint16_t>(random.below(6));
  return packet;
}

// Patterns as filters whose rank is ten times their place, so that there is room between them.
class Patterns {
 public:
  const FilterEntry* add(const Selector& selector, std::uint64_t rank) {
    Filter filter;
    filter.selector = selector;
    entries_.push_back(
        std::make_shared<const FilterEntry>(FilterEntry{std::move(filter), std::make_shared<FilterCounters>(), rank}));
    return entries_.back().get();
  }

 private:
  std::vector<FilterEntryPointer> entries_;
};

std::optional<std::uint64_t> rank_of(const FilterEntry* entry) {
  return entry == nullptr ? std::nullopt : std::optional(entry->rank);
}

// Many rounds of adding and removing at random; after each the classifier and a linear search over what is in it agree,
// and so do an older copy and what was in it.
TEST(Classifier, DRV_17_first_match_agrees_with_a_linear_search_first_match_agrees_with_a_linear_search) {
  SeededRandom random(2003);
  std::size_t matched = 0;
  for (int round = 0; round < 20; ++round) {
    Patterns patterns;
    std::map<std::uint64_t, const FilterEntry*> in;
    std::map<std::uint64_t, const FilterEntry*> older_in;
    Classifier classifier;
    Classifier older;
    for (int change = 0; change < 4; ++change) {
      older = classifier;
      older_in = in;
      std::vector<const FilterEntry*> removed;
      std::vector<const FilterEntry*> added;
      for (const auto& [rank, entry] : in) {
        if (random.chance(0.3)) removed.push_back(entry);
      }
      for (const FilterEntry* entry : removed) in.erase(entry->rank);
      for (std::size_t i = random.below(100); i > 0; --i) {
        const FilterEntry* entry = patterns.add(random_selector(random), random.below(1'000'000));
        if (older_in.contains(entry->rank) || !in.emplace(entry->rank, entry).second) continue;
        added.push_back(entry);
      }
      classifier.change(removed, added);
      for (int i = 0; i < 200; ++i) {
        const FiveTuple packet = random_packet(random);
        const auto first_of = [&packet](const std::map<std::uint64_t, const FilterEntry*>& entries) {
          const auto found = std::find_if(entries.begin(), entries.end(), [&packet](const auto& each) {
            return each.second->filter.selector.matches(packet);
          });
          return found == entries.end() ? nullptr : found->second;
        };
        const FilterEntry* expected = first_of(in);
        ASSERT_EQ(rank_of(classifier.first_match(packet)), rank_of(expected)) << packet.to_string();
        ASSERT_EQ(rank_of(older.first_match(packet)), rank_of(first_of(older_in))) << packet.to_string();
        matched += expected != nullptr ? 1 : 0;
      }
    }
  }
  EXPECT_GT(matched, 2000U);
}

TEST(Classifier, without_ports_it_knows_whether_they_would_matter) {
  Selector smb = between("10.0.0.0/8", "10.0.0.0/8", kProtocolTcp);
  smb.destination_port = PortRange::single(445);
  Patterns patterns;
  const std::vector<const FilterEntry*> entries = {patterns.add(smb, 1),
                                                   patterns.add(between("10.0.0.0/8", "10.0.0.0/8"), 2),
                                                   patterns.add(between("10.0.0.0/8", "10.1.0.0/16"), 3)};
  Classifier classifier;
  classifier.change({}, entries);
  const FiveTuple tcp{address("10.0.0.1"), address("10.1.0.1"), kProtocolTcp, 0, 0};
  EXPECT_EQ(classifier.first_match_without_ports(tcp).entry, entries[1]);
  EXPECT_TRUE(classifier.first_match_without_ports(tcp).depends_on_ports);
  FiveTuple udp = tcp;
  udp.protocol = kProtocolUdp;
  EXPECT_EQ(classifier.first_match_without_ports(udp).entry, entries[1]);
  EXPECT_FALSE(classifier.first_match_without_ports(udp).depends_on_ports);
  const FiveTuple elsewhere{address("11.0.0.1"), address("10.1.0.1"), kProtocolTcp, 0, 0};
  EXPECT_EQ(classifier.first_match_without_ports(elsewhere).entry, nullptr);
  EXPECT_FALSE(classifier.first_match_without_ports(elsewhere).depends_on_ports);
}

TEST(FilterTable, counters_stay_with_a_filter_that_stays) {
  FilterPair kept = mirrored(10, between("10.0.0.1", "10.0.0.2"), Action::kPermit);
  FilterPair gone = mirrored(20, between("10.0.0.1", "10.0.0.3"), Action::kPermit);
  const auto first = FilterTable::make({kept.outbound, gone.outbound}, nullptr);
  (*first)->find(10)->counters->add(3, 300);
  const auto second = FilterTable::make({kept.outbound, kept.inbound}, first->get());
  EXPECT_EQ((*second)->find(10)->counters->packets, 3U);
  EXPECT_EQ((*second)->find(11)->counters->packets, 0U);
  EXPECT_EQ((*second)->find(20), nullptr);
}

Filter numbered(std::uint64_t id, std::string_view destination, std::uint32_t place = 0) {
  Filter filter = mirrored(id, between("0.0.0.0/0", destination), Action::kPermit).outbound;
  filter.index = place;
  return filter;
}

std::vector<std::uint64_t> ids_of(const FilterTable& table) {
  std::vector<std::uint64_t> ids;
  for (const FilterEntryPointer& entry : table.entries()) ids.push_back(entry->filter.id);
  return ids;
}

TEST(FilterTable, PA_17_a_change_gives_the_table_that_the_whole_list_gives) {
  const auto first =
      FilterTable::make({numbered(1, "10.0.0.1"), numbered(2, "10.0.0.0/8"), numbered(3, "0.0.0.0/0")}, nullptr);
  (*first)->find(1)->counters->add(5, 500);
  const auto second = (*first)->changed({2}, {numbered(8, "10.0.0.2", 0), numbered(9, "10.1.0.0/16", 2)}, 4);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_THAT(ids_of(**second), testing::ElementsAre(8, 1, 9, 3));
  EXPECT_THAT(ids_of(**first), testing::ElementsAre(1, 2, 3));
  EXPECT_EQ((*second)->find(1), (*first)->find(1)) << "what stays is shared";
  const auto decides = [](const FilterTable& table, std::string_view destination) {
    return table.match(Direction::kOutbound, {address("10.9.9.9"), address(destination), kProtocolUdp, 1, 2})
        ->filter.id;
  };
  EXPECT_EQ(decides(**second, "10.0.0.1"), 1U);
  EXPECT_EQ(decides(**second, "10.0.0.2"), 8U);
  EXPECT_EQ(decides(**second, "10.1.0.2"), 9U);
  EXPECT_EQ(decides(**second, "10.2.0.2"), 3U);
  EXPECT_EQ(decides(**first, "10.2.0.2"), 2U);
}

TEST(FilterTable, a_filter_that_moves_or_changes_keeps_its_counters) {
  const auto first = FilterTable::make({numbered(1, "10.0.0.0/8"), numbered(2, "10.0.0.0/8")}, nullptr);
  (*first)->find(1)->counters->add(5, 500);
  const auto second = (*first)->changed({1}, {numbered(1, "10.0.0.0/8", 1)}, 2);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_THAT(ids_of(**second), testing::ElementsAre(2, 1));
  EXPECT_EQ((*second)->find(1)->counters->packets, 5U);
}

// Each new one between the same two neighbours: the room between their ranks ends after 60 or so.
TEST(FilterTable, there_is_always_room_for_another_filter) {
  auto table = FilterTable::make({numbered(1, "10.0.0.1"), numbered(2, "0.0.0.0/0")}, nullptr);
  for (std::uint64_t id = 10; id < 210; ++id) {
    table = (*table)->changed({}, {numbered(id, "10.0.0.0/8", 1)}, (*table)->entries().size() + 1);
    ASSERT_TRUE(table.ok()) << table.status().message();
    ASSERT_EQ((*table)
                  ->match(Direction::kOutbound, {address("10.9.9.9"), address("10.3.3.3"), kProtocolUdp, 1, 2})
                  ->filter.id,
              id);
  }
  EXPECT_EQ((*table)->entries().back()->filter.id, 2U);
}

TEST(FilterTable, a_change_of_another_table_is_refused) {
  const auto first = FilterTable::make({numbered(1, "10.0.0.1"), numbered(2, "0.0.0.0/0")}, nullptr);
  const auto code = [&first](const std::vector<std::uint64_t>& removed, std::vector<Filter> inserted,
                             std::size_t count) {
    return (*first)->changed(removed, std::move(inserted), count).status().code();
  };
  EXPECT_EQ(code({7}, {}, 1), ErrorCode::kRefused);
  EXPECT_EQ(code({1, 1}, {}, 1), ErrorCode::kRefused);
  EXPECT_EQ(code({1}, {}, 2), ErrorCode::kRefused);
  EXPECT_EQ(code({}, {numbered(5, "10.0.0.1", 4)}, 3), ErrorCode::kRefused);
  EXPECT_EQ(code({}, {numbered(1, "10.0.0.1", 0)}, 3), ErrorCode::kInvalid);
  EXPECT_EQ(code({}, {numbered(0, "10.0.0.1", 0)}, 3), ErrorCode::kInvalid);
  EXPECT_EQ(code({1}, {numbered(1, "10.0.0.1", 1)}, 2), ErrorCode::kOk);
}

TEST(FilterTable, a_wrong_policy_is_refused_by_name) {
  const auto message = [](std::vector<Filter> filters) {
    return FilterTable::make(std::move(filters), nullptr).status().message();
  };
  const Filter good = mirrored(10, between("10.0.0.1", "10.0.0.2"), Action::kPermit).outbound;
  EXPECT_THAT(message({good, good}), testing::HasSubstr("used twice"));
  Filter no_id = good;
  no_id.id = 0;
  EXPECT_THAT(message({good, no_id}), testing::AllOf(testing::HasSubstr("filter 1"), testing::HasSubstr("id 0")));
  Filter mixed = good;
  mixed.selector.destination = AddressRange::any(AddressFamily::kIpv6);
  EXPECT_THAT(message({mixed}), testing::HasSubstr("families"));
  Filter tunnel = good;
  tunnel.tunnel_source = address("10.0.0.1");
  EXPECT_THAT(message({tunnel}), testing::HasSubstr("tunnel destination"));
  EXPECT_THAT(message(std::vector<Filter>(limits::kMaxFilters + 1, good)), testing::HasSubstr("at most"));
}

}  // namespace
}  // namespace ipsec::driver::tests
