#include "services/ike/core/default_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

// Host a is a server whose rule secures what it has with host b, a client with the default response rule only.
namespace ipsec::ike::tests {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Selector from_client(const Pair& pair, std::uint16_t server_port = 0) {
  return {AddressRange::host(pair.b.endpoint.address),
          AddressRange::host(pair.a.endpoint.address),
          server_port == 0 ? kProtocolAny : kProtocolTcp,
          {},
          PortRange::from_number(server_port)};
}

void set_server(Pair& pair, const PolicyOptions& options = {}) {
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, pair.b.endpoint.address, options));
}

// Until the client waits for a filter for what the server asks.
void ask(Pair& pair, const PolicyOptions& of_server = {}) {
  set_server(pair, of_server);
  pair.set_policy(pair.b, make_default_response_policy());
  pair.acquire(pair.a, 1);
  pair.run(std::chrono::milliseconds(100));
  ASSERT_EQ(pair.b.questions.size(), 1U);
}

void grant(Pair& pair) {
  pair.set_policy(pair.b, with_dynamic_filter(pair.b.engine.policy(), pair.b.questions.back().outbound));
}

std::size_t quick_mode_messages_of_client(const Pair& pair) {
  std::size_t count = 0;
  for (const SentDatagram& sent : pair.sent) {
    count += !sent.from_a && parse_header(sent.datagram.bytes)->exchange == ExchangeType::kQuickMode ? 1 : 0;
  }
  return count;
}

FailedNegotiation last_failure(const Host& host) {
  const auto failed = host.engine.failed_negotiations();
  EXPECT_FALSE(failed.empty());
  return failed.empty() ? FailedNegotiation() : failed.front();
}

TEST(DefaultResponse, DR_06_an_explicit_filter_wins) {
  Pair pair;
  set_server(pair);
  IkePolicy client = make_policy(pair.b.endpoint.address, pair.a.endpoint.address);
  client.default_response = {true, client.quick_mode_policies.front(), "mm", {KerberosMethod{}}};
  pair.set_policy(pair.b, client);
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.questions.empty());
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound[0].filter_id, 1U);
}

TEST(DefaultResponse, DR_06_an_explicit_tunnel_wins_though_the_peer_prefers_transport_mode) {
  Pair pair;
  set_server(pair);
  PolicyOptions tunnel;
  tunnel.local_network = AddressRange::host(pair.b.endpoint.address);
  tunnel.remote_network = AddressRange::host(pair.a.endpoint.address);
  IkePolicy client = make_policy(pair.b.endpoint.address, pair.a.endpoint.address, tunnel);
  client.default_response = make_default_response_policy().default_response;
  pair.set_policy(pair.b, client);
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.questions.empty());
  EXPECT_TRUE(pair.b.driver.outbound.empty());
}

TEST(DefaultResponse, DR_07_an_inactive_rule_refuses_main_mode_and_says_so) {
  Pair pair;
  set_server(pair);
  IkePolicy client = make_default_response_policy();
  client.default_response.active = false;
  pair.set_policy(pair.b, client);
  pair.acquire(pair.a, 1);
  pair.run(seconds(70));
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  ASSERT_TRUE(pair.b.has_event("no_main_mode_filter"));
  EXPECT_THAT(pair.b.find_event("no_main_mode_filter")->text, HasSubstr("default response inactive"));
  EXPECT_THAT(last_failure(pair.b).failure.text, HasSubstr("default response inactive"));
}

TEST(DefaultResponse, DR_07_an_inactive_rule_refuses_quick_mode_and_says_so) {
  Pair pair;
  set_server(pair);
  PolicyOptions narrow;
  narrow.protocol = kProtocolTcp;
  pair.set_policy(pair.b, make_policy(pair.b.endpoint.address, pair.a.endpoint.address, narrow));
  pair.acquire(pair.a, 1);
  pair.run(seconds(10));
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_TRUE(pair.b.questions.empty());
  EXPECT_EQ(last_failure(pair.b).failure.reason, FailureReason::kNoMatchingFilter);
  EXPECT_THAT(last_failure(pair.b).failure.text, HasSubstr("default response inactive"));
}

TEST(DefaultResponse, a_host_without_policy_has_no_inactive_rule_either_and_says_nothing_to_the_peer) {
  Pair pair;
  set_server(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_EQ(last_failure(pair.b).failure.reason, FailureReason::kNoPolicy);
  EXPECT_TRUE(std::all_of(pair.sent.begin(), pair.sent.end(), [](const auto& sent) { return sent.from_a; }));
}

TEST(DefaultResponse, DR_08_the_agent_is_asked_once_and_the_quick_mode_goes_on_with_its_filter) {
  Pair pair;
  PolicyOptions web;
  web.protocol = kProtocolTcp;
  web.local_port = 80;
  ask(pair, web);
  EXPECT_EQ(pair.b.questions[0].local, pair.b.endpoint.address);
  EXPECT_EQ(pair.b.questions[0].peer, pair.a.endpoint.address);
  EXPECT_EQ(pair.b.questions[0].outbound, from_client(pair, 80));
  EXPECT_TRUE(pair.b.has_event("default_response"));

  pair.run(seconds(5));
  EXPECT_EQ(pair.b.questions.size(), 1U) << "repetitions of message 1 are not looked at";
  EXPECT_EQ(quick_mode_messages_of_client(pair), 0U);
  grant(pair);
  pair.run(seconds(1));
  EXPECT_EQ(compare_sas(pair), "");
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound[0].filter_id, 101U);
  EXPECT_EQ(pair.b.driver.outbound[0].selector, from_client(pair, 80));
  EXPECT_EQ(pair.b.driver.inbound.begin()->second.filter_id, 102U);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U) << "the new policy has the same authentication for the peer";
  pair.run(seconds(130));
  EXPECT_EQ(compare_sas(pair), "") << "nothing of the waiting is left";
}

TEST(DefaultResponse, what_the_rule_would_not_accept_is_refused_without_asking) {
  Pair pair;
  PolicyOptions weak;
  weak.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kMd5}, 0, 3600}};
  set_server(pair, weak);
  pair.set_policy(pair.b, make_default_response_policy());
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.questions.empty());
  EXPECT_EQ(last_failure(pair.b).failure.reason, FailureReason::kNoProposalChosen);
}

TEST(DefaultResponse, networks_are_not_the_business_of_the_rule) {
  Pair pair;
  PolicyOptions networks;
  networks.local_network = *AddressRange::parse("192.168.1.0/24");
  networks.remote_network = *AddressRange::parse("192.168.2.0/24");
  set_server(pair, networks);
  pair.set_policy(pair.b, make_default_response_policy());
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.questions.empty());
  EXPECT_EQ(last_failure(pair.b).failure.reason, FailureReason::kNoMatchingFilter);
  EXPECT_THAT(last_failure(pair.b).failure.text, HasSubstr("for this host itself only"));
}

TEST(DefaultResponse, without_an_answer_of_the_agent_the_peer_is_refused_after_a_while) {
  Pair pair;
  ask(pair);
  pair.run(kFilterPatience - seconds(1));
  EXPECT_FALSE(pair.b.has_event("no_matching_filter"));
  pair.run(seconds(2));
  ASSERT_TRUE(pair.b.has_event("no_matching_filter"));
  EXPECT_THAT(pair.b.find_event("no_matching_filter")->text, HasSubstr("within 20 s"));
  EXPECT_EQ(last_failure(pair.b).rule_name, kDefaultResponseRule);
  grant(pair);
  pair.run(seconds(60));
  EXPECT_TRUE(pair.b.driver.installed.empty()) << "the answer came too late for this negotiation";
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
}

TEST(DefaultResponse, DR_06_what_the_agent_declines_is_refused_with_its_reason) {
  Pair pair;
  ask(pair);
  const AskForFilter asked = pair.b.questions[0];
  Selector other = asked.outbound;
  other.protocol = kProtocolUdp;
  pair.give(pair.b, FilterDeclined{asked.local, asked.peer, other, "another one"});
  EXPECT_FALSE(pair.b.has_event("no_matching_filter"));
  pair.give(pair.b, FilterDeclined{asked.local, asked.peer, asked.outbound, "rule 'web' permits it"});
  ASSERT_TRUE(pair.b.has_event("no_matching_filter"));
  EXPECT_THAT(pair.b.find_event("no_matching_filter")->text, HasSubstr("rule 'web' permits it"));
  pair.run(seconds(10));
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U) << "the peer has been told";
  EXPECT_TRUE(pair.b.driver.installed.empty());
}

TEST(DefaultResponse, an_agent_that_comes_back_is_asked_again_for_what_still_waits) {
  Pair pair;
  ask(pair);
  pair.give(pair.b, AgentListens{});
  EXPECT_EQ(pair.b.questions.size(), 2U);
  grant(pair);
  pair.run(seconds(1));
  pair.give(pair.b, AgentListens{});
  EXPECT_EQ(pair.b.questions.size(), 2U);
}

TEST(DefaultResponse, another_policy_leaves_it_waiting_and_one_without_the_rule_ends_it) {
  Pair pair;
  ask(pair);
  pair.set_policy(pair.b, make_default_response_policy());
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.engine.failed_negotiations().empty());
  EXPECT_EQ(pair.b.questions.size(), 1U) << "the question stands";

  // The peer is still one of this host's, so that main mode stays.
  IkePolicy without = make_policy(pair.b.endpoint.address, pair.a.endpoint.address);
  without.filters.clear();
  without.default_response.active = false;
  pair.set_policy(pair.b, without);
  ASSERT_FALSE(pair.b.engine.failed_negotiations().empty());
  EXPECT_TRUE(pair.b.driver.installed.empty());
  pair.run(seconds(70));
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
}

TEST(DefaultResponse, a_driver_that_starts_anew_does_not_end_the_waiting) {
  Pair pair;
  ask(pair);
  pair.give(pair.b, DriverRestarted{});
  grant(pair);
  pair.run(seconds(1));
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
}

TEST(DefaultResponse, the_peer_may_end_main_mode_meanwhile) {
  Pair pair;
  ask(pair);
  pair.give(pair.a, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  grant(pair);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.driver.installed.empty());
  EXPECT_EQ(pair.b.driver.larval(), 0U);
}

TEST(DefaultResponse, the_number_of_those_that_wait_is_bounded) {
  Pair pair;
  PolicyOptions many;
  many.extra_filters = static_cast<int>(kMaxAwaitingFilter) + 1;
  many.master_pfs = true;  // else the bound of one main mode SA comes first
  set_server(pair, many);
  pair.set_policy(pair.b, make_default_response_policy());
  for (int i = 1; i <= many.extra_filters; ++i) {
    pair.acquire(pair.a, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) * 10 + 1);
    pair.run(std::chrono::milliseconds(20));
  }
  pair.run(seconds(1));
  EXPECT_EQ(pair.b.questions.size(), kMaxAwaitingFilter);
  EXPECT_EQ(pair.b.count_events("limit_reached"), 1U);
}

TEST(DefaultResponse, DR_11_sas_of_a_dynamic_filter_that_is_gone_end_on_both_sides) {
  Pair pair;
  ask(pair);
  const IkePolicy before = pair.b.engine.policy();
  grant(pair);
  pair.run(seconds(1));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  pair.set_policy(pair.b, before);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.driver.inbound.empty());
  EXPECT_TRUE(pair.b.driver.outbound.empty());
  EXPECT_TRUE(pair.a.driver.outbound.empty()) << "or the server would send into nothing";
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U) << "the rule still answers this peer";

  pair.acquire(pair.a, 2);
  pair.run(seconds(1));
  EXPECT_EQ(pair.b.questions.size(), 2U);
}

TEST(DefaultResponse, DR_08_under_a_dynamic_filter_the_client_may_begin_too) {
  Pair pair;
  ask(pair);
  grant(pair);
  pair.run(seconds(1));
  pair.give(pair.b, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  ASSERT_TRUE(pair.b.driver.outbound.empty());
  pair.acquire(pair.b, 7, 101);
  pair.run(seconds(1));
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_TRUE(pair.b.driver.outbound[0].initiator);
  EXPECT_EQ(pair.b.driver.outbound[0].rule_name, kDefaultResponseRule);
  EXPECT_EQ(compare_sas(pair), "");
}

}  // namespace
}  // namespace ipsec::ike::tests
