#include "services/common/crypto/cbc.h"

#include <gtest/gtest.h>

#include "tests/support/published_data.h"
#include "tests/support/seeded_random.h"

namespace ipsec {
namespace {

using tests::hex_field;

Bytes hex(std::string_view text) { return *from_hex(text); }

TEST(Cbc, rfc_3602) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/aes-cbc-esp-rfc3602.json");
  for (const auto& vector : file.at("cases")) {
    Bytes data = hex_field(vector, "plaintext");
    cbc_encrypt(Cipher::kAes128Cbc, hex_field(vector, "key"), hex_field(vector, "iv"), data);
    EXPECT_EQ(to_hex(data), vector.at("ciphertext")) << vector.at("case");
    cbc_decrypt(Cipher::kAes128Cbc, hex_field(vector, "key"), hex_field(vector, "iv"), data);
    EXPECT_EQ(to_hex(data), vector.at("plaintext")) << vector.at("case");
  }
}

// NIST SP 800-38A F.2.3 and F.2.5 (first blocks), FIPS 81 appendix C (DES), NIST SP 800-67 style 3DES of one block.
TEST(Cbc, other_key_sizes) {
  struct Row {
    Cipher cipher;
    const char *key, *iv, *plain, *encrypted;
  };
  const Row rows[] = {
      {Cipher::kAes192Cbc, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
       "6bc1bee22e409f96e93d7e117393172a", "4f021db243bc633d7178183a9fa071e8"},
      {Cipher::kAes256Cbc, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
       "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
      {Cipher::kDes, "0123456789abcdef", "1234567890abcdef", "4e6f77206973207468652074696d6520666f7220616c6c20",
       "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
      {Cipher::kTripleDes, "0123456789abcdef23456789abcdef01456789abcdef0123", "0000000000000000", "5468652071756663",
       "a826fd8ce53b855f"},
  };
  for (const Row& row : rows) {
    Bytes data = hex(row.plain);
    cbc_encrypt(row.cipher, hex(row.key), hex(row.iv), data);
    EXPECT_EQ(to_hex(data), row.encrypted) << info(row.cipher).name;
    cbc_decrypt(row.cipher, hex(row.key), hex(row.iv), data);
    EXPECT_EQ(to_hex(data), row.plain) << info(row.cipher).name;
  }
}

TEST(Cbc, what_is_encrypted_decrypts_again) {
  tests::SeededRandom random(20);
  for (const CipherInfo& row : all_ciphers()) {
    if (row.block_size == 1) continue;
    for (std::size_t blocks = 0; blocks < 20; ++blocks) {
      const Bytes key = random.bytes(row.key_size), iv = random.bytes(row.iv_size);
      const Bytes plain = random.bytes(blocks * row.block_size);
      Bytes data = plain;
      cbc_encrypt(row.id, key, iv, data);
      EXPECT_EQ(data == plain, blocks == 0) << row.name;
      cbc_decrypt(row.id, key, iv, data);
      EXPECT_EQ(data, plain) << row.name;
    }
  }
}

TEST(WeakDesKey, listed_keys_with_any_parity) {
  EXPECT_TRUE(is_weak_des_key(hex("0101010101010101")));
  EXPECT_TRUE(is_weak_des_key(hex("0000000000000000")));
  EXPECT_TRUE(is_weak_des_key(hex("1f1f1f1f0e0e0e0e")));
  EXPECT_TRUE(is_weak_des_key(hex("e0fee0fef1fef1fe")));
  EXPECT_FALSE(is_weak_des_key(hex("0123456789abcdef")));
  EXPECT_FALSE(is_weak_des_key(hex("0101010101010111")));
}

}  // namespace
}  // namespace ipsec
