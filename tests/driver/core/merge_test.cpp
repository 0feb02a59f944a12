#include "services/driver/core/merge.h"

#include <gtest/gtest.h>

#include "tests/driver/core/packets.h"

namespace ipsec::driver::tests {
namespace {

const IpFields kIp{address("10.0.0.1"), address("10.0.0.2")};
const IpFields kOtherFlow{address("10.0.0.1"), address("10.0.0.3")};

TcpFields at(std::uint32_t sequence) {
  TcpFields tcp;
  tcp.sequence = sequence;
  return tcp;
}

// What the host gets for these packets, taken in as one batch.
std::vector<MemoryPort::Stored> merged(std::vector<Bytes> packets) {
  Merger merger;
  PacketList out;
  for (Bytes& packet : packets) merger.add(*parse_ip(packet), out);
  merger.flush(out);
  MemoryPort port;
  port.send(out);
  return port.take_sent();
}

// How many octets of TCP payload each delivered packet has, 0 for others.
std::vector<std::size_t> sizes(std::vector<Bytes> packets) {
  std::vector<std::size_t> result;
  for (const auto& stored : merged(std::move(packets))) result.push_back(stored.bytes.size() - 40);
  return result;
}

using Sizes = std::vector<std::size_t>;

TEST(Merge, consecutive_segments_become_one) {
  const auto out = merged({tcp_packet(kIp, at(0), pattern(100)), tcp_packet(kIp, at(100), pattern(100, 100)),
                           tcp_packet(kIp, at(200), pattern(56, 200))});
  ASSERT_EQ(out.size(), 1U);
  const SuperPacket expected = tcp_super_packet(kIp, at(0), pattern(256), 100);
  EXPECT_EQ(out[0].bytes, expected.bytes);
  EXPECT_EQ(out[0].offload, expected.offload);
}

TEST(Merge, a_lone_segment_is_not_touched) {
  const Bytes packet = tcp_packet(kIp, at(0), pattern(100));
  const auto out = merged({packet});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].bytes, packet);
  EXPECT_EQ(out[0].offload, OffloadInfo{});
}

TEST(Merge, a_gap_a_repeat_or_a_longer_segment_ends_it) {
  const Bytes first = tcp_packet(kIp, at(0), pattern(100));
  const Bytes second = tcp_packet(kIp, at(100), pattern(100));
  EXPECT_EQ(sizes({first, second, tcp_packet(kIp, at(201), pattern(100))}), (Sizes{200, 100}));
  EXPECT_EQ(sizes({first, second, first}), (Sizes{200, 100}));
  EXPECT_EQ(sizes({first, second, tcp_packet(kIp, at(200), pattern(101))}), (Sizes{200, 101}));
  // A shorter one is the last of its super-packet.
  EXPECT_EQ(sizes({first, tcp_packet(kIp, at(100), pattern(50)), tcp_packet(kIp, at(150), pattern(50))}),
            (Sizes{150, 50}));
}

TEST(Merge, whatever_differs_ends_it) {
  const Bytes first = tcp_packet(kIp, at(0), pattern(100));
  const auto apart = [&](const IpFields& ip, const TcpFields& tcp) {
    return sizes({first, tcp_packet(ip, tcp, pattern(100))}) == Sizes{100, 100 + tcp.options.size()};
  };
  EXPECT_FALSE(apart(kIp, at(100)));
  TcpFields tcp = at(100);
  tcp.acknowledged += 1;
  EXPECT_TRUE(apart(kIp, tcp));
  tcp = at(100);
  tcp.window += 1;
  EXPECT_TRUE(apart(kIp, tcp));
  tcp = at(100);
  tcp.options = {1, 1, 1, 1};
  EXPECT_TRUE(apart(kIp, tcp));
  for (const std::uint8_t flags : Bytes{0x11, 0x12, 0x14, 0x30, 0x50, 0x90}) {  // FIN, SYN, RST, URG, ECE, CWR
    tcp = at(100);
    tcp.flags = flags;
    EXPECT_TRUE(apart(kIp, tcp)) << int{flags};
  }
  IpFields ip = kIp;
  ip.traffic_class = 3;  // a congestion mark must reach the host
  EXPECT_TRUE(apart(ip, at(100)));
  ip = kIp;
  ip.dont_fragment = false;
  EXPECT_TRUE(apart(ip, at(100)));
}

TEST(Merge, options_with_equal_timestamps_merge_and_others_do_not) {
  TcpFields first = at(0), same = at(100), later = at(200);
  first.options = same.options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
  later.options = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 2};
  EXPECT_EQ(sizes({tcp_packet(kIp, first, pattern(100)), tcp_packet(kIp, same, pattern(100)),
                   tcp_packet(kIp, later, pattern(100))}),
            (Sizes{212, 112}));
}

TEST(Merge, push_ends_a_merge_and_is_kept) {
  TcpFields pushed = at(100);
  pushed.flags = 0x18;
  const auto out = merged({tcp_packet(kIp, at(0), pattern(100)), tcp_packet(kIp, pushed, pattern(100)),
                           tcp_packet(kIp, at(200), pattern(100))});
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].bytes.size(), 240U);
  EXPECT_EQ(out[0].bytes[33], 0x18);
}

TEST(Merge, flows_are_merged_side_by_side_and_acknowledgments_keep_their_place) {
  EXPECT_EQ(sizes({tcp_packet(kIp, at(0), pattern(100)), tcp_packet(kOtherFlow, at(0), pattern(60)),
                   tcp_packet(kIp, at(100), pattern(100)), tcp_packet(kOtherFlow, at(60), pattern(60)),
                   tcp_packet(kIp, at(200), {})}),
            (Sizes{200, 0, 120}));
}

TEST(Merge, more_flows_than_places_lose_no_packet) {
  std::vector<Bytes> packets;
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint16_t port = 0; port < 3 * limits::kMaxOpenMerges; ++port) {
      TcpFields tcp = at(100 * round);
      tcp.source_port = port;
      packets.push_back(tcp_packet(kIp, tcp, pattern(100)));
    }
  }
  std::size_t octets = 0;
  for (const std::size_t size : sizes(packets)) octets += size;
  EXPECT_EQ(octets, packets.size() * 100);
}

TEST(Merge, a_merged_packet_stays_within_64_kib) {
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < 60; ++i) packets.push_back(tcp_packet(kIp, at(1400 * i), Bytes(1400)));
  EXPECT_EQ(sizes(packets), (Sizes{46 * 1400, 14 * 1400}));
}

TEST(Merge, fragments_and_packets_with_options_are_left_alone) {
  Bytes first = tcp_packet(kIp, at(0), pattern(96));
  Bytes second = tcp_packet(kIp, at(96), pattern(96));
  store_u16(&second[6], kIpv4MoreFragments);
  set_ip_length(second, 20);
  EXPECT_EQ(merged({first, second}).size(), 2U);
  Bytes padded = second;
  padded.insert(padded.begin() + 20, {1, 1, 1, 0});
  padded[0] = 0x46;
  store_u16(&padded[6], 0x4000);
  set_ip_length(padded, 24);
  EXPECT_EQ(merged({first, padded}).size(), 2U);
}

}  // namespace
}  // namespace ipsec::driver::tests
