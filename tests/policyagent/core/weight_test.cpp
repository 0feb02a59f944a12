#include "services/policyagent/core/weight.h"

#include <gtest/gtest.h>

#include "services/policyagent/core/filter_table.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

TEST(Weight, specificity_is_the_number_of_fixed_bits) {
  EXPECT_EQ(specificity(range("0.0.0.0/0")), 0U);
  EXPECT_EQ(specificity(range("10.0.0.0/8")), 8U);
  EXPECT_EQ(specificity(range("10.0.0.0/31")), 31U);
  EXPECT_EQ(specificity(range("10.0.0.1")), 32U);
  EXPECT_EQ(specificity(range("::/0")), 0U);
  EXPECT_EQ(specificity(range("::/64")), 64U);
  EXPECT_EQ(specificity(range("fd77::/63")), 63U);
  EXPECT_EQ(specificity(range("fd77::/65")), 65U);
  EXPECT_EQ(specificity(range("fd77::1")), 128U);
}

TEST(Weight, ranges_count_as_the_prefix_that_holds_as_many) {
  EXPECT_EQ(specificity(range("10.0.0.0-10.0.0.255")), 24U);
  EXPECT_EQ(specificity(range("10.0.0.1-10.0.0.2")), 31U);
  EXPECT_EQ(specificity(range("10.0.0.1-10.0.0.9")), 28U);
  EXPECT_EQ(specificity(range("10.0.0.255-10.0.1.0")), 31U);
  EXPECT_EQ(specificity(range("fd77::ffff:ffff:ffff:ffff-fd77:0:0:1::")), 127U);
}

TEST(Weight, order_of_the_fields) {
  const auto of = [](const char* source, const char* destination, std::uint8_t protocol, std::uint16_t port,
                     bool tunnel = false) {
    return weight(Selector{range(source), range(destination), protocol, {}, PortRange::from_number(port)}, tunnel);
  };
  const std::uint64_t falling[] = {
      of("10.0.0.1", "10.0.0.2", 0, 0),     of("10.0.0.1", "10.0.0.0/24", 6, 80, true),
      of("10.0.0.1", "10.0.0.0/24", 6, 80), of("10.0.0.1", "10.0.0.0/24", 6, 0, true),
      of("10.0.0.1", "10.0.0.0/24", 6, 0),  of("10.0.0.1", "10.0.0.0/24", 0, 0),
      of("10.0.0.1", "0.0.0.0/0", 6, 80),   of("10.0.0.0/16", "10.1.0.0/16", 6, 80),
      of("0.0.0.0/0", "0.0.0.0/0", 6, 80),  of("0.0.0.0/0", "0.0.0.0/0", 0, 0),
  };
  for (std::size_t i = 1; i < std::size(falling); ++i) EXPECT_GT(falling[i - 1], falling[i]) << i;
}

TEST(Weight, a_mirror_weighs_the_same) {
  const Selector selector{range("10.0.0.1"), range("10.2.0.0/16"), kProtocolTcp, {}, PortRange::single(80)};
  EXPECT_EQ(weight(selector, false), weight(selector.mirrored(), false));
}

// With ids of three bits every value but the first ones collides; all must differ all the same.
TEST(FilterTable, colliding_ids_are_told_apart) {
  store::Rule rule;
  rule.guid = {"rule"};
  store::Filter written;
  written.guid = {"filter"};
  FilterTable table(7);
  const auto add = [&](std::uint32_t host) {
    SpecificFilter made;
    made.selector.destination = AddressRange::host(IpAddress::v4(host));
    return table.add(made, {&rule, &written, 0, 0});
  };
  for (std::uint32_t host = 0; host < 7; ++host) EXPECT_EQ(add(host), host);
  for (std::uint32_t host = 0; host < 7; ++host) EXPECT_EQ(add(host), host) << "an equal filter is the same filter";
  std::set<std::uint64_t> ids;
  for (const auto& entry : table.take_sorted()) ids.insert(entry.filter.id);
  EXPECT_EQ(ids.size(), 7U);
  EXPECT_EQ(ids.count(0), 0U);
}

}  // namespace
}  // namespace ipsec::agent::tests
