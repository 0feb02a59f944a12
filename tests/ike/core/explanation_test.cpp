#include "services/ike/core/explanation.h"

#include <algorithm>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ike/core/alternatives.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/offer_table.h"
#include "services/ike/core/quick_mode_negotiation.h"
#include "services/ike/core/windows_ids.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const MainModeOffer kStrong{Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kEcp256};
const MainModeOffer kUsual{Cipher::kAes128Cbc, Integrity::kSha256, DhGroup::kCurve25519};

struct BothSides {
  FailedNegotiation a;  // began
  FailedNegotiation b;
};

BothSides fail(const PolicyOptions& of_a, const PolicyOptions& of_b) {
  Pair pair;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, of_a),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  pair.acquire(pair.a, 1);
  pair.run(seconds(200));
  const auto at_a = pair.a.engine.failed_negotiations();
  const auto at_b = pair.b.engine.failed_negotiations();
  EXPECT_EQ(at_a.size(), 1U);
  EXPECT_EQ(at_b.size(), 1U);
  if (at_a.empty() || at_b.empty()) return {};
  return {at_a[0], at_b[0]};
}

bool succeeds(const PolicyOptions& of_a, const PolicyOptions& of_b) {
  Pair pair;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, of_a),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  pair.acquire(pair.a, 1);
  pair.run(seconds(100));
  return !pair.a.driver.outbound.empty() && compare_sas(pair).empty();
}

// The texts of a row; those that differ end with '*'.
std::vector<std::string> texts(const OfferRow& row) {
  std::vector<std::string> found;
  for (const OfferCell& cell : row.cells) found.push_back(cell.text + (cell.differs ? "*" : ""));
  return found;
}

const Remedy* remedy_for(const FailedNegotiation& failed, Side side) {
  for (const Remedy& remedy : failed.explanation.remedies) {
    if (remedy.side == side) return &remedy;
  }
  return nullptr;
}

void apply(const Remedy& remedy, PolicyOptions& options) {
  if (!remedy.main_mode_offers.empty()) options.main_mode_offers = remedy.main_mode_offers;
  if (!remedy.quick_mode_offers.empty()) options.quick_mode_offers = remedy.quick_mode_offers;
  if (remedy.pfs_group) {
    options.pfs = *remedy.pfs_group != DhGroup::kNone;
    options.pfs_group = *remedy.pfs_group;
  }
}

TEST(Explanation, MM_24_MM_36_main_mode_offers_stand_side_by_side_on_both_sides) {
  PolicyOptions of_b;
  of_b.main_mode_offers = {{Cipher::kTripleDes, Integrity::kMd5, DhGroup::kModp768}, kStrong};
  of_b.main_mode_lifetime = 600;
  const auto [a, b] = fail({}, of_b);
  for (const FailedNegotiation& failed : {a, b}) {
    const OfferTable& offers = failed.explanation.offers;
    EXPECT_THAT(offers.columns, ElementsAre("Encryption", "Hash", "Group", "Lifetime", "Authentication"));
    ASSERT_THAT(offers.offered, SizeIs(1));
    ASSERT_THAT(offers.configured, SizeIs(2));
    EXPECT_THAT(texts(offers.offered[0]), ElementsAre("AES128*", "SHA256", "curve25519*", "28800 s", "preshared key"));
    EXPECT_TRUE(offers.offered[0].closest);
    EXPECT_FALSE(offers.configured[0].closest);
    EXPECT_THAT(texts(offers.configured[1]), ElementsAre("AES256*", "SHA256", "ecp256*", "600 s", "preshared key"));
    EXPECT_TRUE(offers.configured[1].closest);
    EXPECT_EQ(failed.explanation.at, "main mode message 1");
    EXPECT_TRUE(failed.explanation.unproven) << "whoever sent it";
  }
  EXPECT_EQ(b.explanation.refused_by, Side::kThisHost);
  EXPECT_EQ(a.explanation.refused_by, Side::kPeer);
  EXPECT_EQ(a.explanation.notify, "NO-PROPOSAL-CHOSEN");
  ASSERT_NE(remedy_for(b, Side::kThisHost), nullptr);
  EXPECT_THAT(remedy_for(b, Side::kThisHost)->fields, ElementsAre("encryption", "group"));
  EXPECT_EQ(remedy_for(b, Side::kThisHost)->main_mode_offers.back(), kUsual);
  ASSERT_NE(remedy_for(b, Side::kPeer), nullptr);
  EXPECT_EQ(remedy_for(b, Side::kPeer)->main_mode_offers.back(), kStrong);
}

TEST(Explanation, a_change_to_something_weak_says_so_and_is_not_chosen_where_another_is_as_small) {
  PolicyOptions of_b;
  of_b.main_mode_offers = {{Cipher::kDes, Integrity::kSha256, DhGroup::kCurve25519},
                           {Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kCurve25519}};
  const auto [a, b] = fail({}, of_b);
  ASSERT_NE(remedy_for(a, Side::kThisHost), nullptr);
  EXPECT_FALSE(remedy_for(a, Side::kThisHost)->weak);
  EXPECT_EQ(remedy_for(a, Side::kThisHost)->main_mode_offers.back().cipher, Cipher::kAes256Cbc);
  of_b.main_mode_offers.pop_back();
  const auto only_weak = fail({}, of_b);
  ASSERT_NE(remedy_for(only_weak.a, Side::kThisHost), nullptr);
  EXPECT_TRUE(remedy_for(only_weak.a, Side::kThisHost)->weak);
  EXPECT_FALSE(remedy_for(only_weak.a, Side::kPeer)->weak);
}

TEST(Explanation, KEY_29_quick_mode_offers_stand_side_by_side_on_both_sides) {
  PolicyOptions of_b;
  of_b.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kSha1}, 50000, 900}};
  of_b.pfs = true;
  const auto [a, b] = fail({}, of_b);
  for (const FailedNegotiation& failed : {a, b}) {
    const OfferTable& offers = failed.explanation.offers;
    EXPECT_THAT(offers.columns, ElementsAre("Protocol", "Encryption", "Integrity", "PFS group", "Encapsulation",
                                            "Lifetime", "Kilobytes"));
    ASSERT_THAT(offers.offered, SizeIs(1));
    ASSERT_THAT(offers.configured, SizeIs(1));
    EXPECT_THAT(texts(offers.offered[0]),
                ElementsAre("ESP", "AES128*", "SHA1", "none*", "transport", "3600 s", "100000 kB"));
    EXPECT_THAT(texts(offers.configured[0]),
                ElementsAre("ESP", "3DES*", "SHA1", "curve25519*", "transport", "900 s", "50000 kB"));
    EXPECT_EQ(failed.explanation.at, "quick mode message 1");
    EXPECT_FALSE(failed.explanation.unproven);
  }
  ASSERT_NE(remedy_for(b, Side::kThisHost), nullptr);
  EXPECT_THAT(remedy_for(b, Side::kThisHost)->fields, ElementsAre("encryption", "PFS group"));
  EXPECT_EQ(remedy_for(b, Side::kThisHost)->pfs_group, DhGroup::kNone);
  EXPECT_EQ(remedy_for(b, Side::kPeer)->pfs_group, DhGroup::kCurve25519);
}

// Lifetimes, offers and PFS at random: whatever a remedy says, on whichever host, makes the negotiation succeed.
TEST(Explanation, a_remedy_mends_what_it_explains) {
  const Cipher ciphers[] = {Cipher::kTripleDes, Cipher::kAes128Cbc, Cipher::kAes256Cbc};
  const Integrity hashes[] = {Integrity::kSha1, Integrity::kSha256, Integrity::kMd5};
  const DhGroup groups[] = {DhGroup::kCurve25519, DhGroup::kEcp256};
  SeededRandom random(20261130);
  const auto pick = [&](const auto& list) { return list[random.u32() % std::size(list)]; };
  const auto any_policy = [&] {
    PolicyOptions options;
    options.main_mode_offers.clear();
    options.quick_mode_offers.clear();
    for (std::uint32_t i = random.u32() % 2; i < 2; ++i) {
      options.main_mode_offers.push_back({pick(ciphers), pick(hashes), pick(groups)});
      options.quick_mode_offers.push_back({std::nullopt, EspOffer{pick(ciphers), pick(hashes)}, 0, 900});
    }
    options.pfs = random.u32() % 3 == 0;
    return options;
  };
  int failures = 0;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const PolicyOptions of_a = any_policy();
    const PolicyOptions of_b = any_policy();
    if (succeeds(of_a, of_b)) continue;
    ++failures;
    const auto found = fail(of_a, of_b);
    for (const bool seen_by_a : {true, false}) {
      for (const Side side : {Side::kThisHost, Side::kPeer}) {
        const bool of_host_a = seen_by_a == (side == Side::kThisHost);
        PolicyOptions a = of_a;
        PolicyOptions b = of_b;
        FailedNegotiation seen = seen_by_a ? found.a : found.b;
        // Main mode first; where quick mode then fails, too, its own explanation counts.
        for (int step = 0; step < 2 && !succeeds(a, b); ++step) {
          const Remedy* remedy = remedy_for(seen, side);
          ASSERT_NE(remedy, nullptr) << name(seen.failure.reason);
          apply(*remedy, of_host_a ? a : b);
          if (succeeds(a, b)) break;
          ASSERT_EQ(step, 0) << "a quick mode with its remedy fails";
          ASSERT_EQ(seen.mode, NegotiationMode::kMain);
          const auto again = fail(a, b);
          seen = seen_by_a ? again.a : again.b;
          ASSERT_EQ(seen.mode, NegotiationMode::kQuick) << "a main mode with its remedy fails";
        }
        EXPECT_TRUE(succeeds(a, b));
      }
    }
  }
  EXPECT_GT(failures, 20);
}

TEST(Explanation, MM_19_a_wrong_key_says_what_each_side_saw_and_sets_keys_on_both) {
  PolicyOptions of_b;
  of_b.psk = "Tr0ub4dor";
  const auto [a, b] = fail({}, of_b);
  EXPECT_EQ(b.explanation.refused_by, Side::kThisHost);
  EXPECT_EQ(b.explanation.at, "main mode message 5");
  EXPECT_THAT(b.explanation.facts, Contains(HasSubstr("message 5 of 10.77.0.1 does not decrypt")));
  EXPECT_EQ(a.explanation.refused_by, Side::kPeer);
  EXPECT_EQ(a.explanation.at, "main mode message 5");
  EXPECT_EQ(a.explanation.notify, "AUTHENTICATION-FAILED");
  EXPECT_THAT(a.explanation.facts, Contains(HasSubstr("was sent")));
  for (const FailedNegotiation& failed : {a, b}) {
    EXPECT_TRUE(failed.explanation.unproven);
    EXPECT_THAT(failed.explanation.checks, Contains(HasSubstr("the preshared key on both sides")));
    for (const Side side : {Side::kThisHost, Side::kPeer}) {
      ASSERT_NE(remedy_for(failed, side), nullptr);
      EXPECT_EQ(remedy_for(failed, side)->authentication, "preshared key");
    }
    for (const auto& list : {failed.explanation.facts, failed.explanation.checks}) {
      EXPECT_THAT(list, testing::Each(testing::Not(HasSubstr("Tr0ub4dor"))));
    }
  }
}

TEST(Explanation, QM_09_traffic_is_two_sets_with_their_overlap_on_both_sides) {
  Pair pair;
  PolicyOptions of_b;
  of_b.protocol = kProtocolTcp;
  of_b.local_port = 445;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  const auto at_a = pair.a.engine.failed_negotiations();
  const auto at_b = pair.b.engine.failed_negotiations();
  ASSERT_THAT(at_a, SizeIs(1));
  ASSERT_THAT(at_b, SizeIs(1));
  const Selector all{AddressRange::host(pair.a.endpoint.address), AddressRange::host(pair.b.endpoint.address),
                     kProtocolAny, PortRange::any(), PortRange::any()};
  Selector service = all;
  service.protocol = kProtocolTcp;
  service.destination_port = PortRange::single(445);
  ASSERT_TRUE(at_a[0].explanation.traffic);
  EXPECT_EQ(at_a[0].explanation.traffic->asked, all);
  EXPECT_EQ(at_a[0].explanation.traffic->configured, service);
  EXPECT_EQ(at_a[0].explanation.traffic->overlap, service);
  ASSERT_TRUE(at_b[0].explanation.traffic);
  EXPECT_EQ(at_b[0].explanation.traffic->asked, all.mirrored());
  EXPECT_EQ(at_b[0].explanation.traffic->configured, service.mirrored());
  // Each side as it sees it: b takes all, or a asks for the service.
  ASSERT_NE(remedy_for(at_b[0], Side::kThisHost), nullptr);
  EXPECT_EQ(remedy_for(at_b[0], Side::kThisHost)->filter, all.mirrored());
  EXPECT_EQ(remedy_for(at_b[0], Side::kThisHost)->rule, "rule");
  EXPECT_EQ(remedy_for(at_b[0], Side::kPeer)->filter, service);
  ASSERT_NE(remedy_for(at_a[0], Side::kThisHost), nullptr);
  EXPECT_EQ(remedy_for(at_a[0], Side::kThisHost)->filter, service);
  EXPECT_EQ(remedy_for(at_a[0], Side::kPeer)->filter, all.mirrored());
}

TEST(Explanation, ARC_17_a_host_without_policy_keeps_silent_and_says_so_at_home) {
  Pair pair;
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, pair.b.endpoint.address));
  pair.acquire(pair.a, 1);
  pair.give(pair.a, PeerUnreachable{pair.b.endpoint.address, pair.b.endpoint.address, 3, 3});
  pair.run(seconds(100));
  const auto at_a = pair.a.engine.failed_negotiations();
  const auto at_b = pair.b.engine.failed_negotiations();
  ASSERT_THAT(at_a, SizeIs(1));
  EXPECT_EQ(at_a[0].failure.reason, FailureReason::kTimeoutMessage2);
  EXPECT_EQ(at_a[0].explanation.refused_by, Side::kNobody);
  EXPECT_EQ(at_a[0].explanation.at, "main mode message 2");
  EXPECT_THAT(at_a[0].explanation.facts, Contains(HasSubstr("was sent 6 times from 10.77.0.1:500")));
  EXPECT_THAT(at_a[0].explanation.facts, Contains(HasSubstr("nothing came from 10.77.0.2 in 63 s")));
  EXPECT_THAT(at_a[0].explanation.facts, Contains(HasSubstr("port unreachable")));
  EXPECT_THAT(at_a[0].explanation.checks, Contains(HasSubstr("a policy is assigned on 10.77.0.2")));
  EXPECT_THAT(at_a[0].explanation.offers.offered, SizeIs(1));
  EXPECT_THAT(at_a[0].explanation.offers.configured, IsEmpty());
  ASSERT_THAT(at_b, SizeIs(1));
  EXPECT_EQ(at_b[0].failure.reason, FailureReason::kNoPolicy);
  EXPECT_EQ(at_b[0].times, 1U) << "one for a message and its repetitions";
  EXPECT_TRUE(remedy_for(at_b[0], Side::kThisHost)->assign);
  EXPECT_EQ(pair.b.count_events("no_policy"), 1U);
}

TEST(Explanation, a_peer_that_no_rule_covers_is_held_against_the_nearest_filter) {
  Pair pair;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, *IpAddress::parse("10.77.0.3")));
  pair.acquire(pair.a, 1);
  pair.run(seconds(10));
  const auto at_b = pair.b.engine.failed_negotiations();
  ASSERT_THAT(at_b, SizeIs(1));
  EXPECT_EQ(at_b[0].failure.reason, FailureReason::kNoMainModeFilter);
  ASSERT_TRUE(at_b[0].explanation.traffic);
  EXPECT_FALSE(at_b[0].explanation.traffic->overlap);
  ASSERT_NE(remedy_for(at_b[0], Side::kThisHost), nullptr);
  EXPECT_EQ(remedy_for(at_b[0], Side::kThisHost)->filter->destination, AddressRange::host(pair.a.endpoint.address));
  const auto at_a = pair.a.engine.failed_negotiations();
  ASSERT_THAT(at_a, SizeIs(1));
  EXPECT_THAT(at_a[0].explanation.checks, Contains(HasSubstr("whether it has a rule for 10.77.0.1 at all")));
}

TEST(Explanation, exchanges_and_versions_that_are_not_spoken_are_named_once) {
  Pair pair;
  set_mirrored_policies(pair);
  struct Case {
    std::uint8_t version;
    std::uint8_t exchange;
    FailureReason reason;
    const char* name;
  };
  std::map<FailureReason, std::size_t> events;
  for (const Case& one : {Case{0x20, 34, FailureReason::kUnsupportedVersion, "IKEv2"},
                          Case{0x10, 4, FailureReason::kUnsupportedExchange, "aggressive mode"},
                          Case{0x10, 0xf3, FailureReason::kUnsupportedExchange, "AuthIP"}}) {
    Bytes octets(28);
    octets[7] = one.exchange;
    octets[17] = one.version;
    octets[18] = one.exchange;
    octets[27] = 28;
    pair.inject(pair.a, octets);
    pair.inject(pair.a, octets);
    pair.run(seconds(1));
    const auto found = pair.b.engine.failed_negotiations();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].failure.reason, one.reason);
    EXPECT_THAT(found[0].failure.text, HasSubstr(one.name));
    EXPECT_EQ(pair.b.count_events(std::string(name(one.reason))), ++events[one.reason]) << "none for a repetition";
  }
  // What is no first message says nothing.
  Bytes later(28, 1);
  later[17] = 0x20;
  pair.inject(pair.a, later);
  pair.run(seconds(1));
  EXPECT_THAT(pair.b.engine.failed_negotiations(), SizeIs(2)) << "the last two are the same failure";
}

TEST(Explanation, AH_and_ESP_of_one_offer_have_a_row_each) {
  const auto proposal = [](std::uint8_t number, std::uint8_t protocol, std::uint8_t id, std::uint16_t hash) {
    Transform transform{1, id, {Attribute::number(phase2::kEncapsulation, 2)}};
    if (hash != 0) transform.attributes.push_back(Attribute::number(phase2::kAuthentication, hash));
    return Proposal{number, protocol, Bytes{1, 2, 3, 4}, {transform}};
  };
  const SaPayload both{1, 1, {proposal(1, 2, 3, 2), proposal(1, 3, 3, 0)}};  // AH SHA1 + ESP 3DES
  const SaPayload only_esp{1, 1, {proposal(1, 3, 3, 1)}};                    // ESP 3DES-MD5
  const Comparison found = compare_quick_mode(both, only_esp, Side::kPeer);
  ASSERT_THAT(found.table.offered, SizeIs(2));
  EXPECT_EQ(found.table.offered[0].offer, 1U);
  EXPECT_EQ(found.table.offered[1].offer, 1U);
  EXPECT_THAT(texts(found.table.offered[0]), ElementsAre("AH*", "none", "SHA1", "none", "transport", "none", "none"));
  EXPECT_THAT(texts(found.table.offered[1]), ElementsAre("ESP", "3DES", "NONE*", "none", "transport", "none", "none"));
  ASSERT_THAT(found.remedies, SizeIs(2));
  EXPECT_THAT(found.remedies[0].fields, ElementsAre("protocol", "integrity"));
  EXPECT_EQ(found.remedies[0].quick_mode_offers.back().ah, Integrity::kSha1);
}

TEST(Explanation, a_table_of_very_many_offers_is_cut_and_keeps_the_closest) {
  SaPayload many{1, 1, {Proposal{1, kProtocolIsakmp, {}, {}}}};
  for (int i = 0; i < 250; ++i) {
    Transform transform{static_cast<std::uint8_t>(i + 1), kTransformKeyIke, {}};
    transform.attributes.push_back(Attribute::number(phase1::kEncryption, static_cast<std::uint16_t>(1000 + i)));
    if (i == 50) transform.attributes.push_back(Attribute::number(phase1::kAuthenticationMethod, 1));
    many.proposals[0].transforms.push_back(transform);
  }
  MainModePolicy policy;
  policy.offers = {kUsual};
  const Comparison found = compare_main_mode(many, main_mode_offers(policy), Side::kPeer);
  EXPECT_LE(found.table.offered.size(), kMaxTermsListed);
  EXPECT_TRUE(std::any_of(found.table.offered.begin(), found.table.offered.end(),
                          [](const OfferRow& row) { return row.closest && row.offer == 51; }));
  EXPECT_EQ(found.table.offered.size() + found.table.more_offered, kMaxOffersCompared);
  ASSERT_THAT(found.remedies, SizeIs(1)) << "this host has no words for those ciphers";
  EXPECT_EQ(found.remedies[0].side, Side::kPeer);
}

TEST(Explanation, what_a_refusal_says_is_never_longer_than_what_was_asked) {
  Pair pair;
  PolicyOptions of_b;
  of_b.main_mode_offers.assign(20, kStrong);
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  ASSERT_GE(pair.sent.size(), 2U);
  EXPECT_LE(pair.sent[1].datagram.bytes.size(), pair.sent[0].datagram.bytes.size());
  EXPECT_GT(pair.sent[1].datagram.bytes.size(), 100U);
}

TEST(Explanation, only_a_peer_that_understands_it_is_told_more_than_no) {
  Pair pair;
  PolicyOptions of_b;
  of_b.main_mode_offers = {kStrong};
  pair.set_policies({}, make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  MainModePolicy foreign;
  foreign.offers = {kUsual};
  Header header;
  header.initiator_cookie = 7;
  header.exchange = ExchangeType::kIdentityProtection;
  const std::vector<PayloadContent> payloads = {main_mode_offers(foreign)};
  pair.inject(pair.a, write_clear_message(header, payloads));
  pair.run(seconds(1));
  ASSERT_EQ(pair.sent.size(), 1U);
  const auto answer = parse_clear_message(pair.sent[0].datagram.bytes);
  ASSERT_TRUE(answer.ok());
  ASSERT_NE(answer->chain.find<NotifyPayload>(), nullptr);
  EXPECT_THAT(answer->chain.find<NotifyPayload>()->data, IsEmpty());
}

TEST(Explanation, alternatives_that_are_none_are_left_alone) {
  EXPECT_FALSE(read_alternatives({}));
  EXPECT_FALSE(read_alternatives(Bytes{1, 2, 3}));
  EXPECT_FALSE(read_alternatives(Bytes(kMaxMessage1Size + 1)));
  EXPECT_FALSE(read_traffic({}));
  EXPECT_FALSE(read_traffic(Bytes{0, 0, 0, 8, 1, 0, 0, 0}));
  const Selector outbound{AddressRange::host(*IpAddress::parse("10.0.0.1")), *AddressRange::parse("10.1.0.0/16"),
                          kProtocolTcp, PortRange::any(), PortRange::single(80)};
  EXPECT_EQ(read_traffic(write_traffic(outbound)), outbound.mirrored());
  Selector wide = outbound;
  wide.destination_port = {1, 2};
  EXPECT_THAT(write_traffic(wide), IsEmpty()) << "ISAKMP cannot say it";
}

TEST(Explanation, windows_ids_are_the_documented_ones) {
  const WindowsIds offers = windows_ids(NegotiationMode::kMain, FailureReason::kNoProposalChosen);
  EXPECT_EQ(offers.event, 4653U);
  EXPECT_EQ(offers.event_2003, 547U);
  EXPECT_EQ(offers.status, 13868U);
  EXPECT_EQ(windows_ids(NegotiationMode::kQuick, FailureReason::kPfsMismatch).event, 4654U);
  EXPECT_EQ(windows_ids(NegotiationMode::kMain, FailureReason::kAuthenticationFailed).event_2003, 545U);
  EXPECT_EQ(windows_ids(NegotiationMode::kMain, FailureReason::kMalformedMessage).event, 4976U);
  EXPECT_EQ(windows_ids(NegotiationMode::kQuick, FailureReason::kMalformedMessage).event, 4977U);
  EXPECT_EQ(windows_ids(NegotiationMode::kMain, FailureReason::kTimeoutMessage2).status, 13805U);
  EXPECT_EQ(windows_ids("main_mode_established")->event, 4650U);
  EXPECT_EQ(windows_ids("quick_mode_ended")->event_2003, 542U);
  EXPECT_FALSE(windows_ids("driver_lost"));
}

}  // namespace
}  // namespace ipsec::ike::tests
