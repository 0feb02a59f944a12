#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/test_session.h"

// `add sa`, `delete sa spi=`, `show sas`: from the line to what the driver gets.
namespace ipsec::cli::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kKeys =
    " enckey=000102030405060708090a0b0c0d0e0f authkey=202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

class ManualSas : public testing::Test {
 protected:
  ManualSas() {
    agent_.give_address("10.77.0.1");
    netsh_.run("pushd ipsec dynamic");
  }
  std::string add(std::string_view words) { return netsh_.run(fmt::format("add sa {}", words)); }
  std::string key_file(std::string_view content, std::filesystem::perms mode = std::filesystem::perms::owner_read) {
    const std::string path = agent_.directory() + "/keys";
    std::filesystem::remove(path);
    std::ofstream(path) << content;
    std::filesystem::permissions(path, mode);
    return path;
  }

  TestAgent agent_;
  TestSession netsh_{agent_};
};

TEST_F(ManualSas, ARC_09_both_directions_reach_the_driver_with_their_keys) {
  EXPECT_EQ(
      add(fmt::format("srcaddr=me dstaddr=10.77.0.2 spi=0x1001 method=ESP[AES128,SHA256] esn=yes replaywindow=1024{}",
                      kKeys)),
      "\n");
  EXPECT_EQ(add("10.77.0.2 me 8193 AH[SHA1]+ESP[AES128-GCM] ahspi=8194 enckey=" + std::string(40, 'a') +
                " ahkey=" + std::string(40, 'b')),
            "\n");
  const auto sas = agent_.installed_sas();
  ASSERT_EQ(sas.size(), 2U);
  EXPECT_EQ(sas[0].direction(), proto::DIRECTION_OUTBOUND);
  EXPECT_EQ(sas[0].spi(), 0x1001U);
  EXPECT_EQ(sas[0].encapsulation(), proto::ENCAPSULATION_TRANSPORT);
  EXPECT_EQ(sas[0].encryption_key(), std::string("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16));
  EXPECT_EQ(sas[0].integrity_key().size(), 32U);
  EXPECT_TRUE(sas[0].extended_sequence());
  EXPECT_EQ(sas[0].replay_window(), 1024U);
  EXPECT_EQ(sas[1].direction(), proto::DIRECTION_INBOUND);
  EXPECT_EQ(sas[1].ah().spi(), 8194U);
  EXPECT_EQ(sas[1].ah().key(), std::string(20, '\xbb'));
}

TEST_F(ManualSas, a_tunnel_takes_subnets_and_its_two_ends) {
  EXPECT_EQ(
      add(fmt::format("srcaddr=10.1.0.0 srcmask=16 dstaddr=10.2.0.0/16 spi=0x1001 method=ESP[AES128,SHA256] "
                      "tunnelsrcaddress=10.77.0.1 tunneldstaddress=gw.example protocol=TCP dstport=445 lifetime=60{}",
                      kKeys)),
      "\n");
  const proto::Sa sa = agent_.installed_sas().at(0);
  EXPECT_EQ(sa.encapsulation(), proto::ENCAPSULATION_TUNNEL);
  EXPECT_EQ(sa.destination().octets(), std::string("\xc6\x33\x64\x07", 4));
  EXPECT_EQ(sa.selector().protocol(), 6U);
  EXPECT_EQ(sa.selector().destination_port().first(), 445U);
  EXPECT_EQ(sa.lifetime_seconds(), 60U);
  EXPECT_THAT(add(fmt::format("10.1.0.0/16 10.2.0.0/16 0x1002 ESP[AES128,SHA256] tunnelsrcaddress=10.77.0.1{}", kKeys)),
              HasSubstr("tunneldstaddress: a tunnel has two ends"));
}

TEST_F(ManualSas, complaints_name_the_parameter_and_hide_keys) {
  const std::string start = "me 10.77.0.2 0x1001 ESP[AES128,SHA256]";
  EXPECT_THAT(
      add(start + " enckey=0011 authkey=" + std::string(64, 'a')),
      testing::AllOf(HasSubstr("[05960]"), HasSubstr("enckey: AES128 takes 16 octets"), Not(HasSubstr("0011"))));
  EXPECT_THAT(add(start + " enckey=00112"),
              testing::AllOf(HasSubstr("'enckey'"), HasSubstr("pairs of hexadecimal"), Not(HasSubstr("00112"))));
  EXPECT_THAT(add("me 10.77.0.2 0x10 ESP[AES128,SHA256]"), HasSubstr("'spi'"));
  EXPECT_THAT(add("me 10.77.0.2 0x1001 ESP[AES129,SHA256]"), HasSubstr("AES129"));
  EXPECT_THAT(add(fmt::format("10.0.0.8 10.0.0.9 0x1001 ESP[AES128,SHA256]{}", kKeys)),
              HasSubstr("neither of 10.0.0.8 and 10.0.0.9"));
  EXPECT_THAT(add(fmt::format("me fd77::2 0x1001 ESP[AES128,SHA256]{}", kKeys)),
              HasSubstr("srcaddr: me: an SA has one address, and this host has none"));
  EXPECT_THAT(agent_.installed_sas(), IsEmpty());
  EXPECT_EQ(add(start + std::string(kKeys)), "\n");
  EXPECT_THAT(add(start + std::string(kKeys)), testing::AllOf(HasSubstr("[05961]"), HasSubstr("spi: ")));
}

TEST_F(ManualSas, keys_come_from_a_file_that_only_its_owner_reads) {
  const std::string start = "me 10.77.0.2 0x1001 ESP[AES128,SHA256] keyfile=";
  const std::string content =
      "# out\n\nenckey=000102030405060708090a0b0c0d0e0f\r\nAUTHKEY=0x" + std::string(64, 'c') + "\n";
  EXPECT_THAT(add(start + key_file(content, std::filesystem::perms::owner_read | std::filesystem::perms::others_read)),
              HasSubstr("mode 0404"));
  EXPECT_THAT(add(start + agent_.directory() + "/nowhere"), HasSubstr("nowhere"));
  EXPECT_THAT(add(start + key_file("enckey=00\nkey=11\n")), HasSubstr("line 2: expected enckey="));
  EXPECT_THAT(add(start + key_file("enckey=00\nenckey=11\n")), HasSubstr("line 2: enckey is given twice"));
  EXPECT_THAT(add(start + key_file(content) + " authkey=00"), HasSubstr("'authkey' is on the line and in the file"));
  EXPECT_THAT(agent_.installed_sas(), IsEmpty());
  EXPECT_EQ(add(start + key_file(content)), "\n");
  EXPECT_EQ(agent_.installed_sas().at(0).integrity_key(), std::string(32, '\xcc'));
}

TEST_F(ManualSas, delete_takes_what_is_named_and_leaves_them_alone_otherwise) {
  ASSERT_EQ(add(fmt::format("me 10.77.0.2 0x1001 ESP[AES128,SHA256]{}", kKeys)), "\n");
  ASSERT_EQ(add(fmt::format("10.77.0.2 me 0x2001 ESP[AES128,SHA256]{}", kKeys)), "\n");
  EXPECT_EQ(netsh_.run("delete sa all"), "\n");
  EXPECT_EQ(agent_.installed_sas().size(), 2U);
  EXPECT_THAT(netsh_.run("delete sa spi=0x1001 peer=10.77.0.3"), HasSubstr("[05962]"));
  EXPECT_EQ(netsh_.run("delete sa spi=0x1001"), "\n");
  EXPECT_EQ(agent_.installed_sas().at(0).spi(), 0x2001U);
  EXPECT_EQ(netsh_.run("delete sa type=all"), "\n");
  EXPECT_THAT(agent_.installed_sas(), IsEmpty());
  EXPECT_EQ(netsh_.run("delete sa type=manual"), "\n") << "no one is no error";
}

TEST_F(ManualSas, show_sas_narrows) {
  EXPECT_THAT(netsh_.run("show sas"), HasSubstr("0x00001001"));
  EXPECT_THAT(netsh_.run("show sas spi=0x3101"), HasSubstr("0x00003001 in AH 0x00003101"));
  EXPECT_THAT(netsh_.run("show sas type=manual"), HasSubstr("not available"));
  EXPECT_THAT(netsh_.run("show sas --json"), HasSubstr("\"dynamic show sas\""));
}

}  // namespace
}  // namespace ipsec::cli::tests
