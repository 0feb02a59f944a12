#include "services/driver/core/checksum.h"

#include <random>

#include <gtest/gtest.h>

namespace ipsec::driver::tests {
namespace {

// RFC 1071 as it is written: 16-bit words in network order, the carries added back at once.
std::uint16_t word_by_word(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const std::uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
    sum += std::uint32_t{bytes[i]} << 8 | low;
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

TEST(Checksum, RFC_1071_example) {
  const Bytes words = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_fold(checksum_add(words)), 0xddf2);
}

TEST(Checksum, is_that_of_the_words_at_every_size_and_every_address) {
  std::mt19937 random(1071);
  Bytes bytes(66000);
  for (std::uint8_t& octet : bytes) octet = static_cast<std::uint8_t>(random());
  const auto check = [&](std::size_t start, std::size_t size) {
    const ByteView part = ByteView(bytes).subspan(start, size);
    EXPECT_EQ(checksum_fold(checksum_add(part)), word_by_word(part)) << size << " octets at " << start;
  };
  for (std::size_t size = 0; size <= 300; ++size) {
    for (std::size_t start = 0; start < 5; ++start) check(start, size);
  }
  for (const std::size_t size : {1408UL, 1459UL, 9000UL, 65535UL}) check(1, size);
}

TEST(Checksum, no_carry_is_lost_where_every_bit_is_set) {
  const Bytes ones(65536, 0xFF);
  EXPECT_EQ(checksum_fold(checksum_add(ones)), 0xFFFF);
  EXPECT_EQ(checksum_finish(checksum_add(ones)), 0);
}

}  // namespace
}  // namespace ipsec::driver::tests
