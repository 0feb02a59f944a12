#include "services/policyagent/shell/ssh_sessions.h"

#include <bit>

#include <gtest/gtest.h>

namespace ipsec::agent {
namespace {

constexpr const char* kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

// The kernel prints words of an address in the machine's byte order: these lines are of a little-endian one.
class SshSessions : public testing::Test {
 protected:
  void SetUp() override {
    if constexpr (std::endian::native != std::endian::little) GTEST_SKIP() << "lines of a little-endian machine";
  }
};

TEST_F(SshSessions, established_connections_to_port_22_count) {
  const std::string text =
      std::string(kHeading) +
      "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"
      "   1: 01004D0A:0016 0702 00C0:C350 01 x\n"
      "   2: 01004D0A:0016 070200C0:C350 01 00000000:00000000 02:000A 00000000 0 0 2 2 0\n"
      "   3: 01004D0A:0050 070200C0:C351 01 00000000:00000000 02:000A 00000000 0 0 2 2 0\n"
      "   4: 01004D0A:0016 080200C0:C350 06 00000000:00000000 02:000A 00000000 0 0 2 2 0\n";
  const auto sessions = parse_ssh_sessions(text);
  ASSERT_EQ(sessions.size(), 1U) << "neither the listener, nor what is malformed, nor another port, nor TIME_WAIT";
  EXPECT_EQ(sessions[0].to_string(), "192.0.2.7:50000 -> 10.77.0.1:22 TCP");
}

TEST_F(SshSessions, ipv6_and_ipv4_in_its_notation) {
  const auto sessions = parse_ssh_sessions(
      "   0: 000077FD000000000000000001000000:0016 000077FD000000000000000002000000:C350 01 0 0\n"
      "   1: 0000000000000000FFFF000001004D0A:0016 0000000000000000FFFF0000070200C0:C351 01 0 0\n");
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0].source.to_string(), "fd77::2");
  EXPECT_EQ(sessions[0].destination.to_string(), "fd77::1");
  EXPECT_EQ(sessions[1].to_string(), "192.0.2.7:50001 -> 10.77.0.1:22 TCP");
}

TEST_F(SshSessions, what_is_not_of_the_form_is_left_out) {
  for (const char* text : {"", "\n\n", kHeading, "0: 1:0016 2:C350 01\n", "0: 01004D0A:10016 070200C0:C350 01\n",
                           "0: 01004D0G:0016 070200C0:C350 01\n", "0: 01004D0A 070200C0 01\n"}) {
    EXPECT_TRUE(parse_ssh_sessions(text).empty()) << text;
  }
}

}  // namespace
}  // namespace ipsec::agent
