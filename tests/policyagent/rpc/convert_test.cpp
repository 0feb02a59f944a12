#include "services/common/rpc/convert.h"

#include <gtest/gtest.h>

namespace ipsec::rpc {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
AddressRange range(std::string_view text) { return AddressRange::parse(text).value(); }

proto::Address octets(std::size_t count) {
  proto::Address message;
  message.set_octets(std::string(count, '\x01'));
  return message;
}

TEST(ConvertAddress, round_trip) {
  for (const char* text : {"0.0.0.0", "10.77.0.1", "::", "fd77::1", "255.255.255.255"}) {
    EXPECT_EQ(from_proto(to_proto(address(text)), "a").value(), address(text));
  }
}

TEST(ConvertAddress, other_lengths_are_refused_by_name) {
  for (const std::size_t count : {0U, 1U, 3U, 5U, 15U, 17U, 1000U}) {
    const auto result = from_proto(octets(count), "filters[3].tunnel");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), ErrorCode::kInvalid);
    EXPECT_EQ(result.status().message(),
              fmt::format("filters[3].tunnel: an address has 4 or 16 octets, found {}", count));
  }
}

TEST(ConvertRange, order_and_family_are_checked) {
  proto::AddressRange message = to_proto(range("10.0.0.1-10.0.0.9"));
  EXPECT_EQ(from_proto(message, "r").value(), range("10.0.0.1-10.0.0.9"));
  std::swap(*message.mutable_first(), *message.mutable_last());
  EXPECT_EQ(from_proto(message, "r").status().message(), "r: the low end comes first, found 10.0.0.9 and 10.0.0.1");
  *message.mutable_last() = to_proto(address("fd77::1"));
  EXPECT_EQ(from_proto(message, "r").status().message(),
            "r: both ends must be of one family, found 10.0.0.9 and fd77::1");
  message.clear_first();
  EXPECT_EQ(from_proto(message, "r").status().message(), "r.first: an address has 4 or 16 octets, found 0");
}

TEST(ConvertSelector, round_trip_keeps_everything) {
  const Selector full{range("10.0.0.0/8"), range("10.0.0.2"), kProtocolTcp, PortRange{1024, 65535},
                      PortRange::single(445)};
  EXPECT_EQ(from_proto(to_proto(full), "s").value(), full);
  const Selector wide{AddressRange::any(AddressFamily::kIpv6), AddressRange::any(AddressFamily::kIpv6), 0, {}, {}};
  EXPECT_EQ(from_proto(to_proto(wide), "s").value(), wide);
}

TEST(ConvertSelector, mixed_families_ports_without_tcp_and_large_numbers_are_refused) {
  const Selector good{range("10.0.0.1"), range("10.0.0.2"), kProtocolTcp, {}, PortRange::single(445)};
  proto::Selector message = to_proto(good);
  message.set_protocol(kProtocolIcmp);
  EXPECT_EQ(from_proto(message, "s").status().message(), "s: ports need protocol TCP (6) or UDP (17), found ICMP");
  message.set_protocol(256);
  EXPECT_EQ(from_proto(message, "s").status().message(), "s.protocol: 0 to 255, found 256");
  message.set_protocol(kProtocolTcp);
  message.mutable_destination_port()->set_last(65536);
  EXPECT_EQ(from_proto(message, "s").status().message(), "s.destination_port.last: 0 to 65535, found 65536");
  message.mutable_destination_port()->set_last(444);
  EXPECT_EQ(from_proto(message, "s").status().message(),
            "s.destination_port: the low end comes first, found 445 and 444");
  message = to_proto(good);
  *message.mutable_destination() = to_proto(range("fd77::/64"));
  EXPECT_EQ(from_proto(message, "s").status().message(),
            "s: source 10.0.0.1 and destination fd77::/64 must be of one family");
}

TEST(ConvertFiveTuple, round_trip_and_families) {
  const FiveTuple tuple{address("fd77::1"), address("fd77::2"), kProtocolUdp, 40000, 53};
  proto::FiveTuple message = to_proto(tuple);
  EXPECT_EQ(from_proto(message, "t").value(), tuple);
  *message.mutable_source() = to_proto(address("10.0.0.1"));
  EXPECT_FALSE(from_proto(message, "t").ok());
}

TEST(ConvertEndpoint, round_trip_and_port_range) {
  const Endpoint endpoint{address("10.77.0.2"), 4500};
  proto::Endpoint message = to_proto(endpoint);
  EXPECT_EQ(from_proto(message, "e").value(), endpoint);
  message.set_port(70000);
  EXPECT_EQ(from_proto(message, "e").status().message(), "e.port: 0 to 65535, found 70000");
}

TEST(ConvertAlgorithms, every_value_round_trips_and_others_are_refused) {
  for (const CipherInfo& cipher : all_ciphers()) {
    EXPECT_EQ(from_proto(to_proto(cipher.id), "c").value(), cipher.id) << cipher.name;
  }
  for (const IntegrityInfo& integrity : all_integrities()) {
    EXPECT_EQ(from_proto(to_proto(integrity.id), "i").value(), integrity.id) << integrity.name;
  }
  for (const DhGroupInfo& group : all_dh_groups()) {
    EXPECT_EQ(dh_group_from_proto(to_proto(group.id), "g").value(), group.id) << group.name;
  }
  EXPECT_FALSE(from_proto(proto::CIPHER_UNSPECIFIED, "c").ok());
  EXPECT_FALSE(from_proto(static_cast<proto::Cipher>(99), "c").ok());
  EXPECT_FALSE(from_proto(static_cast<proto::Integrity>(-1), "i").ok());
  EXPECT_FALSE(dh_group_from_proto(3, "g").ok());
  EXPECT_FALSE(dh_group_from_proto(65550, "g").ok());
}

TEST(ConvertAlgorithms, names_and_numbers_of_the_contract_agree) {
  EXPECT_EQ(to_proto(Cipher::kTripleDes), proto::CIPHER_TRIPLE_DES);
  EXPECT_EQ(to_proto(Cipher::kAes128Gcm), proto::CIPHER_AES128_GCM);
  EXPECT_EQ(to_proto(Integrity::kNone), proto::INTEGRITY_NONE);
  EXPECT_EQ(to_proto(Integrity::kSha256), proto::INTEGRITY_SHA256);
}

}  // namespace
}  // namespace ipsec::rpc
