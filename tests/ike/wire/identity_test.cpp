#include "services/ike/wire/identity.h"

#include <gtest/gtest.h>

namespace ipsec::ike {
namespace {

AddressRange range(const char* text) { return *AddressRange::parse(text); }

struct Row {
  const char* range;
  IdentityType type;
  const char* data;
};

constexpr Row kRows[] = {
    {"10.0.0.1", IdentityType::kIpv4Address, "0a000001"},
    {"10.0.0.0/8", IdentityType::kIpv4Subnet, "0a000000ff000000"},
    {"10.0.0.4/30", IdentityType::kIpv4Subnet, "0a000004fffffffc"},
    {"10.0.0.1-10.0.0.9", IdentityType::kIpv4Range, "0a0000010a000009"},
    {"0.0.0.0/0", IdentityType::kIpv4Subnet, "0000000000000000"},
    {"fd77::1", IdentityType::kIpv6Address, "fd770000000000000000000000000001"},
    {"fd77::/61", IdentityType::kIpv6Subnet, "fd770000000000000000000000000000fffffffffffffff80000000000000000"},
    {"fd77::1-fd77::9", IdentityType::kIpv6Range, "fd770000000000000000000000000001fd770000000000000000000000000009"},
};

TEST(Identity, QM_09_ranges_take_the_narrowest_type_and_come_back) {
  for (const Row& row : kRows) {
    const IdentificationPayload identity = range_identity(range(row.range), 6, 445);
    EXPECT_EQ(identity.type, row.type) << row.range;
    EXPECT_EQ(to_hex(identity.data), row.data);
    EXPECT_EQ(identity.protocol, 6);
    EXPECT_EQ(identity.port, 445);
    const auto back = identity_range(identity);
    ASSERT_TRUE(back.ok()) << row.range;
    EXPECT_EQ(*back, range(row.range));
  }
}

TEST(Identity, MM_21_phase_1_names_the_host_without_protocol_and_port) {
  const IdentificationPayload identity = address_identity(*IpAddress::parse("10.77.0.1"));
  EXPECT_EQ(identity.type, IdentityType::kIpv4Address);
  EXPECT_EQ(identity.protocol, 0);
  EXPECT_EQ(identity.port, 0);
  EXPECT_EQ(to_string(identity), "10.77.0.1");
}

TEST(Identity, refuses_what_is_no_range) {
  const auto refused = [](IdentityType type, const char* data) {
    return !identity_range({type, 0, 0, *from_hex(data)}).ok();
  };
  EXPECT_TRUE(refused(IdentityType::kIpv4Address, "0a0000")) << "three octets";
  EXPECT_TRUE(refused(IdentityType::kIpv4Address, "0a00000001")) << "five octets";
  EXPECT_TRUE(refused(IdentityType::kIpv6Address, "0a000001")) << "the other family";
  EXPECT_TRUE(refused(IdentityType::kIpv4Subnet, "0a000000ff00ff00")) << "a mask with holes";
  EXPECT_TRUE(refused(IdentityType::kIpv4Subnet, "0a000000fd000000")) << "a hole inside an octet";
  EXPECT_TRUE(refused(IdentityType::kIpv4Range, "0a0000090a000001")) << "turned around";
  EXPECT_TRUE(refused(IdentityType::kFqdn, "0a000001")) << "a name";
  EXPECT_TRUE(refused(static_cast<IdentityType>(200), "0a000001")) << "an unknown type";
}

TEST(Identity, a_subnet_with_host_bits_means_the_subnet) {
  const auto found = identity_range({IdentityType::kIpv4Subnet, 0, 0, *from_hex("0a010203ffff0000")});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->to_string(), "10.1.0.0/16");
}

TEST(Identity, MM_32_names_are_shown_without_unprintable_octets) {
  EXPECT_EQ(to_string({IdentityType::kFqdn, 0, 0, Bytes{'a', '.', 'b', '\n', 0x1b, 0x80}}), "a.b???");
  EXPECT_EQ(to_string({IdentityType::kUserFqdn, 0, 0, Bytes{'u', '@', 'h'}}), "u@h");
  EXPECT_EQ(to_string({IdentityType::kKeyId, 0, 0, Bytes{1, 2}}), "id-type-11 0102");
}

}  // namespace
}  // namespace ipsec::ike
