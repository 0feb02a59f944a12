#include "services/common/crypto/hash.h"

#include <gtest/gtest.h>

#include "tests/support/published_data.h"

namespace ipsec {
namespace {

using tests::hex_field;

std::string hex(ByteView bytes) { return to_hex(bytes); }

Integrity integrity_of(const nlohmann::json& vector) {
  return *integrity_by_name(vector.at("hash").get<std::string>());
}

TEST(Hash, digests_of_abc) {
  EXPECT_EQ(hex(hash(Integrity::kMd5, {as_bytes("abc")})), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(hash(Integrity::kSha1, {as_bytes("abc")})), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(hash(Integrity::kSha256, {as_bytes("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hash(Integrity::kSha384, {as_bytes("abc")})),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hex(hash(Integrity::kSha512, {as_bytes("abc")})),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, parts_count_as_one_message) {
  for (const IntegrityInfo& row : all_integrities().subspan(1)) {
    EXPECT_EQ(hash(row.id, {as_bytes("a"), {}, as_bytes("bc")}), hash(row.id, {as_bytes("abc")})) << row.name;
    EXPECT_EQ(hex(hmac(row.id, as_bytes("key"), {as_bytes("a"), {}, as_bytes("bc")}).view()),
              hex(hmac(row.id, as_bytes("key"), {as_bytes("abc")}).view()))
        << row.name;
    EXPECT_EQ(hash(row.id, {}).size(), row.hash_size) << row.name;
  }
}

TEST(Hmac, empty_key_is_a_key_and_not_the_one_before) {
  const std::string first = hex(hmac(Integrity::kSha256, {}, {}).view());
  EXPECT_EQ(first, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  (void)hmac(Integrity::kSha256, as_bytes("another key"), {});
  EXPECT_EQ(hex(hmac(Integrity::kSha256, {}, {}).view()), first);
}

TEST(Hmac, rfc_2202_4231_4868) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/hmac-rfc2202-4231-4868.json");
  for (const auto& vector : file.at("cases")) {
    const SecretBytes mac = hmac(integrity_of(vector), hex_field(vector, "key"), {hex_field(vector, "data")});
    EXPECT_EQ(hex(mac.view()), vector.at("full_mac")) << vector.dump();
    const auto truncated_to = vector.at("truncated_to").get<std::size_t>();
    EXPECT_EQ(hex(mac.view().first(truncated_to)), vector.at("mac")) << vector.dump();
  }
}

TEST(Hmac, wycheproof) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/hmac-wycheproof-subset.json");
  for (const auto& vector : file.at("cases")) {
    const SecretBytes mac = hmac(integrity_of(vector), hex_field(vector, "key"), {hex_field(vector, "msg")});
    const Bytes tag = hex_field(vector, "tag");
    ASSERT_LE(tag.size(), mac.size());
    EXPECT_EQ(constant_time_equal(mac.view().first(tag.size()), tag), vector.at("result") == "valid") << vector.dump();
  }
}

}  // namespace
}  // namespace ipsec
