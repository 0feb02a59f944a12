#include "services/policyagent/core/exemptions.h"

#include <map>

#include <gtest/gtest.h>

namespace ipsec::agent::tests {
namespace {

std::map<std::string_view, int> count(std::uint32_t value, store::Profile profile) {
  std::map<std::string_view, int> by_name;
  for (const ExemptionFilter& filter : exemption_filters(value, profile)) ++by_name[filter.name];
  return by_name;
}

using Counts = std::map<std::string_view, int>;

TEST(Exemptions, EX_09_the_19_equivalent_filters_at_value_0) {
  EXPECT_EQ(exemption_filters(0, store::Profile::kWindows2003).size(), 19U);
  EXPECT_EQ(count(0, store::Profile::kWindows2003), (Counts{{"Kerberos", 8},
                                                            {"ISAKMP", 2},
                                                            {"ISAKMP behind NAT", 2},
                                                            {"RSVP", 2},
                                                            {"Multicast", 2},
                                                            {"Broadcast", 2},
                                                            {"IPv6", 1}}));
}

TEST(Exemptions, EX_01_EX_02_EX_03_EX_04_each_value_has_its_own) {
  const Counts always{{"ISAKMP", 2}, {"ISAKMP behind NAT", 2}, {"IPv6", 1}};
  Counts groups = always;
  groups.insert({{"Multicast", 2}, {"Broadcast", 2}});
  Counts services = always;
  services.insert({{"Kerberos", 8}, {"RSVP", 2}});
  EXPECT_EQ(count(1, store::Profile::kWindows2003), groups);
  EXPECT_EQ(count(2, store::Profile::kWindows2003), services);
  EXPECT_EQ(count(3, store::Profile::kWindows2003), always);
}

TEST(Exemptions, EX_12_ipv6_as_a_whole_in_the_compatible_profile_only) {
  EXPECT_EQ(count(3, store::Profile::kModern),
            (Counts{{"ISAKMP", 2}, {"ISAKMP behind NAT", 2}, {"Neighbour discovery", 2}}));
}

TEST(Exemptions, kerberos_is_port_88_on_either_side_in_either_direction) {
  int of_source = 0;
  for (const ExemptionFilter& filter : exemption_filters(0, store::Profile::kModern)) {
    if (filter.name != "Kerberos") continue;
    EXPECT_EQ(filter.source_port + filter.destination_port, 88);
    of_source += filter.source_port == 88 ? 1 : 0;
    EXPECT_TRUE(filter.direction);
  }
  EXPECT_EQ(of_source, 4);
}

}  // namespace
}  // namespace ipsec::agent::tests
