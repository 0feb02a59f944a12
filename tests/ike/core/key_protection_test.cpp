#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "services/ike/core/quick_mode_initiator.h"
#include "services/ike/core/quick_mode_messages.h"
#include "tests/ike/core/quick_mode_pair.h"
#include "tests/ike/core/worked_exchange.h"

// Which keys are made of what, and how often anew (KEY rows).
namespace ipsec::ike::tests {
namespace {

MainModeOffer with_group(DhGroup group) { return {Cipher::kAes128Cbc, Integrity::kSha256, group}; }

// Message 1 of quick mode as this host writes it, opened again.
PayloadChain message1(bool pfs, const nlohmann::json& exchange) {
  Established main_mode = established_of(exchange);
  main_mode.choice.offer.group = DhGroup::kModp2048;
  SeededRandom random(1);
  QuickModeFacts facts;
  facts.initiator = true;
  facts.message_id = 77;
  facts.local = *IpAddress::parse("10.77.0.1");
  facts.peer = *IpAddress::parse("10.77.0.2");
  facts.outbound = {AddressRange::host(facts.local), AddressRange::host(facts.peer), kProtocolAny, {}, {}};
  facts.rule.policy.offers = {{std::nullopt, EspOffer{Cipher::kAes128Cbc, Integrity::kSha1}, 0, 3600}};
  facts.rule.policy.pfs = pfs;
  QuickModeContext context{facts, main_mode, random, {}};
  const auto started = start_quick_mode(context);
  PreparingOffer state = std::get<PreparingOffer>(started);
  EXPECT_EQ(context.effects.compute.has_value(), pfs);
  if (pfs) {
    const DhComputed computed = compute_dh({1, context.effects.compute->group, nullptr, {}}, random);
    const auto outcome = step(state, computed, context);
    state = std::get<PreparingOffer>(outcome);
  }
  const auto sent = step(state, OwnSpi{SecurityProtocol::kEsp, 0x1234}, context);
  EXPECT_TRUE(std::holds_alternative<AwaitingAnswer>(sent));
  const Bytes& datagram = context.effects.send;
  auto opened =
      open_phase2(main_mode, {*parse_header(datagram), datagram}, first_iv(main_mode, 77), MessageKind::kQuickMode1);
  EXPECT_TRUE(std::holds_alternative<Opened>(opened));
  return std::get<Opened>(opened).chain;
}

TEST(KeyProtection, QM_19_KEY_28_a_key_exchange_in_quick_mode_with_session_pfs_only) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  const PayloadChain without = message1(false, data.at("cases").at(0));
  EXPECT_EQ(without.find<KeyExchangePayload>(), nullptr);
  const PayloadChain with = message1(true, data.at("cases").at(0));
  ASSERT_NE(with.find<KeyExchangePayload>(), nullptr);
  EXPECT_EQ(with.find<KeyExchangePayload>()->value.size(), 256U) << "KEY-31: the group of main mode";
}

TEST(KeyProtection, KEY_31_the_group_is_the_same_in_main_and_quick_mode) {
  for (const DhGroup group : {DhGroup::kModp1024, DhGroup::kModp2048, DhGroup::kEcp256}) {
    Pair pair;
    PolicyOptions options;
    options.main_mode_offers = {with_group(group)};
    options.pfs = true;
    establish(pair, options);
    EXPECT_EQ(pair.a.driver.outbound[0].pfs_group, group) << info(group).name;
  }
}

TEST(KeyProtection, KEY_33_a_common_group_is_found) {
  Pair pair;
  PolicyOptions of_a;
  of_a.main_mode_offers = {with_group(DhGroup::kModp2048), with_group(DhGroup::kModp1024)};
  PolicyOptions of_b;
  of_b.main_mode_offers = {with_group(DhGroup::kModp1024)};
  set_different(pair, of_a, of_b);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.a.engine.main_mode_sas(pair.now).size(), 1U);
  EXPECT_EQ(pair.a.engine.main_mode_sas(pair.now)[0].offer.group, DhGroup::kModp1024);
  EXPECT_EQ(compare_sas(pair), "");
}

// KEY-38 against the standard: the key exchange travels inside quick mode and adds no message (seed contradiction 6).
TEST(KeyProtection, KEY_38_session_pfs_adds_no_message_and_master_pfs_authenticates_anew) {
  const auto messages = [](bool pfs, bool master_pfs, ExchangeType exchange) {
    Pair pair;
    PolicyOptions options;
    options.extra_filters = 1;
    options.pfs = pfs;
    options.master_pfs = master_pfs;
    establish(pair, options);
    pair.acquire(pair.a, 2, 11);
    pair.run(seconds(5));
    return std::count_if(pair.sent.begin(), pair.sent.end(),
                         [&](const SentDatagram& sent) { return header_of(sent).exchange == exchange; });
  };
  EXPECT_EQ(messages(false, false, ExchangeType::kIdentityProtection), 6);
  EXPECT_EQ(messages(true, false, ExchangeType::kIdentityProtection), 6);
  EXPECT_EQ(messages(false, true, ExchangeType::kIdentityProtection), 12);
  for (const bool pfs : {false, true}) EXPECT_EQ(messages(pfs, false, ExchangeType::kQuickMode), 8) << pfs;
}

TEST(KeyProtection, KEY_39_master_and_session_pfs_are_set_independently) {
  for (const bool pfs : {false, true}) {
    for (const bool master_pfs : {false, true}) {
      Pair pair;
      PolicyOptions options;
      options.extra_filters = 1;
      options.pfs = pfs;
      options.master_pfs = master_pfs;
      establish(pair, options);
      pair.acquire(pair.a, 2, 11);
      pair.run(seconds(5));
      EXPECT_EQ(main_modes_begun(pair), master_pfs ? 2U : 1U);
      for (const SaParameters& sa : pair.a.driver.outbound) {
        EXPECT_EQ(sa.pfs_group, pfs ? DhGroup::kCurve25519 : DhGroup::kNone);
      }
      EXPECT_EQ(compare_sas(pair), "");
    }
  }
}

bool is_anywhere(const Pair& pair, ByteView secret) {
  return std::any_of(pair.sent.begin(), pair.sent.end(), [&](const SentDatagram& sent) {
    const Bytes& octets = sent.datagram.bytes;
    return std::search(octets.begin(), octets.end(), secret.begin(), secret.end()) != octets.end();
  });
}

TEST(KeyProtection, MM_16_MM_17_both_sides_have_the_same_keys_and_none_crosses_the_wire) {
  Pair pair;
  establish(pair);
  EXPECT_EQ(compare_sas(pair), "") << "the same keys on both ends";
  for (const Host* host : {&pair.a, &pair.b}) {
    for (const SaParameters& sa : host->driver.installed) {
      EXPECT_FALSE(is_anywhere(pair, sa.encryption_key.view()));
      EXPECT_FALSE(is_anywhere(pair, sa.integrity_key.view()));
    }
  }
  const Bytes& first = pair.sent.front().datagram.bytes;
  EXPECT_TRUE(is_anywhere(pair, ByteView(first).subspan(40, 16))) << "what is looked for would be found";
}

}  // namespace
}  // namespace ipsec::ike::tests
