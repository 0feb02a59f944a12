#include "services/common/crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace ipsec {
namespace {

class Fixed : public RandomSource {
 public:
  explicit Fixed(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(MutableByteView out) override { std::copy_n(bytes_.begin(), out.size(), out.begin()); }

 private:
  Bytes bytes_;
};

// The Galois/Counter Mode of Operation (McGrew, Viega), test case 16.
TEST(AesGcm, published_vector) {
  const Bytes key = *from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const Bytes text = *from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  const Bytes associated = *from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  Fixed nonce(*from_hex("cafebabefacedbaddecaf888"));
  EXPECT_EQ(
      to_hex(aes_gcm_seal(key, text, associated, nonce)),
      "cafebabefacedbaddecaf888"
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a"
      "0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b");
}

TEST(AesGcm, opens_only_what_is_unchanged) {
  tests::SeededRandom random(7);
  const Bytes key = random.bytes(kAesGcmKeySize);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{256}}) {
    const Bytes secret = random.bytes(size);
    Bytes sealed = aes_gcm_seal(key, secret, as_bytes("row"), random);
    ASSERT_TRUE(aes_gcm_open(key, sealed, as_bytes("row")).has_value());
    EXPECT_TRUE(constant_time_equal(aes_gcm_open(key, sealed, as_bytes("row"))->view(), secret));
    EXPECT_FALSE(aes_gcm_open(key, sealed, as_bytes("another row")).has_value());
    EXPECT_FALSE(aes_gcm_open(random.bytes(kAesGcmKeySize), sealed, as_bytes("row")).has_value());
    for (std::uint8_t& octet : sealed) {
      octet ^= 1;
      EXPECT_FALSE(aes_gcm_open(key, sealed, as_bytes("row")).has_value());
      octet ^= 1;
    }
    sealed.pop_back();
    EXPECT_FALSE(aes_gcm_open(key, sealed, as_bytes("row")).has_value());
  }
  EXPECT_FALSE(aes_gcm_open(key, Bytes(27), as_bytes("row")).has_value());
}

}  // namespace
}  // namespace ipsec
