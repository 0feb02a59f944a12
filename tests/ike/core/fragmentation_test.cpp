#include "services/ike/core/fragmentation.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Timestamp kNow{seconds(1000)};

Bytes long_message(std::size_t size) {
  Header header;
  header.initiator_cookie = 0x0102030405060708;
  header.responder_cookie = 0x1112131415161718;
  const std::vector<PayloadContent> payloads = {VendorIdPayload{Bytes(size - kHeaderSize - 4, 0x5a)}};
  Bytes message = write_clear_message(header, payloads);
  message[19] |= kFlagEncrypted;
  return message;
}

std::optional<Bytes> join(FragmentSet& set, const std::vector<Bytes>& pieces) {
  std::optional<Bytes> whole;
  for (const Bytes& piece : pieces) {
    EXPECT_TRUE(is_fragment(piece));
    EXPECT_FALSE(whole.has_value()) << "not before the last one";
    whole = set.add(*parse_fragment(piece), kNow);
  }
  return whole;
}

TEST(Fragmentation, FRG_01_pieces_in_any_order_make_the_message) {
  const Bytes message = long_message(2000);
  std::vector<Bytes> pieces = split_message(message, 7, kFragmentDataIpv4);
  ASSERT_EQ(pieces.size(), 4U);
  for (const Bytes& piece : pieces) {
    const Header header = *parse_header(piece);
    EXPECT_FALSE(header.encrypted()) << "MS-IKEE 3.3";
    EXPECT_EQ(header.initiator_cookie, 0x0102030405060708U);
    EXPECT_LE(piece.size(), kFragmentDataIpv4 + kHeaderSize + 8);
  }
  do {
    FragmentSet set;
    EXPECT_EQ(join(set, pieces), message);
  } while (std::next_permutation(pieces.begin(), pieces.end()));
}

TEST(Fragmentation, a_piece_that_comes_twice_counts_once) {
  const Bytes message = long_message(1500);
  const std::vector<Bytes> pieces = split_message(message, 7, kFragmentDataIpv4);
  FragmentSet set;
  set.add(*parse_fragment(pieces[0]), kNow);
  set.add(*parse_fragment(pieces[0]), kNow);
  set.add(*parse_fragment(pieces[1]), kNow);
  EXPECT_EQ(set.add(*parse_fragment(pieces[2]), kNow), message);
}

TEST(Fragmentation, pieces_of_an_older_message_and_old_pieces_do_not_mix_in) {
  const std::vector<Bytes> older = split_message(long_message(1500), 7, kFragmentDataIpv4);
  const Bytes message = long_message(1600);
  const std::vector<Bytes> pieces = split_message(message, 8, kFragmentDataIpv4);
  FragmentSet set;
  set.add(*parse_fragment(older[0]), kNow);
  EXPECT_EQ(join(set, pieces), message);
  set.add(*parse_fragment(older[0]), kNow);
  set.add(*parse_fragment(older[1]), kNow);
  EXPECT_EQ(set.add(*parse_fragment(older[2]), kNow + kFragmentLifetime), std::nullopt);
}

TEST(Fragmentation, pieces_that_contradict_each_other_are_dropped) {
  const auto fragment = [](std::uint8_t number, bool last) { return Fragment{7, number, last, Bytes(10)}; };
  FragmentSet two_ends;
  two_ends.add(fragment(2, true), kNow);
  two_ends.add(fragment(3, true), kNow);
  EXPECT_EQ(two_ends.add(fragment(1, false), kNow), std::nullopt);
  FragmentSet beyond_the_end;
  beyond_the_end.add(fragment(2, true), kNow);
  beyond_the_end.add(fragment(3, false), kNow);
  EXPECT_EQ(beyond_the_end.add(fragment(1, false), kNow), std::nullopt);
}

TEST(Fragmentation, number_and_size_of_pieces_are_bounded) {
  FragmentSet many;
  EXPECT_EQ(many.add({7, kMaxFragments + 1, true, Bytes(1)}, kNow), std::nullopt);
  FragmentSet large;
  large.add({7, 1, false, Bytes(kMaxReassembledSize)}, kNow);
  EXPECT_EQ(large.add({7, 2, true, Bytes(1)}, kNow), std::nullopt);
}

TEST(Fragmentation, malformed_pieces_are_refused) {
  const Header header = *parse_header(long_message(100));
  const auto piece = [&](Bytes body) {
    const std::vector<PayloadContent> payloads = {OpaquePayload{static_cast<PayloadType>(132), std::move(body)}};
    Header clear = header;
    clear.flags = 0;
    return write_clear_message(clear, payloads);
  };
  EXPECT_FALSE(parse_fragment(piece({0, 1, 1})).ok());
  EXPECT_FALSE(parse_fragment(piece({0, 1, 0, 1, 9})).ok()) << "number 0";
  EXPECT_FALSE(parse_fragment(piece({0, 1, 1, 1})).ok()) << "no data";
  EXPECT_TRUE(parse_fragment(piece({0, 1, 1, 1, 9})).ok());
}

// Message 5 of main mode is lost, and comes in pieces instead.
void send_message5_in_pieces(Pair& pair, const std::function<void(const std::vector<Bytes>&)>& send) {
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram& sent) {
    const Header header = *parse_header(sent.datagram.bytes);
    const bool message5 = header.exchange == ExchangeType::kIdentityProtection && header.encrypted() && sent.from_a;
    return message5 ? Fate{} : Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(milliseconds(100));
  send(split_message(pair.sent.back().datagram.bytes, 1, 40));
  pair.run(milliseconds(100));
}

TEST(Fragmentation, FRG_04_a_main_mode_message_in_pieces_is_taken_like_a_whole_one) {
  Pair pair;
  send_message5_in_pieces(pair, [&](const std::vector<Bytes>& pieces) {
    ASSERT_GT(pieces.size(), 2U);
    for (const Bytes& piece : pieces) pair.inject(pair.a, piece);
  });
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(Fragmentation, a_whole_whose_pieces_were_forged_changes_nothing) {
  Pair pair;
  send_message5_in_pieces(pair, [&](std::vector<Bytes> pieces) {
    for (Bytes& piece : pieces) {
      piece.back() ^= 1;
      pair.inject(pair.a, piece);
    }
  });
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 0U);
  pair.wire = [](const SentDatagram&) { return Fate{milliseconds(1)}; };
  pair.run(seconds(5));
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U) << "the repeated message 5";
}

TEST(Fragmentation, pieces_from_nowhere_cost_no_memory) {
  Pair pair;
  set_mirrored_policies(pair);
  for (const Bytes& piece : split_message(long_message(2000), 7, kFragmentDataIpv4)) pair.inject(pair.a, piece);
  EXPECT_EQ(pair.b.engine.statistics().invalid_cookies_received, 4U);
}

}  // namespace
}  // namespace ipsec::ike::tests
