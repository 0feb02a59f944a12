#include "services/ike/core/authentication.h"

#include <gtest/gtest.h>

#include "tests/ike/core/worked_exchange.h"
#include "tests/support/published_data.h"

namespace ipsec::ike::tests {
namespace {

using ipsec::tests::hex_field;

std::string hex(const SecretBytes& secret) { return to_hex(secret.view()); }

TEST(Authentication, PSK_06_hash_r_of_a_real_gateway) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-hash-r-psk-observed.json");
  for (const auto& one : data.at("cases")) {
    const Integrity hash = hash_named(one.at("hash"));
    const Bytes public_i = hex_field(one, "g_xi");
    const Bytes public_r = hex_field(one, "g_xr");
    const Bytes sa_body = hex_field(one, "SAi_b");
    const SecretBytes skeyid = skeyid_preshared_key(hash, as_bytes(one.at("psk_ascii").get<std::string>()),
                                                    hex_field(one, "Ni_b"), hex_field(one, "Nr_b"));
    EXPECT_EQ(hex(skeyid), one.at("SKEYID"));
    const Phase1Transcript transcript{cookie_of(one, "CKY_I"), cookie_of(one, "CKY_R"), public_i, public_r, sa_body};
    EXPECT_EQ(hex(hash_r(hash, skeyid.view(), transcript, hex_field(one, "IDir_b"))), one.at("HASH_R"));
  }
}

TEST(Authentication, PSK_03_hashes_of_the_worked_exchanges) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  for (const auto& one : data.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Established state = established_of(one);
    const Bytes public_i = hex_field(one, "g_xi");
    const Bytes public_r = hex_field(one, "g_xr");
    const Bytes sa_body = hex_field(one, "SAi_b");
    const Phase1Transcript transcript{cookie_of(one, "CKY_I"), cookie_of(one, "CKY_R"), public_i, public_r, sa_body};
    EXPECT_EQ(hex(hash_i(state.keys.hash, state.keys.family.skeyid.view(), transcript, hex_field(one, "IDii_b"))),
              one.at("HASH_I"));
    EXPECT_EQ(hex(hash_r(state.keys.hash, state.keys.family.skeyid.view(), transcript, hex_field(one, "IDir_b"))),
              one.at("HASH_R"));
    const auto& quick = one.at("quick_mode");
    EXPECT_EQ(hex(quick_mode_hash3(state.keys.hash, state.keys.family.skeyid_a.view(), number_of(quick, "message_id"),
                                   hex_field(quick, "Ni"), hex_field(quick, "Nr"))),
              quick.at("HASH3"));
  }
}

}  // namespace
}  // namespace ipsec::ike::tests
