#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

// Forged first messages by the ten thousand, and a peer that means it in the middle of them.
namespace ipsec::ike::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kForged = 50000;
constexpr std::size_t kPerMillisecond = 10;

// A real message 1 of the peer, to be sent under other cookies.
Bytes message1_of_peer() {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  return pair.sent.front().datagram.bytes;
}

enum class Forgers { kManyAddresses, kThePeersAddress, kOneAddressOfTheirOwn, kStrangers };

IpAddress forged_address(const Pair& pair, Forgers forgers, std::size_t i) {
  const auto number = static_cast<std::uint32_t>(i);
  switch (forgers) {
    case Forgers::kManyAddresses:
      return IpAddress::from_bytes(Bytes{10, static_cast<std::uint8_t>(100 + number / 65536),
                                         static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number)});
    case Forgers::kThePeersAddress:
      return pair.a.endpoint.address;
    case Forgers::kOneAddressOfTheirOwn:
      return *IpAddress::parse("10.99.0.1");
    case Forgers::kStrangers:
      break;
  }
  return IpAddress::from_bytes(
      Bytes{192, 0, static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number)});
}

// Whatever is forged, the peer has its SAs within two seconds and the responder keeps no more than its bounds.
void withstand(Forgers forgers) {
  Pair pair(7);
  set_mirrored_policies(pair);
  IkePolicy open_to_all = pair.b.engine.policy();
  open_to_all.main_mode_filters[0].remote = *AddressRange::parse("10.0.0.0/8");
  pair.set_policy(pair.b, open_to_all);
  Bytes message1 = message1_of_peer();
  ipsec::tests::SeededRandom random(11);

  std::size_t most = 0;
  Timestamp asked{};
  Timestamp served = kNever;
  for (std::size_t i = 0; i < kForged; ++i) {
    if (i % kPerMillisecond == 0) pair.run(milliseconds(1));
    store_u64(message1.data(), random.u64() | 1);
    const Endpoint from{forged_address(pair, forgers, i), static_cast<std::uint16_t>(1024 + i % 50000)};
    pair.give(pair.b, DatagramReceived{pair.b.endpoint, from, message1});
    if (i % 500 == 0) most = std::max(most, pair.b.engine.main_mode_sas(pair.now).size());
    if (i == kForged / 2) {
      asked = pair.now;
      pair.acquire(pair.a, 1);
    }
    if (served == kNever && i > kForged / 2 && !pair.b.driver.outbound.empty()) served = pair.now;
  }
  EXPECT_LE(served - asked, seconds(2));
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_LE(most, kMaxHalfOpen + 1);
  const Statistics statistics = pair.b.engine.statistics();
  EXPECT_LE(pair.b.events.size(), 100U) << "five seconds of flood do not fill the log";
  EXPECT_GE(statistics.datagrams_received, kForged);
  pair.run(kHalfOpenLifetime + seconds(1));
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now).size(), 1U) << "nothing of it is left";
}

TEST(Flood, forged_addresses_of_the_policy_do_not_keep_the_peer_out) { withstand(Forgers::kManyAddresses); }

TEST(Flood, messages_forged_in_the_peers_name_do_not_keep_it_out) { withstand(Forgers::kThePeersAddress); }

TEST(Flood, one_address_takes_no_more_than_its_share) { withstand(Forgers::kOneAddressOfTheirOwn); }

TEST(Flood, strangers_cost_nothing_but_a_counter) { withstand(Forgers::kStrangers); }

TEST(Flood, a_first_message_costs_no_long_arithmetic_and_gets_one_answer_no_longer_than_itself) {
  Pair pair(7);
  set_mirrored_policies(pair);
  const Bytes message1 = message1_of_peer();
  std::size_t computed = 0;
  pair.compute = [&](const ComputeDh& request, RandomSource& random) {
    ++computed;
    return compute_dh(request, random);
  };
  std::size_t answers = 0;
  pair.wire = [&](const SentDatagram& sent) {
    ++answers;
    EXPECT_LE(sent.datagram.bytes.size(), message1.size());
    return std::vector<Duration>();
  };
  pair.inject(pair.a, message1);
  EXPECT_EQ(answers, 1U);
  // Left alone, the responder says nothing more: who sends message 1 in another's name cannot make it send twice.
  pair.run(kHalfOpenLifetime + seconds(1));
  EXPECT_EQ(answers, 1U);
  EXPECT_EQ(computed, 0U);
}

TEST(Flood, what_has_sent_message_3_is_not_driven_out) {
  Pair pair(7);
  set_mirrored_policies(pair);
  // The responder's Diffie-Hellman takes its time, while the flood comes in the peer's name.
  std::optional<ComputeDh> waiting;
  pair.compute = [&](const ComputeDh& request, RandomSource& random) {
    if (!request.peer_public.empty() && !request.own) {
      waiting = request;
      return DhComputed{};
    }
    return compute_dh(request, random);
  };
  pair.acquire(pair.a, 1);
  while (!waiting) pair.run(milliseconds(1));
  Bytes message1 = message1_of_peer();
  ipsec::tests::SeededRandom random(11);
  for (std::size_t i = 0; i < 10 * kMaxHalfOpenPerAddress; ++i) {
    store_u64(message1.data(), random.u64() | 1);
    pair.inject(pair.a, message1);
  }
  EXPECT_GT(pair.b.engine.statistics().half_open_evicted, 0U);
  pair.compute = compute_dh;
  pair.give(pair.b, compute_dh(*waiting, pair.b.random));
  pair.run(seconds(2));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
}

}  // namespace
}  // namespace ipsec::ike::tests
