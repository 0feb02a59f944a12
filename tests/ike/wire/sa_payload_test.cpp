#include "services/ike/wire/sa_payload.h"

#include <gtest/gtest.h>

#include "services/ike/wire/limits.h"
#include "tests/support/seeded_random.h"

namespace ipsec::ike {
namespace {

// RFC 2409: 3DES, SHA-1, group 2, PSK, 28800 s; as in the worked exchanges.
constexpr const char* kExample =
    "00000001000000010000002c01010001000000240101000080010005800200028004000280030001800b0001000c000400007080";

Bytes example() { return *from_hex(kExample); }

TEST(SaPayload, reads_a_known_offer) {
  const auto sa = parse_sa(example());
  ASSERT_TRUE(sa.ok()) << sa.status().message();
  ASSERT_EQ(sa->proposals.size(), 1U);
  const Proposal& proposal = sa->proposals.front();
  EXPECT_EQ(proposal.protocol, 1);
  ASSERT_EQ(proposal.transforms.size(), 1U);
  const auto& attributes = proposal.transforms.front().attributes;
  ASSERT_EQ(attributes.size(), 6U);
  EXPECT_EQ(attributes[0].as_number(), 5U);
  EXPECT_FALSE(attributes[5].short_form);
  EXPECT_EQ(attributes[5].as_number(), 28800U);
}

TEST(SaPayload, writes_the_same_octets) {
  ByteWriter out;
  write_sa_body(out, *parse_sa(example()));
  EXPECT_EQ(to_hex(out.view()), kExample);
}

TEST(SaPayload, every_cut_is_refused) {
  const Bytes octets = example();
  for (std::size_t size = 0; size < octets.size(); ++size)
    EXPECT_FALSE(parse_sa(ByteView(octets).first(size)).ok()) << size;
}

TEST(SaPayload, one_octet_more_is_refused) {
  Bytes octets = example();
  octets.push_back(0);
  EXPECT_FALSE(parse_sa(octets).ok());
}

TEST(SaPayload, other_dois_and_situations_are_refused) {
  Bytes octets = example();
  octets[3] = 2;
  EXPECT_FALSE(parse_sa(octets).ok());
  octets = example();
  octets[7] = 2;
  EXPECT_FALSE(parse_sa(octets).ok());
}

TEST(SaPayload, the_number_of_transforms_must_be_right) {
  for (const int count : {0, 2, 255}) {
    Bytes octets = example();
    octets[15] = static_cast<std::uint8_t>(count);
    EXPECT_FALSE(parse_sa(octets).ok()) << count;
  }
}

TEST(SaPayload, nested_next_payloads_name_only_their_own_kind) {
  Bytes octets = example();
  octets[8] = 3;  // a proposal followed by a transform
  EXPECT_FALSE(parse_sa(octets).ok());
  octets = example();
  octets[16] = 2;  // a transform followed by a proposal
  EXPECT_FALSE(parse_sa(octets).ok());
}

TEST(SaPayload, attributes_take_both_forms) {
  EXPECT_EQ(Attribute::variable_number(2, 65535).value.size(), 2U);
  EXPECT_TRUE(Attribute::variable_number(2, 65535).short_form);
  EXPECT_EQ(Attribute::variable_number(2, 65536).value.size(), 4U);
  EXPECT_FALSE(Attribute::variable_number(2, 65536).short_form);
  EXPECT_EQ(Attribute::variable_number(2, 65536).as_number(), 65536U);
  EXPECT_FALSE((Attribute{2, false, Bytes(9)}).as_number().has_value()) << "longer than a number can be";
  EXPECT_FALSE((Attribute{2, false, {}}).as_number().has_value());
}

TEST(SaPayload, attribute_lists_are_bounded) {
  Bytes octets;
  for (std::size_t i = 0; i < kMaxAttributes; ++i) octets.insert(octets.end(), {0x80, 1, 0, 1});
  EXPECT_TRUE(parse_attributes(octets).ok());
  octets.insert(octets.end(), {0x80, 1, 0, 1});
  EXPECT_FALSE(parse_attributes(octets).ok());
}

TEST(SaPayload, whatever_parses_is_written_back_to_the_same_octets) {
  ipsec::tests::SeededRandom random(5);
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes octets = example();
    // Attribute values and reserved-free fields only, so that many stay well formed.
    octets[24 + random.below(octets.size() - 24)] = static_cast<std::uint8_t>(random.next());
    const auto sa = parse_sa(octets);
    if (!sa.ok()) continue;
    ++parsed;
    ByteWriter out;
    write_sa_body(out, *sa);
    ASSERT_EQ(to_hex(out.view()), to_hex(octets));
  }
  EXPECT_GT(parsed, 5000);
}

}  // namespace
}  // namespace ipsec::ike
