#include "services/common/bytes.h"

#include <gtest/gtest.h>

namespace ipsec {
namespace {

TEST(ByteReader, reads_network_order_and_keeps_its_place) {
  const Bytes bytes = *from_hex(
      "010203040506070809"
      "aabbccddeeff1122");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read_u8(), 0x01);
  EXPECT_EQ(reader.read_u16(), 0x0203);
  EXPECT_EQ(reader.read_u32(), 0x04050607U);
  EXPECT_EQ(reader.position(), 7U);
  EXPECT_TRUE(reader.skip(2));
  EXPECT_EQ(reader.read_u64(), 0xaabbccddeeff1122ULL);
  EXPECT_TRUE(reader.empty());
}

TEST(ByteReader, a_read_past_the_end_moves_nothing) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_FALSE(reader.read_u32());
  EXPECT_FALSE(reader.read_u64());
  EXPECT_FALSE(reader.read(4));
  EXPECT_FALSE(reader.skip(4));
  EXPECT_EQ(reader.remaining(), 3U);
  EXPECT_EQ(reader.read_u16(), 0x0102);
  EXPECT_FALSE(reader.read_u16());
  EXPECT_EQ(reader.read_u8(), 3);
  EXPECT_FALSE(reader.read_u8());
  EXPECT_TRUE(reader.skip(0));
}

TEST(ByteReader, an_enormous_count_does_not_wrap_around) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.skip(1));
  EXPECT_FALSE(reader.read(std::numeric_limits<std::size_t>::max()));
  EXPECT_FALSE(reader.skip(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(reader.remaining(), 2U);
}

TEST(ByteReader, rest_is_borrowed_and_empties_it) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read(1)->data(), bytes.data());
  const ByteView rest = reader.rest();
  EXPECT_EQ(rest.data(), bytes.data() + 1);
  EXPECT_EQ(rest.size(), 2U);
  EXPECT_TRUE(reader.empty());
  EXPECT_TRUE(reader.rest().empty());
}

TEST(ByteWriter, writes_what_the_reader_reads) {
  ByteWriter writer;
  writer.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).zeros(2).bytes(as_bytes("ab"));
  EXPECT_EQ(writer.size(), 19U);
  EXPECT_EQ(to_hex(writer.view()), "0102030405060708090a0b0c0d0e0f00006162");
  writer.patch_u16(0, 0xffee);
  writer.patch_u32(15, 0xddccbbaa);
  EXPECT_EQ(to_hex(writer.take()), "ffee030405060708090a0b0c0d0e0fddccbbaa");
}

TEST(Hex, both_cases_in_and_lower_case_out) {
  EXPECT_EQ(to_hex(*from_hex("00fFA5")), "00ffa5");
  EXPECT_TRUE(from_hex("")->empty());
  for (const char* bad : {"0", "0g", "0x00", " 00", "00 "}) EXPECT_FALSE(from_hex(bad).ok()) << bad;
}

TEST(LoadAndStore, are_inverse_and_unaligned) {
  std::array<std::uint8_t, 16> memory{};
  store_u64(memory.data() + 1, 0x0102030405060708);
  EXPECT_EQ(load_u64(memory.data() + 1), 0x0102030405060708U);
  EXPECT_EQ(load_u32(memory.data() + 1), 0x01020304U);
  EXPECT_EQ(load_u16(memory.data() + 7), 0x0708);
  store_u32(memory.data() + 3, 0xfffefdfc);
  EXPECT_EQ(load_u64(memory.data() + 1), 0x0102fffefdfc0708U);
}

}  // namespace
}  // namespace ipsec
