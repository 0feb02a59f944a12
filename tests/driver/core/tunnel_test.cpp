#include "services/driver/core/tunnel.h"

#include <gtest/gtest.h>

#include "tests/driver/core/packets.h"

namespace ipsec::driver::tests {
namespace {

// RFC 6040 section 4.2, figure 4, in the order of the code points: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. -1: drop.
constexpr int kResult[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

TEST(Tunnel, congestion_marks_come_through_as_rfc_6040_says) {
  for (const bool v6 : {false, true}) {
    for (int inner = 0; inner < 4; ++inner) {
      for (int outer = 0; outer < 4; ++outer) {
        IpFields ip{address(v6 ? "fd00::1" : "10.0.0.1"), address(v6 ? "fd00::2" : "10.0.0.2")};
        ip.traffic_class = static_cast<std::uint8_t>(0xA8 | inner);
        Bytes packet = udp_packet(ip, 1, 2, pattern(10));
        const bool kept = decapsulate_congestion(*parse_ip(packet), static_cast<std::uint8_t>(0x10 | outer));
        EXPECT_EQ(kept, kResult[inner][outer] >= 0) << inner << " " << outer;
        if (kept) {
          EXPECT_EQ(parse_ip(packet)->traffic_class(), 0xA8 | kResult[inner][outer]);
        }
        EXPECT_TRUE(checksums_are_good(packet));
      }
    }
  }
}

TEST(Tunnel, HDR_13_outer_header) {
  Bytes packet(120);
  write_outer_header(packet, {address("192.0.2.1"), address("192.0.2.2"), kProtocolEsp, 0xBA, true, 0x4711});
  EXPECT_EQ(to_hex(ByteView(packet).first(10)), "45ba0078471140004032");
  EXPECT_EQ(to_hex(ByteView(packet).subspan(12, 8)), "c0000201c0000202");
  EXPECT_TRUE(checksums_are_good(packet));
  write_outer_header(packet, {address("fd00::1"), address("fd00::2"), kProtocolEsp, 0xBA, true, 0});
  EXPECT_EQ(to_hex(ByteView(packet).first(8)), "6ba0000000503240");
  EXPECT_TRUE(parse_ip(packet));
}

}  // namespace
}  // namespace ipsec::driver::tests
