#include "services/driver/core/reassembly.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "services/driver/core/fragment.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/packets.h"

namespace ipsec::driver::tests {
namespace {

constexpr Timestamp kStart{std::chrono::hours(1)};

IpFields fields(bool v6, std::uint16_t id = 7) {
  IpFields ip{address(v6 ? "fd00::1" : "10.0.0.1"), address(v6 ? "fd00::2" : "10.0.0.2")};
  ip.dont_fragment = false;
  ip.id = id;
  return ip;
}

std::vector<Bytes> fragments_of(Bytes packet, std::size_t mtu, std::uint32_t id = 7) {
  Arena arena;
  std::vector<MutableByteView> pieces;
  EXPECT_TRUE(fragment(*parse_ip(packet), mtu, id, arena, pieces));
  std::vector<Bytes> copies;
  for (const MutableByteView& piece : pieces) copies.emplace_back(piece.begin(), piece.end());
  return copies;
}

std::optional<Reassembler::Datagram> add(Reassembler& reassembler, Bytes fragment, Timestamp now = kStart) {
  const auto view = parse_ip(fragment);
  EXPECT_TRUE(view && view->is_fragment);
  return reassembler.add(*view, now);
}

TEST(Fragment, pieces_fit_and_have_good_headers) {
  for (const bool v6 : {false, true}) {
    const Bytes packet = udp_packet(fields(v6), 1, 2, pattern(4000));
    const auto pieces = fragments_of(packet, 1500);
    EXPECT_EQ(pieces.size(), 3U);
    for (const Bytes& piece : pieces) {
      EXPECT_LE(piece.size(), 1500U);
      EXPECT_TRUE(checksums_are_good(piece));
    }
  }
}

TEST(Fragment, options_that_are_not_copied_stay_in_the_first_piece) {
  Bytes packet = udp_packet(fields(false), 1, 2, pattern(200));
  packet.insert(packet.begin() + 20, {7, 3, 4, 0x94, 4, 0, 0, 0});  // record route; router alert (copied); end
  packet[0] = 0x47;
  set_ip_length(packet, 28);
  const auto pieces = fragments_of(packet, 128);
  ASSERT_GE(pieces.size(), 2U);
  EXPECT_EQ(Bytes(pieces[0].begin() + 20, pieces[0].begin() + 28), (Bytes{7, 3, 4, 0x94, 4, 0, 0, 0}));
  EXPECT_EQ(Bytes(pieces[1].begin() + 20, pieces[1].begin() + 28), (Bytes{1, 1, 1, 0x94, 4, 0, 0, 0}));
  EXPECT_TRUE(checksums_are_good(pieces[1]));
}

TEST(Reassembly, any_order_gives_the_datagram_back) {
  std::mt19937 order(791);
  for (const bool v6 : {false, true}) {
    const Bytes packet = udp_packet(fields(v6), 1, 2, pattern(9000));
    for (int round = 0; round < 20; ++round) {
      auto pieces = fragments_of(packet, 1500);
      std::shuffle(pieces.begin(), pieces.end(), order);
      Reassembler reassembler;
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_FALSE(add(reassembler, pieces[i]));
      const auto whole = add(reassembler, pieces.back());
      ASSERT_TRUE(whole);
      EXPECT_EQ(whole->bytes, packet);
      EXPECT_EQ(whole->fragments, pieces.size());
      EXPECT_EQ(reassembler.pending(), 0U);
      EXPECT_EQ(reassembler.take_lost(), 0U);
    }
  }
}

TEST(Reassembly, overlap_spoils_the_datagram_for_good) {
  for (const bool v6 : {false, true}) {
    const Bytes packet = udp_packet(fields(v6), 1, 2, pattern(4000));
    const auto pieces = fragments_of(packet, 1500);
    const auto others = fragments_of(packet, 1000);  // the same octets, cut elsewhere
    Reassembler reassembler;
    add(reassembler, pieces[0]);
    add(reassembler, others[1]);
    EXPECT_EQ(reassembler.take_lost(), 2U);
    for (const Bytes& piece : pieces) EXPECT_FALSE(add(reassembler, piece));
    EXPECT_EQ(reassembler.take_lost(), pieces.size());
    // After its time the same identification may be used again.
    const Timestamp later = kStart + limits::kReassemblyTimeout;
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) add(reassembler, pieces[i], later);
    EXPECT_TRUE(add(reassembler, pieces.back(), later));
  }
}

TEST(Reassembly, an_exact_copy_is_ignored) {
  const auto pieces = fragments_of(udp_packet(fields(false), 1, 2, pattern(4000)), 1500);
  Reassembler reassembler;
  add(reassembler, pieces[0]);
  add(reassembler, pieces[0]);
  EXPECT_EQ(reassembler.take_lost(), 1U);
  add(reassembler, pieces[1]);
  EXPECT_TRUE(add(reassembler, pieces[2]));
}

TEST(Reassembly, contradicting_ends_spoil_it) {
  auto pieces = fragments_of(udp_packet(fields(false), 1, 2, pattern(4000)), 1500);
  Bytes early_end = pieces[1];
  store_u16(&early_end[6], load_u16(&early_end[6]) & 0x1FFF);  // "I am the last"
  Reassembler reassembler;
  add(reassembler, early_end);
  EXPECT_FALSE(add(reassembler, pieces[2]));
  EXPECT_FALSE(add(reassembler, pieces[0]));
  EXPECT_EQ(reassembler.take_lost(), 3U);
}

TEST(Reassembly, a_datagram_beyond_64_kib_is_refused) {
  Bytes piece = ip_packet({address("10.0.0.1"), address("10.0.0.2"), 17, false}, pattern(1480));
  store_u16(&piece[6], 8190);  // 65520 octets into the datagram
  Reassembler reassembler;
  EXPECT_FALSE(add(reassembler, piece));
  EXPECT_EQ(reassembler.take_lost(), 1U);
}

TEST(Reassembly, memory_and_time_are_bounded) {
  Reassembler reassembler;
  for (std::uint16_t id = 0; id < 1000; ++id) {
    add(reassembler, fragments_of(udp_packet(fields(false, id), 1, 2, pattern(3000)), 1500)[0]);
  }
  EXPECT_EQ(reassembler.pending(), limits::kMaxReassemblies);
  EXPECT_EQ(reassembler.take_lost(), 1000 - limits::kMaxReassemblies);
  reassembler.tick(kStart + limits::kReassemblyTimeout - std::chrono::seconds(1));
  EXPECT_EQ(reassembler.pending(), limits::kMaxReassemblies);
  reassembler.tick(kStart + limits::kReassemblyTimeout);
  EXPECT_EQ(reassembler.pending(), 0U);
}

TEST(Reassembly, octets_are_bounded_by_giving_up_the_oldest) {
  Reassembler reassembler;
  std::size_t pieces_in = 0;
  for (std::uint16_t id = 0; id < limits::kMaxReassemblies; ++id) {
    auto pieces = fragments_of(udp_packet(fields(false, id), 1, 2, Bytes(65000)), 60000);
    add(reassembler, pieces[0]);
    ++pieces_in;
  }
  EXPECT_LE((pieces_in - reassembler.take_lost()) * 59976, limits::kMaxReassemblyBytes);
  EXPECT_GT(reassembler.pending(), limits::kMaxReassemblyBytes / 65536 - 2);
}

}  // namespace
}  // namespace ipsec::driver::tests
