#include "services/common/algorithms.h"

#include <set>

#include <gtest/gtest.h>

namespace ipsec {
namespace {

TEST(Algorithms, every_row_is_found_by_its_own_names_and_numbers) {
  for (const CipherInfo& row : all_ciphers()) {
    EXPECT_EQ(info(row.id).name, row.name);
    EXPECT_EQ(cipher_by_name(row.name), row.id);
    EXPECT_EQ(esp_cipher(row.esp_transform, row.key_bits), row.id) << row.name;
    if (row.ike_number != 0) {
      EXPECT_EQ(ike_cipher(row.ike_number, row.key_bits), row.id) << row.name;
    }
    EXPECT_EQ(row.key_bits == 0 || row.key_bits == row.key_size * 8, true) << row.name;
    EXPECT_EQ(row.is_aead(), row.salt_size != 0) << row.name;
  }
  for (const IntegrityInfo& row : all_integrities()) {
    EXPECT_EQ(info(row.id).name, row.name);
    EXPECT_EQ(integrity_by_name(row.name), row.id);
    EXPECT_EQ(esp_integrity(row.esp_number), row.id) << row.name;
    if (row.ike_number != 0) {
      EXPECT_EQ(ike_hash(row.ike_number), row.id) << row.name;
    }
    EXPECT_LE(row.icv_size, row.hash_size) << row.name;
  }
  for (const DhGroupInfo& row : all_dh_groups()) {
    EXPECT_EQ(info(row.id).name, row.name);
    EXPECT_EQ(static_cast<std::uint16_t>(row.id), row.number);
    if (row.number != 0) {
      EXPECT_EQ(dh_group_by_number(row.number), row.id) << row.name;
    }
  }
}

TEST(Algorithms, names_are_compared_without_case) {
  EXPECT_EQ(cipher_by_name("aes128-gcm"), Cipher::kAes128Gcm);
  EXPECT_EQ(integrity_by_name("sha1"), Integrity::kSha1);
  EXPECT_EQ(dh_group_by_name("MODP2048"), DhGroup::kModp2048);
  EXPECT_FALSE(cipher_by_name("AES"));
  EXPECT_FALSE(cipher_by_name(""));
  EXPECT_FALSE(integrity_by_name("SHA2"));
}

// RFC 2409 appendix A, RFC 3602, RFC 4868, RFC 4106.
TEST(Algorithms, numbers_of_the_standards) {
  EXPECT_EQ(ike_cipher(1, 0), Cipher::kDes);
  EXPECT_EQ(ike_cipher(5, 0), Cipher::kTripleDes);
  EXPECT_EQ(ike_cipher(7, 128), Cipher::kAes128Cbc);
  EXPECT_EQ(esp_cipher(20, 256), Cipher::kAes256Gcm);
  EXPECT_EQ(esp_cipher(11, 0), Cipher::kNull);
  EXPECT_EQ(ike_hash(2), Integrity::kSha1);
  EXPECT_EQ(ike_hash(4), Integrity::kSha256);
  EXPECT_EQ(esp_integrity(5), Integrity::kSha256);
  EXPECT_EQ(info(Integrity::kSha256).icv_size, 16U);
  EXPECT_EQ(info(Integrity::kSha1).icv_size, 12U);
}

TEST(Algorithms, key_length_must_be_there_or_absent_as_the_cipher_says) {
  EXPECT_FALSE(ike_cipher(5, 192));
  EXPECT_FALSE(ike_cipher(7, 0));
  EXPECT_FALSE(ike_cipher(7, 160));
  EXPECT_FALSE(esp_cipher(3, 192));
  EXPECT_FALSE(ike_cipher(0, 0));
  EXPECT_FALSE(ike_hash(0));
  EXPECT_FALSE(dh_group_by_number(0));
  EXPECT_FALSE(dh_group_by_number(22));
}

TEST(Algorithms, weak_ones_are_marked) {
  std::set<std::string_view> weak;
  for (const auto& row : all_ciphers()) {
    if (row.weak) weak.insert(row.name);
  }
  for (const auto& row : all_integrities()) {
    if (row.weak) weak.insert(row.name);
  }
  for (const auto& row : all_dh_groups()) {
    if (row.weak) weak.insert(row.name);
  }
  EXPECT_EQ(weak, (std::set<std::string_view>{"DES", "MD5", "modp768", "modp1024"}));
}

}  // namespace
}  // namespace ipsec
