#include "services/ike/core/negotiation_log.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::seconds;

FailedNegotiation failed_with(const std::string& rule, FailureReason reason = FailureReason::kNoProposalChosen) {
  FailedNegotiation failed;
  failed.rule_name = rule;
  failed.failure = {reason, "text"};
  return failed;
}

TEST(NegotiationLog, the_same_failure_is_counted_and_becomes_the_newest) {
  NegotiationLog log;
  log.add(failed_with("a"));
  log.add(failed_with("b"));
  log.add(failed_with("a"));
  log.add(failed_with("a", FailureReason::kPfsMismatch));
  const auto listed = log.newest_first();
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0].failure.reason, FailureReason::kPfsMismatch);
  EXPECT_EQ(listed[1].rule_name, "a");
  EXPECT_EQ(listed[1].times, 2U);
  EXPECT_EQ(listed[2].rule_name, "b");
}

TEST(NegotiationLog, the_oldest_goes_when_there_are_too_many) {
  NegotiationLog log;
  for (std::size_t i = 0; i <= kMaxFailedNegotiations; ++i) log.add(failed_with(std::to_string(i)));
  const auto listed = log.newest_first();
  ASSERT_EQ(listed.size(), kMaxFailedNegotiations);
  EXPECT_EQ(listed.back().rule_name, "1");
}

TEST(NegotiationLog, long_lists_of_terms_are_cut_and_say_so) {
  const auto cut = shortened(std::vector<std::string>(kMaxTermsListed + 3, "x"));
  ASSERT_EQ(cut.size(), kMaxTermsListed + 1);
  EXPECT_EQ(cut.back(), "and 3 more");
}

// Terms: a responder knows both sides, an initiator what it offered. Explanations are in explanation_test.cpp.
struct BothSides {
  FailedNegotiation initiator;
  FailedNegotiation responder;
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
  for (const Host* host : {&pair.a, &pair.b}) {
    const FailedNegotiation& failed = host == &pair.a ? at_a[0] : at_b[0];
    const ReportEvent* event = host->find_event(std::string(name(failed.failure.reason)));
    EXPECT_NE(event, nullptr);
    if (event == nullptr) continue;
    EXPECT_EQ(event->fields.at("rule"), "rule");
    EXPECT_EQ(event->fields.at("policy"), failed.policy_name);
    EXPECT_EQ(event->fields.contains("offered"), true);
    EXPECT_NE(event->text.find("rule 'rule'"), std::string::npos) << event->text;
    EXPECT_NE(event->text.find("policy '" + failed.policy_name + "'"), std::string::npos) << event->text;
  }
  return {at_a[0], at_b[0]};
}

using Texts = std::vector<std::string>;

TEST(NegotiationLog, MM_24_MM_36_a_main_mode_without_common_offer_lists_both_sides) {
  PolicyOptions of_b;
  of_b.main_mode_offers = {{Cipher::kAes256Cbc, Integrity::kSha384, DhGroup::kEcp384}};
  const auto [a, b] = fail({}, of_b);
  EXPECT_EQ(b.mode, NegotiationMode::kMain);
  EXPECT_FALSE(b.initiator);
  EXPECT_EQ(b.failure.terms.offered, Texts{"AES128-SHA256-curve25519 (preshared key)"});
  EXPECT_EQ(b.failure.terms.configured, Texts{"AES256-SHA384-ecp384"});
  EXPECT_EQ(b.policy_name, "mm");
  EXPECT_TRUE(a.initiator);
  EXPECT_EQ(a.failure.terms.offered, Texts{"AES128-SHA256-curve25519"});
  EXPECT_TRUE(a.failure.terms.configured.empty()) << "the peer does not tell";
}

TEST(NegotiationLog, KEY_29_a_quick_mode_without_common_offer_lists_both_sides) {
  PolicyOptions of_b;
  of_b.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kMd5}, 0, 900}};
  const auto [a, b] = fail({}, of_b);
  EXPECT_EQ(b.mode, NegotiationMode::kQuick);
  EXPECT_EQ(b.failure.terms.offered, Texts{"ESP AES128-SHA1 transport"});
  ASSERT_EQ(b.failure.terms.configured.size(), 1U);
  EXPECT_NE(b.failure.terms.configured[0].find("policy 'qm' allows ESP 3DES-MD5 in transport mode"), std::string::npos);
  ASSERT_EQ(a.failure.terms.offered.size(), 2U);
  EXPECT_EQ(a.failure.terms.offered[0], "ESP AES128-SHA1");
  EXPECT_EQ(a.policy_name, "qm");
}

TEST(NegotiationLog, MM_19_a_wrong_key_is_named_with_the_rule_on_both_sides) {
  PolicyOptions of_b;
  of_b.psk = "another key";
  const auto [a, b] = fail({}, of_b);
  for (const FailedNegotiation& failed : {a, b}) {
    EXPECT_EQ(failed.failure.reason, FailureReason::kAuthenticationFailed);
    EXPECT_EQ(failed.failure.terms.offered, Texts{"a preshared key of 10.77.0.1"});
    EXPECT_EQ(failed.failure.terms.configured, Texts{"another preshared key on 10.77.0.2"});
  }
}

TEST(NegotiationLog, QM_09_traffic_that_no_filter_has_is_listed_beside_the_filters) {
  Pair pair;
  PolicyOptions of_b;
  of_b.protocol = kProtocolTcp;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  const auto failed = pair.b.engine.failed_negotiations();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].failure.terms.offered, Texts{"10.77.0.1 -> 10.77.0.2 ANY"});
  EXPECT_EQ(failed[0].failure.terms.configured, Texts{"10.77.0.2 -> 10.77.0.1 TCP in transport mode (rule 'rule')"});
}

TEST(NegotiationLog, a_peer_without_main_mode_filter_is_listed_beside_the_filters) {
  Pair pair;
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, *IpAddress::parse("192.0.2.1")));
  pair.acquire(pair.a, 1);
  const auto failed = pair.a.engine.failed_negotiations();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].failure.reason, FailureReason::kNoMainModeFilter);
  EXPECT_EQ(failed[0].failure.terms.offered, Texts{"10.77.0.1 and 10.77.0.2"});
  EXPECT_EQ(failed[0].failure.terms.configured, Texts{"10.77.0.1 and 192.0.2.1 (rule 'rule')"});
}

}  // namespace
}  // namespace ipsec::ike::tests
