#include <vector>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/quick_mode_pair.h"

namespace ipsec::ike::tests {
namespace {

// Message 1 as a peer sends it that knows aggressive mode; what is in it decides nothing.
Bytes aggressive_message1(Cookie cookie) {
  Header header;
  header.initiator_cookie = cookie;
  header.exchange = ExchangeType::kAggressive;
  return write_clear_message(header, std::vector<PayloadContent>{NoncePayload{Bytes(32, 1)}});
}

TEST(AggressiveMode, AGG_04_a_request_is_refused_with_a_notify_and_an_event) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.inject(pair.a, aggressive_message1(7));
  ASSERT_EQ(pair.sent.size(), 1U);
  const Bytes& answer = pair.sent.front().datagram.bytes;
  EXPECT_EQ(header_of(pair.sent.front()).exchange, ExchangeType::kInformational);
  EXPECT_EQ(header_of(pair.sent.front()).initiator_cookie, 7U);
  const auto parsed = parse_clear_message(answer);
  ASSERT_TRUE(parsed.ok());
  const NotifyPayload* notify = parsed->chain.find<NotifyPayload>();
  ASSERT_NE(notify, nullptr);
  EXPECT_EQ(static_cast<int>(notify->type), 29) << "UNSUPPORTED-EXCHANGE-TYPE";
  const ReportEvent* event = pair.b.find_event(std::string(name(FailureReason::kUnsupportedExchange)));
  ASSERT_NE(event, nullptr);
  EXPECT_NE(event->text.find("aggressive mode"), std::string::npos) << event->text;
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty()) << "no state";
}

TEST(AggressiveMode, AGG_04_a_flood_is_not_answered_blindly) {
  Pair pair;
  set_mirrored_policies(pair);
  for (Cookie cookie = 1; cookie <= 1000; ++cookie) pair.inject(pair.a, aggressive_message1(cookie));
  EXPECT_EQ(pair.sent.size(), static_cast<std::size_t>(kInvalidCookieAnswersPerSecond));
}

TEST(AggressiveMode, AGG_04_a_host_without_policy_and_later_messages_get_no_answer) {
  Pair pair;
  pair.inject(pair.a, aggressive_message1(7));
  set_mirrored_policies(pair);
  Bytes later = aggressive_message1(7);
  later[15] = 9;
  pair.inject(pair.a, later);
  EXPECT_TRUE(pair.sent.empty());
}

}  // namespace
}  // namespace ipsec::ike::tests
