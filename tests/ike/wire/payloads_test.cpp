#include "services/ike/wire/payloads.h"

#include <gtest/gtest.h>

#include "services/ike/wire/limits.h"

namespace ipsec::ike {
namespace {

void expect_round_trip(const PayloadContent& content, const std::string& octets) {
  const Bytes body = body_octets(content);
  EXPECT_EQ(to_hex(body), octets);
  const auto parsed = parse_body(type_of(content), body);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(*parsed, content);
}

TEST(Payloads, each_has_the_layout_of_rfc_2408) {
  expect_round_trip(KeyExchangePayload{{1, 2, 3}}, "010203");
  expect_round_trip(IdentificationPayload{IdentityType::kIpv4Address, 17, 500, {10, 0, 0, 1}}, "011101f40a000001");
  expect_round_trip(HashPayload{{4, 5}}, "0405");
  expect_round_trip(NoncePayload{Bytes(8, 6)}, "0606060606060606");
  expect_round_trip(NotifyPayload{1, 3, NotifyType::kNoProposalChosen, {1, 2, 3, 4}, {9}},
                    "000000010304000e0102030409");
  expect_round_trip(DeletePayload{1, 3, {{1, 2, 3, 4}, {5, 6, 7, 8}}}, "00000001030400020102030405060708");
  expect_round_trip(VendorIdPayload{{0xaa}}, "aa");
  expect_round_trip(OpaquePayload{static_cast<PayloadType>(200), {7}}, "07");
}

TEST(Payloads, nonces_have_8_to_256_octets) {
  EXPECT_FALSE(parse_body(PayloadType::kNonce, Bytes(7)).ok());
  EXPECT_TRUE(parse_body(PayloadType::kNonce, Bytes(8)).ok());
  EXPECT_TRUE(parse_body(PayloadType::kNonce, Bytes(256)).ok());
  EXPECT_FALSE(parse_body(PayloadType::kNonce, Bytes(257)).ok());
}

TEST(Payloads, a_delete_holds_exactly_its_spis) {
  const auto parses = [](const char* hex) { return parse_body(PayloadType::kDelete, *from_hex(hex)).ok(); };
  EXPECT_TRUE(parses("000000010304000101020304"));
  EXPECT_FALSE(parses("0000000103040001010203")) << "cut";
  EXPECT_FALSE(parses("00000001030400010102030405")) << "one octet more";
  EXPECT_FALSE(parses("0000000103040000")) << "none";
  EXPECT_FALSE(parses("0000000103000001")) << "SPIs of no size";
  EXPECT_FALSE(parses("000000010304ffff01020304")) << "many more than there are";
}

TEST(Payloads, a_notify_whose_spi_is_longer_than_it_is_refused) {
  EXPECT_FALSE(parse_body(PayloadType::kNotify, *from_hex("000000010305000e01020304")).ok());
  EXPECT_FALSE(parse_body(PayloadType::kNotify, *from_hex("00000001030400")).ok());
}

TEST(Payloads, a_cut_identity_is_refused) {
  EXPECT_FALSE(parse_body(PayloadType::kIdentification, *from_hex("011101")).ok());
}

}  // namespace
}  // namespace ipsec::ike
