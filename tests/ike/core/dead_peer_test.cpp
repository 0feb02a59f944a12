#include "services/ike/core/dead_peer.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/quick_mode_pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::minutes;

std::size_t informational(const Pair& pair) { return count_sent(pair, ExchangeType::kInformational); }

constexpr Duration kUntilDoubted = kPeerSilence + kPeerProbePause * (kPeerProbes + 2);
constexpr Duration kUntilDead = kUntilDoubted + seconds(64);  // a main mode that nobody answers

TEST(DeadPeer, a_peer_that_falls_silent_loses_its_sas_within_two_minutes) {
  Pair pair;
  establish(pair);
  pair.wire = [](const SentDatagram&) { return Fate{}; };
  pair.run(kUntilDead);
  EXPECT_LE(kUntilDead, minutes(2));
  EXPECT_TRUE(pair.a.has_event("peer_dead"));
  EXPECT_TRUE(pair.a.driver.outbound.empty()) << "the next packet asks anew";
  EXPECT_TRUE(pair.a.driver.inbound.empty());
  EXPECT_EQ(pair.a.engine.statistics().conn_list_size, 0U);
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
}

TEST(DeadPeer, a_peer_that_started_anew_is_found_out_by_the_host_that_only_sends) {
  Pair pair;
  establish(pair);
  pair.b.restart();
  pair.set_policy(pair.b, make_policy(pair.b.endpoint.address, pair.a.endpoint.address));
  pair.run(kUntilDoubted);
  EXPECT_TRUE(pair.a.has_event("initial_contact"));
  EXPECT_TRUE(pair.a.driver.outbound.empty());
  pair.acquire(pair.a, 2);
  pair.run(seconds(2));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(DeadPeer, KEY_16_a_peer_whose_ike_service_alone_started_anew_keeps_its_sas) {
  Pair pair;
  establish(pair);
  DriverSasFound found{{pair.b.driver.inbound.begin()->second, pair.b.driver.outbound[0]}};
  pair.b.crash_ike();
  pair.give(pair.b, std::move(found));
  pair.set_policy(pair.b, make_policy(pair.b.endpoint.address, pair.a.endpoint.address));
  pair.run(minutes(5));
  EXPECT_FALSE(pair.a.has_event("peer_dead"));
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U) << "a new one";
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(DeadPeer, a_living_peer_is_asked_once_in_half_a_minute_and_stays) {
  Pair pair;
  establish(pair);
  const std::size_t before = informational(pair);
  pair.run(minutes(60));
  EXPECT_FALSE(pair.a.has_event("peer_dead"));
  EXPECT_FALSE(pair.b.has_event("peer_dead"));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_GT(informational(pair), before + 2 * 100);
  EXPECT_LT(informational(pair), before + 4 * 125) << "a question and its answer for each side";
}

TEST(DeadPeer, one_lost_answer_is_no_death) {
  Pair pair;
  establish(pair);
  int lost = 0;
  pair.wire = [&](const SentDatagram&) { return lost++ < 4 ? Fate{} : Fate{milliseconds(1)}; };
  pair.run(minutes(5));
  EXPECT_FALSE(pair.a.has_event("peer_dead"));
  EXPECT_FALSE(pair.b.has_event("peer_dead"));
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(DeadPeer, without_sas_nobody_is_asked) {
  Pair pair;
  establish(pair);
  for (Host* host : {&pair.a, &pair.b}) {
    const auto inbound = host->driver.inbound;
    for (const auto& [spi, sa] : inbound)
      pair.give(*host, SaEnded{spi, Direction::kInbound, SecurityProtocol::kEsp, sa.source, SaEndReason::kIdle});
  }
  pair.run(seconds(40));
  const std::size_t before = informational(pair);
  pair.run(minutes(30));
  EXPECT_EQ(informational(pair), before);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U) << "KEY-10";
}

}  // namespace
}  // namespace ipsec::ike::tests
