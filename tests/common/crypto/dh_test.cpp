#include "services/common/crypto/dh.h"

#include <gtest/gtest.h>

#include "tests/support/published_data.h"
#include "tests/support/seeded_random.h"

namespace ipsec {
namespace {

using tests::hex_field;

std::unique_ptr<DhKeyPair> pair_of(DhGroup group, const Bytes& private_value) {
  auto pair = dh_key_pair_of(group, SecretBytes(private_value));
  EXPECT_TRUE(pair.ok()) << pair.status().message();
  return *std::move(pair);
}

std::string secret_hex(const DhKeyPair& pair, const Bytes& peer) {
  const auto secret = pair.shared_secret(peer);
  return secret.ok() ? to_hex(secret->view()) : "refused: " + secret.status().message();
}

TEST(Dh, every_group_agrees_and_has_its_sizes) {
  tests::SeededRandom random(1);
  for (const DhGroupInfo& row : all_dh_groups().subspan(1)) {
    const auto ours = make_dh_key_pair(row.id, random);
    const auto theirs = make_dh_key_pair(row.id, random);
    EXPECT_EQ(ours->group(), row.id);
    ASSERT_EQ(ours->public_value().size(), row.public_size) << row.name;
    EXPECT_NE(to_hex(ours->public_value()), to_hex(theirs->public_value())) << row.name;
    const auto secret = ours->shared_secret(theirs->public_value());
    const auto same = theirs->shared_secret(ours->public_value());
    ASSERT_TRUE(secret.ok() && same.ok()) << row.name;
    EXPECT_EQ(secret->size(), row.shared_size) << row.name;
    EXPECT_TRUE(constant_time_equal(secret->view(), same->view())) << row.name;
  }
}

TEST(Dh, same_randomness_makes_the_same_pair) {
  for (const DhGroupInfo& row : all_dh_groups().subspan(1)) {
    tests::SeededRandom first(7), second(7);
    EXPECT_EQ(to_hex(make_dh_key_pair(row.id, first)->public_value()),
              to_hex(make_dh_key_pair(row.id, second)->public_value()))
        << row.name;
  }
}

TEST(Dh, wrong_length_is_refused) {
  tests::SeededRandom random(2);
  for (const DhGroupInfo& row : all_dh_groups().subspan(1)) {
    if (row.public_size > 256) continue;
    const auto pair = make_dh_key_pair(row.id, random);
    const Bytes good(pair->public_value().begin(), pair->public_value().end());
    EXPECT_TRUE(pair->shared_secret(good).ok()) << row.name;
    Bytes longer = good;
    longer.insert(longer.begin(), 0);
    for (const ByteView bad : {ByteView(), ByteView(good).first(good.size() - 1), ByteView(longer)}) {
      const auto secret = pair->shared_secret(bad);
      ASSERT_FALSE(secret.ok()) << row.name;
      EXPECT_NE(secret.status().message().find(row.name), std::string::npos);
    }
  }
}

TEST(Dh, private_value_out_of_range_is_refused) {
  EXPECT_FALSE(dh_key_pair_of(DhGroup::kModp2048, SecretBytes(40)).ok());
  EXPECT_FALSE(dh_key_pair_of(DhGroup::kEcp256, SecretBytes(32)).ok());
  EXPECT_FALSE(dh_key_pair_of(DhGroup::kEcp256, SecretBytes(Bytes(32, 0xff))).ok());
  EXPECT_FALSE(dh_key_pair_of(DhGroup::kCurve25519, SecretBytes(31)).ok());
}

TEST(Modp, published_exchanges) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/ke-modp.json");
  int used = 0;
  for (const auto& vector : file.at("cases")) {
    const auto group = dh_group_by_number(vector.at("group").get<std::uint16_t>());
    if (!group) continue;  // groups 22-24 are not supported
    ++used;
    const auto initiator = pair_of(*group, hex_field(vector, "priv_i"));
    const auto responder = pair_of(*group, hex_field(vector, "priv_r"));
    EXPECT_EQ(to_hex(initiator->public_value()), vector.at("pub_i"));
    EXPECT_EQ(to_hex(responder->public_value()), vector.at("pub_r"));
    EXPECT_EQ(secret_hex(*initiator, hex_field(vector, "pub_r")), vector.at("shared"));
    EXPECT_EQ(secret_hex(*responder, hex_field(vector, "pub_i")), vector.at("shared"));
  }
  EXPECT_EQ(used, 8);
}

TEST(Modp, values_that_give_the_secret_away_are_refused) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/dh-groups.json");
  tests::SeededRandom random(3);
  int used = 0;
  for (const auto& row : file.at("groups")) {
    const auto group = dh_group_by_number(row.at("group").get<std::uint16_t>());
    if (row.at("kind") != "MODP" || !group) continue;
    ++used;
    const auto pair = make_dh_key_pair(*group, random);
    const Bytes prime = hex_field(row, "prime");
    Bytes zero(prime.size(), 0), one = zero, two = zero;
    one.back() = 1;
    two.back() = 2;
    Bytes minus_one = prime, minus_two = prime;
    minus_one.back() = static_cast<std::uint8_t>(prime.back() - 1);
    minus_two.back() = static_cast<std::uint8_t>(prime.back() - 2);
    ASSERT_EQ(prime.back(), 0xff);
    for (const Bytes& bad : {zero, one, minus_one, prime, Bytes(prime.size(), 0xff)}) {
      EXPECT_FALSE(pair->shared_secret(bad).ok()) << row.at("group");
    }
    for (const Bytes& good : {two, minus_two}) EXPECT_TRUE(pair->shared_secret(good).ok()) << row.at("group");
  }
  EXPECT_EQ(used, 8);
}

TEST(Ecp, rfc_5903_and_5114) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/ke-ecp-rfc5903-5114.json");
  int used = 0;
  for (const auto& vector : file.at("cases")) {
    const auto group = dh_group_by_number(vector.at("group").get<std::uint16_t>());
    if (!group) continue;  // 25 and 26: 192 and 224 bits
    ++used;
    const auto initiator = pair_of(*group, hex_field(vector, "priv_i"));
    const auto responder = pair_of(*group, hex_field(vector, "priv_r"));
    EXPECT_EQ(to_hex(initiator->public_value()), vector.at("ke_i"));
    EXPECT_EQ(to_hex(responder->public_value()), vector.at("ke_r"));
    EXPECT_EQ(secret_hex(*initiator, hex_field(vector, "ke_r")), vector.at("shared_secret"));
    EXPECT_EQ(secret_hex(*responder, hex_field(vector, "ke_i")), vector.at("shared_secret"));
  }
  EXPECT_EQ(used, 6);
}

TEST(Ecp, wycheproof) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/ecdh-wycheproof-subset.json");
  for (const auto& vector : file.at("cases")) {
    const auto group = *dh_group_by_number(vector.at("group").get<std::uint16_t>());
    const auto pair = pair_of(group, hex_field(vector, "private"));
    const auto secret = pair->shared_secret(hex_field(vector, "ke_payload"));
    ASSERT_EQ(secret.ok(), vector.at("result") == "valid") << vector.dump();
    if (secret.ok()) {
      EXPECT_EQ(to_hex(secret->view()), vector.at("shared")) << vector.dump();
    }
  }
}

// p + x of a good point of P-256 would be reduced to the same point by a library that does not look.
TEST(Ecp, coordinate_above_the_prime_is_refused) {
  tests::SeededRandom random(4);
  const auto pair = make_dh_key_pair(DhGroup::kEcp521, random);
  Bytes peer(pair->public_value().begin(), pair->public_value().end());
  // P-521's prime is 2^521 - 1: adding it to x adds 2^521 and takes one away.
  ASSERT_NE(peer[65], 0);
  peer[65] = static_cast<std::uint8_t>(peer[65] - 1);
  peer[0] = static_cast<std::uint8_t>(peer[0] + 2);
  EXPECT_FALSE(pair->shared_secret(peer).ok());
}

TEST(Curve25519, rfc_7748_and_8031) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/x25519-rfc7748-8031.json");
  for (const auto& vector : file.at("cases")) {
    if (vector.contains("scalar")) {
      const auto pair = pair_of(DhGroup::kCurve25519, hex_field(vector, "scalar"));
      EXPECT_EQ(secret_hex(*pair, hex_field(vector, "u")), vector.at("out"));
    } else if (vector.contains("priv_i")) {
      const auto initiator = pair_of(DhGroup::kCurve25519, hex_field(vector, "priv_i"));
      const auto responder = pair_of(DhGroup::kCurve25519, hex_field(vector, "priv_r"));
      EXPECT_EQ(to_hex(initiator->public_value()), vector.at("pub_i"));
      EXPECT_EQ(to_hex(responder->public_value()), vector.at("pub_r"));
      EXPECT_EQ(secret_hex(*initiator, hex_field(vector, "pub_r")), vector.at("shared"));
      EXPECT_EQ(secret_hex(*responder, hex_field(vector, "pub_i")), vector.at("shared"));
    } else {
      Bytes scalar(32, 0), u(32, 0);
      scalar[0] = u[0] = 9;
      for (int i = 0; i < vector.at("iterations").get<int>(); ++i) {
        const SecretBytes out = *pair_of(DhGroup::kCurve25519, scalar)->shared_secret(u);
        u = scalar;
        scalar.assign(out.view().begin(), out.view().end());
      }
      EXPECT_EQ(to_hex(scalar), vector.at("out"));
    }
  }
}

TEST(Curve25519, wycheproof) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/x25519-wycheproof-subset.json");
  for (const auto& vector : file.at("cases")) {
    const auto pair = pair_of(DhGroup::kCurve25519, hex_field(vector, "private"));
    const auto secret = pair->shared_secret(hex_field(vector, "public"));
    ASSERT_EQ(!secret.ok(), vector.at("ike_must_reject").get<bool>()) << vector.dump();
    if (secret.ok()) {
      EXPECT_EQ(to_hex(secret->view()), vector.at("shared")) << vector.dump();
    }
  }
}

}  // namespace
}  // namespace ipsec
