#include "cli/key_files.h"

#include <gtest/gtest.h>

#include "services/common/rpc/convert.h"

namespace ipsec::cli::tests {
namespace {

proto::KeyRecord esp(proto::Cipher cipher, proto::Integrity integrity, std::string key, std::string hash_key) {
  proto::KeyRecord record;
  proto::EspKeys& keys = *record.mutable_esp();
  *keys.mutable_source() = rpc::to_proto(IpAddress::parse("10.77.0.1").value());
  *keys.mutable_destination() = rpc::to_proto(IpAddress::parse("10.77.0.2").value());
  keys.set_spi(0x1001);
  keys.set_cipher(cipher);
  keys.set_integrity(integrity);
  keys.set_encryption_key(std::move(key));
  keys.set_integrity_key(std::move(hash_key));
  return record;
}

TEST(KeyFiles, main_modes_are_lines_of_cookie_and_key) {
  proto::KeyRecord record;
  record.mutable_main_mode()->set_initiator_cookie(0x00a1b2c3d4e5f607);
  record.mutable_main_mode()->set_encryption_key("\x01\xff");
  EXPECT_EQ(main_mode_key_lines({record, esp(proto::CIPHER_NULL, proto::INTEGRITY_SHA1, "", "k")}).reveal_text(),
            "00a1b2c3d4e5f607,01ff\n");
}

TEST(KeyFiles, SAs_are_lines_of_the_dissectors_table) {
  std::size_t left_out = 0;
  EXPECT_EQ(esp_key_lines({esp(proto::CIPHER_AES128_CBC, proto::INTEGRITY_SHA256, "\x01\x02", "\x03")}, left_out)
                .reveal_text(),
            "\"IPv4\",\"10.77.0.1\",\"10.77.0.2\",\"0x00001001\",\"AES-CBC [RFC3602]\",\"0x0102\","
            "\"HMAC-SHA-256-128 [RFC4868]\",\"0x03\"\n");
  EXPECT_EQ(
      esp_key_lines({esp(proto::CIPHER_AES256_GCM, proto::INTEGRITY_NONE, "\x01", "")}, left_out).reveal_text(),
      "\"IPv4\",\"10.77.0.1\",\"10.77.0.2\",\"0x00001001\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x01\",\"NULL\","
      "\"\"\n");
  EXPECT_EQ(left_out, 0U);
}

TEST(KeyFiles, what_the_dissector_has_no_name_for_is_counted) {
  std::size_t left_out = 0;
  EXPECT_EQ(esp_key_lines({esp(proto::CIPHER_NULL, proto::INTEGRITY_AES128_GMAC, "", "k")}, left_out).reveal_text(),
            "");
  EXPECT_EQ(left_out, 1U);
}

}  // namespace
}  // namespace ipsec::cli::tests
