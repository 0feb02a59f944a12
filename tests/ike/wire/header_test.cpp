#include "services/ike/wire/header.h"

#include <gtest/gtest.h>

#include "services/ike/wire/limits.h"

namespace ipsec::ike {
namespace {

Header example() {
  Header header;
  header.initiator_cookie = 0x0102030405060708;
  header.responder_cookie = 0x1112131415161718;
  header.next_payload = PayloadType::kSa;
  header.exchange = ExchangeType::kQuickMode;
  header.flags = kFlagEncrypted;
  header.message_id = 0xa1a2a3a4;
  header.length = kHeaderSize;
  return header;
}

Bytes octets_of(const Header& header) {
  ByteWriter out;
  write_header(out, header);
  return out.take();
}

TEST(Header, has_the_layout_of_rfc_2408) {
  EXPECT_EQ(to_hex(octets_of(example())),
            "010203040506070811121314151617180110200"
            "1a1a2a3a40000001c");
}

TEST(Header, comes_back_as_written) {
  const auto parsed = parse_header(octets_of(example()));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, example());
}

TEST(Header, every_shorter_datagram_is_refused) {
  const Bytes octets = octets_of(example());
  for (std::size_t size = 0; size < octets.size(); ++size)
    EXPECT_FALSE(parse_header(ByteView(octets).first(size)).ok()) << size;
}

TEST(Header, length_must_be_that_of_the_datagram) {
  for (const std::uint32_t length : {0U, 27U, 29U, 0xffffffffU}) {
    Header header = example();
    header.length = length;
    EXPECT_FALSE(parse_header(octets_of(header)).ok()) << length;
  }
}

TEST(Header, another_major_version_is_refused_another_minor_one_is_not) {
  Bytes octets = octets_of(example());
  octets[17] = 0x20;
  EXPECT_FALSE(parse_header(octets).ok());
  octets[17] = 0x11;
  EXPECT_TRUE(parse_header(octets).ok());
}

TEST(Header, unknown_exchanges_and_flags_are_carried_through) {
  Bytes octets = octets_of(example());
  octets[18] = 243;
  octets[19] = 0xff;
  const auto parsed = parse_header(octets);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(static_cast<int>(parsed->exchange), 243);
  EXPECT_EQ(parsed->flags, 0xff);
}

TEST(Header, longer_than_a_datagram_is_refused) {
  Bytes octets = octets_of(example());
  octets.resize(kMaxMessageSize + 1);
  store_u32(&octets[24], static_cast<std::uint32_t>(octets.size()));
  EXPECT_FALSE(parse_header(octets).ok());
}

}  // namespace
}  // namespace ipsec::ike
