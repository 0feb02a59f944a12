#include "services/ike/wire/header.h"

#include "services/ike/wire/limits.h"

namespace ipsec::ike {

namespace {
constexpr std::uint8_t kVersion1 = 0x10;
}

std::array<std::uint8_t, 8> cookie_octets(Cookie cookie) {
  std::array<std::uint8_t, 8> octets;
  store_u64(octets.data(), cookie);
  return octets;
}

Result<Header> parse_header(ByteView datagram) {
  if (datagram.size() < kHeaderSize) {
    return invalid(fmt::format("ISAKMP header: {} octets, at least {} needed", datagram.size(), kHeaderSize));
  }
  if (datagram.size() > kMaxMessageSize) return invalid("ISAKMP message: longer than a datagram can be");
  const std::uint8_t* at = datagram.data();
  // RFC 2408 section 3.1: "SHOULD NOT accept packets with a major version number larger than its own"; a smaller one
  // does not exist. The minor version is not looked at.
  if ((at[17] & 0xf0) != kVersion1)
    return invalid(fmt::format("ISAKMP header: version {}.{}", at[17] >> 4, at[17] & 15));
  Header header;
  header.initiator_cookie = load_u64(at);
  header.responder_cookie = load_u64(at + 8);
  header.next_payload = static_cast<PayloadType>(at[16]);
  header.exchange = static_cast<ExchangeType>(at[18]);
  header.flags = at[19];
  header.message_id = load_u32(at + 20);
  header.length = load_u32(at + 24);
  if (header.length != datagram.size()) {
    return invalid(fmt::format("ISAKMP header: length {} in a datagram of {}", header.length, datagram.size()));
  }
  return header;
}

void write_header(ByteWriter& out, const Header& header) {
  out.u64(header.initiator_cookie).u64(header.responder_cookie);
  out.u8(static_cast<std::uint8_t>(header.next_payload)).u8(kVersion1);
  out.u8(static_cast<std::uint8_t>(header.exchange)).u8(header.flags);
  out.u32(header.message_id).u32(header.length);
}

}  // namespace ipsec::ike
