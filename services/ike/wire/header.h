#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/wire/numbers.h"

// The ISAKMP header (RFC 2408 section 3.1).
namespace ipsec::ike {

// One of the two names of an ISAKMP SA: 8 octets, kept as the number they are in network order. 0: not chosen yet.
using Cookie = std::uint64_t;
std::array<std::uint8_t, 8> cookie_octets(Cookie cookie);

inline constexpr std::size_t kHeaderSize = 28;

//   0                   1                   2                   3
//  |                       Initiator Cookie                        | 8 octets
//  |                       Responder Cookie                        | 8 octets
//  | Next Payload  | Major | Minor | Exchange Type |     Flags     |
//  |                          Message ID                           |
//  |                            Length                             |
struct Header {
  Cookie initiator_cookie = 0;
  Cookie responder_cookie = 0;
  PayloadType next_payload = PayloadType::kNone;
  ExchangeType exchange = ExchangeType::kIdentityProtection;
  std::uint8_t flags = 0;
  std::uint32_t message_id = 0;
  std::uint32_t length = 0;  // header included

  bool encrypted() const { return (flags & kFlagEncrypted) != 0; }
  friend bool operator==(const Header&, const Header&) = default;
};

// Refuses a datagram that is shorter than a header, longer than kMaxMessageSize, of another major version than 1, or
// whose length field is not its size. Unknown exchange types and flags are carried through.
Result<Header> parse_header(ByteView datagram);

void write_header(ByteWriter& out, const Header& header);

}  // namespace ipsec::ike
