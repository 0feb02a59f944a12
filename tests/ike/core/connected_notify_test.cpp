#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_initiator.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/quick_mode_responder.h"
#include "tests/ike/core/quick_mode_pair.h"
#include "tests/ike/core/worked_exchange.h"

// The fourth message of quick mode, which the commit bit of the second one promises (QM-05 to QM-07).
namespace ipsec::ike::tests {
namespace {

bool has_commit_bit(const SentDatagram& sent) { return (header_of(sent).flags & kFlagCommit) != 0; }

// Message `number` of the first quick mode is lost so many times.
void lose(Pair& pair, std::size_t number, int times) {
  pair.wire = [number, left = times, seen = std::size_t{0}](const SentDatagram& sent) mutable {
    if (!is_quick_mode(sent)) return Fate{milliseconds(1)};
    ++seen;
    if (seen < number || left == 0) return Fate{milliseconds(1)};
    const bool of_number = sent.from_a == (number % 2 == 1);
    if (!of_number) return Fate{milliseconds(1)};
    --left;
    return Fate{};
  };
}

// What a peer that knows no fourth message makes of message 2, and of what follows.
Pair& without_commit_bit(Pair& pair) {
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram& sent) {
    return is_quick_mode(sent) && !sent.from_a ? Fate{} : Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(milliseconds(50));
  Bytes message2 = quick_modes(pair)[1].datagram.bytes;
  message2[19] = static_cast<std::uint8_t>(message2[19] & ~kFlagCommit);
  pair.inject(pair.b, message2);
  return pair;
}

TEST(ConnectedNotify, QM_05_four_messages_the_second_with_the_commit_bit) {
  Pair pair;
  establish(pair);
  const auto messages = quick_modes(pair);
  ASSERT_EQ(messages.size(), 4U);
  for (std::size_t i = 0; i < messages.size(); ++i) EXPECT_EQ(messages[i].from_a, i % 2 == 0) << i;
  EXPECT_FALSE(has_commit_bit(messages[0]));
  EXPECT_TRUE(has_commit_bit(messages[1]));
  EXPECT_EQ(header_of(messages[3]).exchange, ExchangeType::kQuickMode);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(ConnectedNotify, QM_06_the_initiator_sends_nothing_under_the_sa_before_the_responder_is_ready) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [&](const SentDatagram& sent) {
    if (is_quick_mode(sent)) {
      EXPECT_TRUE(pair.a.driver.outbound.empty()) << "until message 4 is there";
      const bool is_message3 = sent.from_a && !pair.b.driver.inbound.empty();
      EXPECT_EQ(pair.a.driver.inbound.size(), is_message3 || !pair.b.driver.outbound.empty() ? 1U : 0U);
    }
    return Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(milliseconds(20));
  ASSERT_EQ(quick_modes(pair).size(), 4U);
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

TEST(ConnectedNotify, QM_06_a_lost_message_3_or_4_comes_again) {
  for (const std::size_t lost : {3U, 4U}) {
    for (const int times : {1, 2}) {
      Pair pair;
      set_mirrored_policies(pair);
      lose(pair, lost, times);
      pair.acquire(pair.a, 1);
      pair.run(times == 1 ? milliseconds(1500) : milliseconds(3500));
      EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << lost;
      EXPECT_EQ(pair.b.driver.outbound.size(), 1U) << lost;
      pair.run(seconds(60));
      EXPECT_EQ(compare_sas(pair), "");
      EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
      EXPECT_EQ(pair.a.count_events("quick_mode_established"), 1U);
    }
  }
}

// The bit is not authenticated: who sets it in another's message must not stop the packets.
TEST(ConnectedNotify, QM_07_a_message_4_that_never_comes_costs_seconds) {
  Pair pair;
  set_mirrored_policies(pair);
  lose(pair, 4, 1000);
  pair.acquire(pair.a, 1);
  pair.run(kConnectedPatience - milliseconds(100));
  EXPECT_TRUE(pair.a.driver.outbound.empty());
  pair.run(milliseconds(200));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  pair.run(seconds(100));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << "and no Delete follows";
}

TEST(ConnectedNotify, QM_07_without_the_commit_bit_three_messages_do) {
  Pair pair;
  without_commit_bit(pair);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << "with message 2";
  pair.run(milliseconds(10));
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  pair.run(seconds(100));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
}

TEST(ConnectedNotify, QM_07_peers_that_are_neither_windows_nor_this_product_are_promised_nothing) {
  const auto extensions = [](const Bytes& vendor) {
    PayloadChain chain;
    chain.payloads.push_back({VendorIdPayload{vendor}, {}});
    return extensions_of(chain, AddressFamily::kIpv4);
  };
  const Bytes windows = {0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96,
                         0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61, 0x00, 0x00, 0x00, 0x04};
  EXPECT_TRUE(extensions(windows).connected_notify);
  EXPECT_FALSE(extensions(Bytes(20, 7)).connected_notify);
  const auto ours = announcements(AddressFamily::kIpv4);
  EXPECT_TRUE(extensions(std::get<VendorIdPayload>(ours.front()).value).connected_notify);
}

// The messages themselves, with the keys of a published exchange.
class OneExchange {
 public:
  explicit OneExchange(const nlohmann::json& one) : main_mode_(established_of(one)) {
    facts_.message_id = 77;
    main_mode_.choice.extensions.connected_notify = true;
  }
  QuickModeContext context(bool initiator) {
    facts_.initiator = initiator;
    return {facts_, main_mode_, random_, {}};
  }
  Bytes message4(NotifyType type) const {
    const Header header = phase2_header(1, 2, ExchangeType::kQuickMode, 77);
    return seal_with_hash1(main_mode_, kIv, header, {NotifyPayload{kDoiIpsec, 3, type, Bytes(4), {}}}).datagram;
  }
  template <typename State>
  auto receive(const State& state, const Bytes& datagram, QuickModeContext& context) {
    return step(state, MessageReceived{*parse_header(datagram), datagram}, context);
  }
  const Bytes kIv = Bytes(8, 3);

 private:
  QuickModeFacts facts_;
  Established main_mode_;
  SeededRandom random_{1};
};

TEST(ConnectedNotify, QM_06_message_4_is_a_notify_under_a_hash_and_a_forged_one_is_none) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  OneExchange exchange(data.at("cases").at(0));
  SaPair pair;
  pair.outbound.spi = 0x1234;
  const AwaitingConnected waiting{pair, exchange.kIv};
  auto context = exchange.context(true);
  const Bytes genuine = exchange.message4(NotifyType::kConnected);
  Bytes forged = genuine;
  forged[kHeaderSize + 9] ^= 1;
  EXPECT_TRUE(std::holds_alternative<Ignored>(exchange.receive(waiting, forged, context)));
  EXPECT_TRUE(context.effects.install.empty());
  EXPECT_TRUE(std::holds_alternative<InstallingOutbound>(exchange.receive(waiting, genuine, context)));
  ASSERT_EQ(context.effects.install.size(), 1U);
  EXPECT_EQ(context.effects.install.front().spi, 0x1234U);
  EXPECT_FALSE(context.effects.initial_contact);
}

TEST(ConnectedNotify, QM_06_a_fourth_message_that_windows_sends_unasked_is_understood) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  OneExchange exchange(data.at("cases").at(0));
  const QuickModeFinished finished{SaPair{}, exchange.kIv};
  auto context = exchange.context(true);
  const Bytes message = exchange.message4(NotifyType::kInitialContact);
  EXPECT_TRUE(std::holds_alternative<QuickModeFinished>(exchange.receive(finished, message, context)));
  EXPECT_TRUE(context.effects.initial_contact);
}

TEST(ConnectedNotify, QM_06_the_responders_message_4_says_connected) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  OneExchange exchange(data.at("cases").at(0));
  auto context = exchange.context(false);
  const Sealed sealed = seal_connected(context, {0xaabbccdd, 0x11223344}, exchange.kIv);
  const Header header = *parse_header(sealed.datagram);
  EXPECT_EQ(header.message_id, 77U);
  EXPECT_NE(header.flags & kFlagCommit, 0);
  const auto read = open_phase2(context.main_mode, {header, sealed.datagram}, exchange.kIv, MessageKind::kQuickMode4);
  ASSERT_TRUE(std::holds_alternative<Opened>(read));
  const NotifyPayload* notify = std::get<Opened>(read).chain.find<NotifyPayload>();
  ASSERT_NE(notify, nullptr);
  EXPECT_EQ(notify->type, NotifyType::kConnected);
  EXPECT_EQ(static_cast<int>(notify->type), 16384);
  EXPECT_EQ(load_u32(notify->spi.data()), 0xaabbccddU) << "of ESP, where AH is around it";
}

}  // namespace
}  // namespace ipsec::ike::tests
