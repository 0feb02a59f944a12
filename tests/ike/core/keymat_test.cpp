#include "services/ike/core/keymat.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/ike/core/worked_exchange.h"
#include "tests/support/published_data.h"

namespace ipsec::ike::tests {
namespace {

using ipsec::tests::hex_field;

std::string hex(const SecretBytes& secret) { return to_hex(secret.view()); }

Integrity hash_of_cavs(std::string name) {
  std::erase(name, '-');
  return hash_named(name);
}

TEST(Keymat, PSK_06_nist_cavs_key_families) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-kdf-cavs-psk.json");
  ASSERT_EQ(data.at("cases").size(), 63U);
  for (const auto& one : data.at("cases")) {
    const Integrity hash = hash_of_cavs(one.at("hash"));
    const KeyFamily keys = derive_key_family(
        hash, skeyid_preshared_key(hash, hex_field(one, "psk"), hex_field(one, "Ni"), hex_field(one, "Nr")),
        hex_field(one, "g_xy"), cookie_of(one, "CKY_I"), cookie_of(one, "CKY_R"));
    EXPECT_EQ(hex(keys.skeyid), one.at("SKEYID"));
    EXPECT_EQ(hex(keys.skeyid_d), one.at("SKEYID_d"));
    EXPECT_EQ(hex(keys.skeyid_a), one.at("SKEYID_a"));
    EXPECT_EQ(hex(keys.skeyid_e), one.at("SKEYID_e"));
  }
}

TEST(Keymat, QM_11_published_expansions) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-key-expansion.json");
  for (const auto& one : data.at("cases")) {
    const Integrity hash = hash_named(one.at("hash"));
    const std::size_t length = one.at("length");
    const Bytes key = hex_field(one, "key");
    const bool keymat = one.at("seed").is_string();
    const SecretBytes output =
        keymat ? expand_keymat(hash, key, hex_field(one, "seed"), length) : cipher_key(hash, key, length);
    EXPECT_EQ(hex(output), one.at("output")) << one.at("type");
  }
}

TEST(Keymat, QM_11_worked_exchanges) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  ASSERT_EQ(data.at("cases").size(), 5U);
  for (const auto& one : data.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Integrity hash = hash_named(one.at("hash"));
    const CipherInfo& cipher = info(cipher_of(one));
    const KeyFamily keys =
        derive_key_family(hash,
                          skeyid_preshared_key(hash, as_bytes(one.at("psk_ascii").get<std::string>()),
                                               hex_field(one, "Ni_b"), hex_field(one, "Nr_b")),
                          hex_field(one, "g_xy"), cookie_of(one, "CKY_I"), cookie_of(one, "CKY_R"));
    EXPECT_EQ(hex(keys.skeyid_e), one.at("SKEYID_e"));
    EXPECT_EQ(hex(cipher_key(hash, keys.skeyid_e.view(), cipher.key_size)), one.at("Ka"));
    EXPECT_EQ(to_hex(phase1_iv(hash, hex_field(one, "g_xi"), hex_field(one, "g_xr"), cipher.block_size)),
              one.at("IV_phase1_first"));

    const auto& quick = one.at("quick_mode");
    EXPECT_EQ(
        to_hex(phase2_iv(hash, hex_field(one, "last_phase1_block"), number_of(quick, "message_id"), cipher.block_size)),
        quick.at("IV"));
    const Bytes secret = quick.at("pfs").get<bool>() ? hex_field(quick, "g_qm_xy") : Bytes();
    for (const auto& [spi, keymat] : {std::pair("SPI_initiator_in", "KEYMAT_towards_initiator"),
                                      std::pair("SPI_responder_in", "KEYMAT_towards_responder")}) {
      const std::string expected = quick.at(keymat);
      EXPECT_EQ(hex(quick_mode_keymat(hash, keys.skeyid_d.view(), secret, 3, number_of(quick, spi),
                                      hex_field(quick, "Ni"), hex_field(quick, "Nr"), expected.size() / 2)),
                expected);
    }
  }
}

TEST(Keymat, a_short_cipher_key_is_the_beginning_of_skeyid_e) {
  const Bytes skeyid_e = *from_hex("000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(hex(cipher_key(Integrity::kMd5, skeyid_e, 8)), "0001020304050607");
  EXPECT_EQ(hex(cipher_key(Integrity::kMd5, skeyid_e, 16)), to_hex(skeyid_e));
  EXPECT_NE(hex(cipher_key(Integrity::kMd5, skeyid_e, 24)).substr(0, 32), to_hex(skeyid_e))
      << "expanded instead of continued";
}

}  // namespace
}  // namespace ipsec::ike::tests
