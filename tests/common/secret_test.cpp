#include "services/common/secret.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace ipsec {
namespace {

TEST(WipeMemory, leaves_nothing) {
  std::array<std::uint8_t, 32> memory;
  memory.fill(0xa5);
  wipe_memory(memory.data(), memory.size());
  EXPECT_EQ(memory, (std::array<std::uint8_t, 32>{}));
  wipe_memory(nullptr, 0);
}

TEST(SecretBytes, holds_grows_and_copies) {
  SecretBytes secret("abc");
  secret.append(as_bytes("def"));
  EXPECT_EQ(secret.reveal_text(), "abcdef");
  const SecretBytes copy = secret;
  secret.mutable_view()[0] = 'X';
  EXPECT_EQ(copy.reveal_text(), "abcdef");
  secret.resize(2);
  EXPECT_EQ(secret.reveal_text(), "Xb");
  EXPECT_TRUE(SecretBytes().empty());
  EXPECT_EQ(SecretBytes(3).view().size(), 3U);
}

TEST(ConstantTimeEqual, compares_all_octets) {
  const Bytes one(64, 7);
  EXPECT_TRUE(constant_time_equal(one, Bytes(64, 7)));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(one, Bytes(63, 7)));
  for (std::size_t i = 0; i < one.size(); ++i) {
    Bytes other = one;
    other[i] ^= 0x80;
    EXPECT_FALSE(constant_time_equal(one, other)) << i;
  }
}

}  // namespace
}  // namespace ipsec
