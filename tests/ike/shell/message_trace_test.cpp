#include "services/ike/shell/message_trace.h"

#include <gtest/gtest.h>

#include "services/ike/wire/message.h"

namespace ipsec::ike {
namespace {

const Endpoint kLocal{*IpAddress::parse("10.77.0.1"), 500};
const Endpoint kPeer{*IpAddress::parse("10.77.0.2"), 500};

std::string trace(ByteView datagram) { return daemon::format_line("message", trace_fields(kLocal, kPeer, datagram)); }

Bytes message(std::uint8_t flags) {
  Header header;
  header.initiator_cookie = 0x0102030405060708;
  header.exchange = ExchangeType::kInformational;
  header.message_id = 0xabcd;
  header.flags = flags;
  const PayloadContent payloads[] = {NoncePayload{Bytes(16, 0x5a)}, VendorIdPayload{Bytes(16, 0x5b)}};
  return write_clear_message(header, payloads);
}

TEST(MessageTrace, tells_ends_cookies_exchange_and_payloads) {
  const std::string line = trace(message(0));
  for (const char* part :
       {"local=10.77.0.1:500", "peer=10.77.0.2:500", "exchange=informational", "initiator_cookie=0102030405060708",
        "message_id=0000abcd", "payloads=\"NONCE VENDOR-ID\""}) {
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
  }
}

TEST(MessageTrace, what_is_encrypted_stays_so) {
  EXPECT_NE(trace(message(kFlagEncrypted)).find("payloads=encrypted"), std::string::npos);
}

TEST(MessageTrace, takes_any_octets) {
  const Bytes whole = message(0);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(trace(ByteView(whole).first(size)).find("no_message="), std::string::npos) << size;
  }
  Bytes damaged = whole;
  damaged[kHeaderSize + 3] = 1;  // the length of the first payload
  EXPECT_NE(trace(damaged).find("cut off"), std::string::npos);
}

}  // namespace
}  // namespace ipsec::ike
