#include "services/common/address.h"

#include <gtest/gtest.h>

namespace ipsec {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
AddressRange range(std::string_view text) { return *AddressRange::parse(text); }

TEST(IpAddress, text_forms) {
  EXPECT_EQ(ip("10.77.0.1").to_string(), "10.77.0.1");
  EXPECT_EQ(ip("10.77.0.1"), IpAddress::v4(0x0a4d0001));
  EXPECT_EQ(ip("FD77::1").to_string(), "fd77::1");
  EXPECT_EQ(ip("0:0:0:0:0:0:0:0").to_string(), "::");
  EXPECT_EQ(ip("::ffff:1.2.3.4").bits(), 128U);
}

TEST(IpAddress, other_texts_are_refused) {
  for (const char* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/24",
                          "0x1.2.3.4", "fe80::1%eth0", ":::", "1::2::3", "g::", "me"}) {
    const auto address = IpAddress::parse(bad);
    ASSERT_FALSE(address.ok()) << bad;
    EXPECT_FALSE(address.status().message().empty());
  }
}

TEST(IpAddress, from_bytes_takes_four_or_sixteen) {
  EXPECT_EQ(*IpAddress::try_from_bytes(Bytes{10, 0, 0, 1}), ip("10.0.0.1"));
  EXPECT_EQ(IpAddress::try_from_bytes(Bytes(16, 0)), IpAddress::any(AddressFamily::kIpv6));
  for (const std::size_t size : {0U, 3U, 5U, 15U, 17U}) EXPECT_FALSE(IpAddress::try_from_bytes(Bytes(size))) << size;
}

TEST(IpAddress, kinds) {
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
  EXPECT_TRUE(ip("224.0.0.0").is_multicast());
  EXPECT_TRUE(ip("239.255.255.255").is_multicast());
  EXPECT_FALSE(ip("223.255.255.255").is_multicast());
  EXPECT_FALSE(ip("240.0.0.0").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_FALSE(ip("fe80::1").is_multicast());
  EXPECT_TRUE(ip("127.0.0.53").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
}

TEST(IpAddress, prefix_ends) {
  EXPECT_EQ(ip("10.1.2.3").masked(8), ip("10.0.0.0"));
  EXPECT_EQ(ip("10.1.2.3").filled(8), ip("10.255.255.255"));
  EXPECT_EQ(ip("10.1.2.3").masked(0), ip("0.0.0.0"));
  EXPECT_EQ(ip("10.1.2.3").filled(0), ip("255.255.255.255"));
  EXPECT_EQ(ip("10.1.2.3").masked(32), ip("10.1.2.3"));
  EXPECT_EQ(ip("10.1.2.3").filled(31), ip("10.1.2.3"));
  EXPECT_EQ(ip("fd77::1").masked(9), ip("fd00::"));
  EXPECT_EQ(ip("fd77::").filled(112), ip("fd77::ffff"));
}

TEST(Subnet, text_forms) {
  EXPECT_EQ(Subnet::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(Subnet::parse("10.0.0.1")->prefix_length, 32U);
  EXPECT_TRUE(Subnet::parse("0.0.0.0/0")->contains(ip("255.1.2.3")));
  for (const char* bad :
       {"10.0.0.1/8", "10.0.0.0/33", "fd77::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "/8"}) {
    EXPECT_FALSE(Subnet::parse(bad).ok()) << bad;
  }
}

TEST(Subnet, does_not_contain_the_other_family) {
  EXPECT_FALSE(Subnet::parse("::/0")->contains(ip("10.0.0.1")));
  EXPECT_FALSE(Subnet::parse("0.0.0.0/0")->contains(ip("::")));
  EXPECT_TRUE(Subnet::around(ip("10.9.8.7"), 16).contains(ip("10.9.255.255")));
  EXPECT_FALSE(Subnet::around(ip("10.9.8.7"), 16).contains(ip("10.10.0.0")));
}

TEST(AddressRange, text_forms) {
  EXPECT_EQ(range("10.0.0.1").to_string(), "10.0.0.1");
  EXPECT_EQ(range("10.0.0.0-10.255.255.255").to_string(), "10.0.0.0/8");
  EXPECT_EQ(range("10.0.0.1-10.0.0.9").to_string(), "10.0.0.1-10.0.0.9");
  EXPECT_EQ(AddressRange::any(AddressFamily::kIpv6).to_string(), "any");
  for (const char* bad : {"10.0.0.9-10.0.0.1", "10.0.0.1-fd77::1", "10.0.0.1-", "-10.0.0.1", "any-any"}) {
    EXPECT_FALSE(AddressRange::parse(bad).ok()) << bad;
  }
}

TEST(AddressRange, containment_and_intersection) {
  EXPECT_TRUE(range("10.0.0.0/8").contains(range("10.1.0.0-10.2.0.0")));
  EXPECT_FALSE(range("10.0.0.0/8").contains(range("9.255.255.255-10.0.0.0")));
  EXPECT_TRUE(range("10.0.0.5").is_host());
  EXPECT_EQ(intersection(range("10.0.0.0/8"), range("10.0.0.9-11.0.0.0")), range("10.0.0.9-10.255.255.255"));
  EXPECT_EQ(intersection(range("10.0.0.1"), range("10.0.0.1")), range("10.0.0.1"));
  EXPECT_FALSE(intersection(range("10.0.0.0/9"), range("10.128.0.0/9")));
  EXPECT_FALSE(intersection(range("0.0.0.0/0"), range("::/0")));
}

TEST(AddressRange, as_subnet_only_where_it_is_one) {
  EXPECT_EQ(range("10.0.0.0-10.0.0.255").as_subnet(), *Subnet::parse("10.0.0.0/24"));
  EXPECT_EQ(range("10.0.0.7").as_subnet(), Subnet::host(ip("10.0.0.7")));
  EXPECT_EQ(AddressRange::any(AddressFamily::kIpv4).as_subnet(), *Subnet::parse("0.0.0.0/0"));
  EXPECT_FALSE(range("10.0.0.1-10.0.0.2").as_subnet());
  EXPECT_FALSE(range("10.0.0.0-10.0.0.2").as_subnet());
  EXPECT_EQ(range("fd77::-fd77::ffff").as_subnet(), *Subnet::parse("fd77::/112"));
}

TEST(Endpoint, text_form) {
  EXPECT_EQ((Endpoint{ip("10.0.0.1"), 500}.to_string()), "10.0.0.1:500");
  EXPECT_EQ((Endpoint{ip("fd77::1"), 4500}.to_string()), "[fd77::1]:4500");
}

}  // namespace
}  // namespace ipsec
