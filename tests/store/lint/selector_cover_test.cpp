#include "store/lint/selector_cover.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace ipsec::store::lint {
namespace {

Selector selector(std::string_view source, std::string_view destination, std::uint8_t protocol = kProtocolAny,
                  PortRange destination_port = {}) {
  Selector made;
  made.source = AddressRange::parse(source).value();
  made.destination = AddressRange::parse(destination).value();
  made.protocol = protocol;
  made.destination_port = destination_port;
  return made;
}

bool covered(const Selector& one, const std::vector<Selector>& others) {
  std::vector<const Selector*> pointers;
  for (const Selector& other : others) pointers.push_back(&other);
  return is_covered(one, pointers);
}

TEST(SelectorCover, nothing_covers_nothing) { EXPECT_FALSE(covered(selector("10.0.0.1", "10.0.0.2"), {})); }

TEST(SelectorCover, one_that_holds_it_covers_it) {
  EXPECT_TRUE(covered(selector("10.0.0.1", "10.0.0.2", 6), {selector("10.0.0.1", "10.0.0.0/8")}));
  EXPECT_FALSE(covered(selector("10.0.0.1", "10.0.0.0/8"), {selector("10.0.0.1", "10.0.0.0/8", 6)}));
  EXPECT_FALSE(covered(selector("10.0.0.1", "10.0.0.2"), {selector("fd77::1", "fd77::2")}));
}

TEST(SelectorCover, parts_cover_it_together) {
  const Selector whole = selector("10.0.0.1", "10.0.0.0/8");
  const Selector low = selector("10.0.0.1", "10.0.0.0/9");
  const Selector high = selector("10.0.0.0/8", "10.128.0.0/9");
  EXPECT_TRUE(covered(whole, {low, high}));
  EXPECT_TRUE(covered(whole, {high, low}));
  EXPECT_FALSE(covered(whole, {low}));
  EXPECT_FALSE(covered(whole, {low, selector("10.0.0.1", "10.128.0.1-10.255.255.255")})) << "one address is left";
}

TEST(SelectorCover, the_ends_of_the_families_are_no_special_case) {
  EXPECT_TRUE(covered(selector("0.0.0.0/0", "10.0.0.1"),
                      {selector("0.0.0.0-127.255.255.255", "10.0.0.1"), selector("128.0.0.0/1", "10.0.0.1")}));
  EXPECT_TRUE(covered(selector("::/0", "fd77::1"), {selector("::/1", "fd77::1"), selector("8000::/1", "fd77::1")}));
  EXPECT_FALSE(
      covered(selector("::/0", "fd77::1"),
              {selector("::/1", "fd77::1"), selector("8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "fd77::1")}));
}

TEST(SelectorCover, protocols_and_ports_are_sides_too) {
  const Selector tcp = selector("10.0.0.1", "10.0.0.2", kProtocolTcp);
  const Selector low = selector("10.0.0.1", "10.0.0.2", kProtocolTcp, {0, 1023});
  const Selector high = selector("10.0.0.1", "10.0.0.2", kProtocolTcp, {1024, 65535});
  EXPECT_TRUE(covered(tcp, {low, high}));
  EXPECT_FALSE(covered(tcp, {low, selector("10.0.0.1", "10.0.0.2", kProtocolTcp, {1025, 65535})}));
  EXPECT_FALSE(covered(selector("10.0.0.1", "10.0.0.2"), {tcp}));
}

// Against a count over a small space: 8 addresses on each side, two protocols, no ports.
TEST(SelectorCover, agrees_with_counting) {
  const std::uint64_t seed = 20261120;
  ipsec::tests::SeededRandom random(seed);
  const auto random_range = [&] {
    const auto a = static_cast<std::uint32_t>(random.below(8));
    const auto b = static_cast<std::uint32_t>(random.below(8));
    return AddressRange{IpAddress::v4(std::min(a, b)), IpAddress::v4(std::max(a, b))};
  };
  const auto random_selector = [&] {
    Selector made;
    made.source = random_range();
    made.destination = random_range();
    made.protocol = static_cast<std::uint8_t>(random.below(3) == 0 ? 0 : 5 + random.below(2));
    return made;
  };
  int covered_ones = 0;
  for (int round = 0; round < 2000; ++round) {
    const Selector one = random_selector();
    std::vector<Selector> others(1 + random.below(6));
    for (Selector& other : others) other = random_selector();
    bool expected = true;
    for (std::uint32_t source = 0; source < 8; ++source) {
      for (std::uint32_t destination = 0; destination < 8; ++destination) {
        for (std::uint8_t protocol = 5; protocol <= 7; ++protocol) {
          const FiveTuple packet{IpAddress::v4(source), IpAddress::v4(destination), protocol, 0, 0};
          const bool is_one = one.matches(packet);
          const bool is_other =
              std::any_of(others.begin(), others.end(), [&](const auto& s) { return s.matches(packet); });
          expected = expected && (!is_one || is_other);
        }
      }
    }
    EXPECT_EQ(covered(one, others), expected) << "seed " << seed << " round " << round;
    covered_ones += expected ? 1 : 0;
  }
  EXPECT_GT(covered_ones, 100) << "the test has to meet both answers";
}

}  // namespace
}  // namespace ipsec::store::lint
