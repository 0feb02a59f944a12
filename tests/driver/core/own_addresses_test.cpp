// Addresses that the host has and the policy does not list yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/fragment.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kNew = "10.77.0.101";

class OwnAddressesTest : public testing::Test {
 protected:
  // Everything between this host's listed address and the network.
  void secure_me(const std::vector<std::string_view>& listed = {}) {
    host.list_addresses(listed);
    const FilterPair pair = mirrored(100, between("10.77.0.1", "10.77.0.0/24"), Action::kNegotiate);
    host.set_filters({pair.outbound, pair.inbound});
  }
  static Bytes ping(std::string_view from, std::string_view to) { return icmp_echo({address(from), address(to)}, 56); }

  TestHost host{"10.77.0.1"};
};

TEST_F(OwnAddressesTest, IM_02_a_new_address_sends_nothing_before_the_policy_lists_it) {
  secure_me();
  host.addresses().add(kNew);
  const auto sent = host.send(ping(kNew, "10.77.0.2"));
  EXPECT_THAT(sent.to_wire, IsEmpty());
  EXPECT_EQ(host.count(Verdict::kOutboundUnlistedAddress), 1U);
  EXPECT_THAT(events_of<AuditEvent>(sent.events), SizeIs(1));
  secure_me({kNew});
  EXPECT_THAT(host.send(ping(kNew, "10.77.0.2")).to_wire, SizeIs(1)) << "now its filters decide: there is none";
  EXPECT_EQ(host.count(Verdict::kOutboundNoFilter), 1U);
}

TEST_F(OwnAddressesTest, IM_02_nor_receives_it_anything) {
  secure_me();
  host.addresses().add(kNew);
  EXPECT_THAT(host.receive(ping("10.77.0.2", kNew)).to_host, IsEmpty());
  EXPECT_EQ(host.count(Verdict::kInboundUnlistedAddress), 1U);
  secure_me({kNew});
  EXPECT_THAT(host.receive(ping("10.77.0.2", kNew)).to_host, SizeIs(1));
}

TEST_F(OwnAddressesTest, forwarded_packets_are_left_to_the_filters) {
  secure_me();
  EXPECT_THAT(host.send(ping("10.1.0.7", "10.2.0.7")).to_wire, SizeIs(1));
  EXPECT_THAT(host.receive(ping("10.2.0.7", "10.1.0.7")).to_host, SizeIs(1));
  EXPECT_EQ(host.count(Verdict::kOutboundNoFilter), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundNoFilter), 1U);
}

TEST_F(OwnAddressesTest, a_host_without_address_may_ask_for_one) {
  secure_me();
  const Bytes discover = udp_packet({address("0.0.0.0"), address("255.255.255.255")}, 68, 67, pattern(300));
  EXPECT_THAT(host.send(discover).to_wire, SizeIs(1));
}

TEST_F(OwnAddressesTest, isakmp_of_a_new_address_passes) {
  secure_me();
  host.addresses().add(kNew);
  EXPECT_THAT(host.send(udp_packet({address(kNew), address("10.77.0.2")}, 500, 500, pattern(28))).to_wire, SizeIs(1));
}

TEST_F(OwnAddressesTest, fragments_are_no_way_around) {
  secure_me();
  host.addresses().add(kNew);
  IpFields outbound{address(kNew), address("10.77.0.2")};
  outbound.dont_fragment = false;
  const Bytes big = udp_packet(outbound, 1, 2, pattern(3000));
  Arena arena;
  std::vector<MutableByteView> pieces;
  Bytes cut = big;
  ASSERT_TRUE(fragment(*parse_ip(cut), 1500, 9, arena, pieces));
  for (const MutableByteView& piece : pieces) {
    EXPECT_THAT(host.send(Bytes(piece.begin(), piece.end())).to_wire, IsEmpty());
  }
  EXPECT_EQ(host.count(Verdict::kOutboundUnlistedAddress), pieces.size());
}

TEST_F(OwnAddressesTest, a_policy_that_does_not_claim_to_list_all_addresses_holds_nothing_back) {
  const FilterPair pair = mirrored(100, between("10.77.0.1", "10.77.0.0/24"), Action::kNegotiate);
  host.set_filters({pair.outbound, pair.inbound});
  host.addresses().add(kNew);
  EXPECT_THAT(host.send(ping(kNew, "10.77.0.2")).to_wire, SizeIs(1));
}

}  // namespace
}  // namespace ipsec::driver::tests
