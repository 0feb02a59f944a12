// Every check of the linter through netsh and a real agent: a policy that has the finding, one that has not, and that
// the commands it prints mend it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/ssh_connection.h"
#include "tests/cli/test_session.h"

namespace ipsec::cli::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Case {
  const char* name;
  const char* id;
  const char* object;    // of the finding
  const char* severity;  // of the finding
  const char* with;      // lines of `netsh ipsec static` that make the finding
  const char* without;   // lines that do not
};

constexpr const char* kSession = "192.0.2.7 50000 10.77.0.1 22";

const Case kCases[] = {
    {"lockout_by_a_broad_block", "lockout", "rule 'R' of policy 'P'", "error",
     R"(add policy P activatedefaultrule=no
add filter L any me
add filteraction B action=block
add rule R P L B)",
     R"(add policy P activatedefaultrule=no
add filter L any me protocol=tcp dstport=23
add filteraction B action=block
add rule R P L B)"},
    {"lockout_by_a_block_as_narrow_as_a_permit", "lockout", "rule 'R' of policy 'P'", "error",
     R"(add policy P activatedefaultrule=no
add filter L 192.0.2.7 me protocol=tcp dstport=22
add filteraction B action=block
add rule R P L B)",
     R"(add policy P activatedefaultrule=no
add filter L 192.0.2.8 me protocol=tcp dstport=22
add filteraction B action=block
add rule R P L B)"},
    {"lockout_of_the_answers", "lockout", "rule 'R' of policy 'P'", "error",
     R"(add policy P activatedefaultrule=no
add filter L me 192.0.2.0/24 mirrored=no
add filteraction B action=block
add filteraction C action=permit
add rule R P L B)",
     R"(add policy P activatedefaultrule=no
add filter L me 192.0.3.0/24 mirrored=no
add filteraction B action=block
add rule R P L B)"},
    {"lockout_without_ipsec", "lockout_without_ipsec", "rule 'R' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L any me
add filteraction A
add rule R P L A psk=k)",
     R"(add policy P activatedefaultrule=no
add filter L any me
add filteraction A inpass=yes soft=yes
add rule R P L A psk=k)"},
    {"PD_18_tunnel_incomplete", "tunnel_incomplete", "rule 'out' of policy 'P'", "error",
     R"(add policy P activatedefaultrule=no
add filter T 10.1.0.0/16 10.2.0.0/16 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k)",
     R"(add policy P activatedefaultrule=no
add filter T 10.1.0.0/16 10.2.0.0/16 mirrored=no
add filter U 10.2.0.0/16 10.1.0.0/16 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k
add rule in P U A tunnel=10.77.0.1 psk=k)"},
    {"tunnel_overlap", "tunnel_overlap", "rule 'second' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter T 172.16.0.0/16 172.16.0.0/12 mirrored=no
add filter U 172.16.0.0/12 172.17.0.0/16 mirrored=no
add filteraction A
add rule first P T A tunnel=198.51.100.1 psk=k
add rule second P U A tunnel=198.51.100.2 psk=k)",
     R"(add policy P activatedefaultrule=no
add filter T 10.1.0.0/16 10.3.0.0/16 mirrored=no
add filter U 10.1.0.0/16 10.2.0.0/16 mirrored=no
add filteraction A
add rule first P T A tunnel=198.51.100.1 psk=k
add rule second P U A tunnel=198.51.100.2 psk=k)"},
    {"HDR_17_tunnel_networks_overlap", "tunnel_networks_overlap", "rule 'out' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter T 172.16.0.0/16 172.16.0.0/12 mirrored=no
add filter U 172.16.0.0/12 172.16.0.0/16 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k
add rule in P U A tunnel=10.77.0.1 psk=k)",
     R"(add policy P activatedefaultrule=no
add filter T 172.16.0.0/16 any mirrored=no
add filter U any 172.16.0.0/16 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k
add rule in P U A tunnel=10.77.0.1 psk=k)"},
    {"HDR_17_tunnel_between_equal_networks", "tunnel_networks_overlap", "rule 'out' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter T fd01::/64 fd01::/64 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k
add rule in P T A tunnel=10.77.0.1 psk=k)",
     R"(add policy P activatedefaultrule=no
add filter T fd01::/64 fd02::/64 mirrored=no
add filter U fd02::/64 fd01::/64 mirrored=no
add filteraction A
add rule out P T A tunnel=198.51.100.1 psk=k
add rule in P U A tunnel=10.77.0.1 psk=k)"},
    {"filter_one_way", "filter_one_way", "rule 'R' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2 mirrored=no protocol=tcp dstport=445 description=files
add filteraction A
add rule R P L A psk=k)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2 mirrored=no protocol=tcp dstport=445
add filter M 10.77.0.2 me mirrored=no protocol=tcp srcport=445
add filteraction A
add rule R P L A psk=k
add rule S P M A psk=k)"},
    {"PD_24_filter_duplicate_in_one_list", "filter_duplicate", "filter list 'L'", "information",
     R"(add filter L me 10.77.0.2 protocol=tcp dstport=445
add filter L 10.77.0.2 me protocol=tcp srcport=445)",
     R"(add filter L me 10.77.0.2 protocol=tcp dstport=445
add filter L 10.77.0.2 me protocol=tcp dstport=445)"},
    {"PD_24_filter_duplicate_in_two_lists", "filter_duplicate", "filter list 'M'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filter M me 10.77.0.2
add filter M me 10.77.0.3
add filteraction B action=block
add filteraction A
add rule R P L B
add rule S P M A psk=k)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filter M me 10.77.0.4
add filter M me 10.77.0.3
add filteraction B action=block
add filteraction A
add rule R P L B
add rule S P M A psk=k)"},
    {"PD_24_rule_unreachable", "rule_unreachable", "rule 'S' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L any me protocol=tcp dstport=23
add filter M any 10.77.0.1 protocol=tcp dstport=23
add filteraction B action=block
add filteraction C action=permit
add rule S P M C
add rule R P L B)",
     R"(add policy P activatedefaultrule=no
add filter L any me protocol=tcp dstport=23
add filter M any 10.77.0.1 protocol=tcp dstport=24
add filteraction B action=block
add filteraction C action=permit
add rule S P M C
add rule R P L B)"},
    {"PD_24_filter_unreachable_behind_two_halves", "filter_unreachable", "rule 'S' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L me 10.0.0.0/9
add filter L me 10.128.0.0/9
add filter M me 10.0.0.0/8
add filter M me 192.0.2.1
add filteraction B action=block
add filteraction C action=permit
add rule R P L B
add rule S P M C)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.0.0.0/9
add filter L me 10.128.0.0/10
add filter M me 10.0.0.0/8
add filter M me 192.0.2.1
add filteraction B action=block
add filteraction C action=permit
add rule R P L B
add rule S P M C)"},
    {"MM_14_main_mode_weak", "main_mode_weak", "policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no mmsec="AES256-SHA256-14 3DES-SHA1-2")",
     R"(add policy P activatedefaultrule=no mmsec="AES256-SHA256-14")"},
    {"MM_14_main_mode_with_weak_offers_only", "main_mode_weak", "policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no mmsec="DES-MD5-1")", R"(add policy P activatedefaultrule=no)"},
    {"MM_11_main_mode_order", "main_mode_order", "policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no mmsec="DES-MD5-1 AES256-SHA256-14")",
     R"(add policy P activatedefaultrule=no mmsec="AES256-SHA256-14 DES-MD5-1")"},
    {"KEY_35_main_mode_unlimited", "main_mode_unlimited", "policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no mmlifetime=481)",
     R"(add policy P activatedefaultrule=no mmlifetime=481 qmpermm=10)"},
    {"quick_mode_weak", "quick_mode_weak", "filter action 'A'", "warning",
     R"(add filteraction A qmsec="ESP[AES128,SHA256] ESP[3DES,MD5] AH[MD5]")",
     R"(add filteraction A qmsec="ESP[AES128,SHA256] AH[SHA256]")"},
    {"quick_mode_with_a_weak_group", "quick_mode_weak", "filter action 'A'", "warning",
     R"(add filteraction A qmpfs=yes pfsgroup=1)", R"(add filteraction A qmpfs=yes pfsgroup=14)"},
    {"quick_mode_no_integrity", "quick_mode_no_integrity", "filter action 'A'", "warning",
     R"(add filteraction A qmsec="ESP[AES128,None]")",
     R"(add filteraction A qmsec="AH[SHA256]+ESP[AES128,None] ESP[AES128-GCM]")"},
    {"quick_mode_much_data", "quick_mode_much_data", "filter action 'A'", "warning",
     R"(add filteraction A qmsec="ESP[3DES,SHA1]:100001k/3600s")",
     R"(add filteraction A qmsec="ESP[3DES,SHA1]:100000k/3600s ESP[AES128,SHA1]:200000k/3600s")"},
    {"DR_05_default_response_weak", "default_response_weak", "default response rule of policy 'P'", "warning",
     R"(add policy P profile=windows2003)", R"(add policy P profile=windows2003 activatedefaultrule=no)"},
    {"PSK_05_preshared_key_shared", "preshared_key_shared", "rule 'R1' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filteraction A
add filter L1 me 10.77.0.11
add filter L2 me 10.77.0.12
add filter L3 me 10.77.0.13
add filter L4 me 10.77.0.14
add filter L5 me 10.77.0.15
add rule R1 P L1 A psk=k
add rule R2 P L2 A psk=k
add rule R3 P L3 A kerberos=yes psk=k
add rule R4 P L4 A psk=k
add rule R5 P L5 A psk=k rootca="CN=Root, O=\'X\' certmap:yes")",
     R"(add policy P activatedefaultrule=no
add filteraction A
add filter L1 me 10.77.0.11
add filter L2 me 10.77.0.12
add filter L3 me 10.77.0.13
add filter L4 me 10.77.0.14
add filter L5 me 10.77.0.15
add rule R1 P L1 A psk=k
add rule R2 P L2 A psk=k
add rule R3 P L3 A psk=k
add rule R4 P L4 A psk=k
add rule R5 P L5 A psk=another)"},
    {"rule_without_filters", "rule_without_filters", "rule 'R' of policy 'P'", "warning",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filteraction A
add rule R P L A psk=k
delete filter L me 10.77.0.2)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filteraction A
add rule R P L A psk=k)"},
    {"PD_24_filter_list_unused", "filter_list_unused", "filter list 'L'", "information", R"(add filterlist L)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filteraction A
add rule R P L A psk=k)"},
    {"PD_24_filter_action_unused", "filter_action_unused", "filter action 'A'", "information", R"(add filteraction A)",
     R"(add policy P activatedefaultrule=no
add filter L me 10.77.0.2
add filteraction A
add rule R P L A psk=k)"},
};

class Host {
 public:
  explicit Host(const std::string& script) {
    agent_.set_address("10.77.0.1");
    netsh_.services().sessions = {*parse_ssh_connection(kSession)};
    const std::string printed = netsh_.run_script("s", "pushd ipsec static\n" + script);
    EXPECT_TRUE(netsh_.succeeded()) << printed;
  }

  TestAgent& agent() { return agent_; }
  TestSession& netsh() { return netsh_; }

  // The findings of this check.
  std::vector<json> findings(const std::string& id) {
    const std::string text = netsh_.run("lint --json");
    const json document = json::parse(text, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << text;
    std::vector<json> found;
    for (const json& finding : document["result"]["findings"]) {
      if (finding["id"] == id) found.push_back(finding);
    }
    return found;
  }

 private:
  TestAgent agent_;
  TestSession netsh_{agent_};
};

class Lint : public testing::TestWithParam<Case> {};

// What an administrator does with a line before pasting it: keys are not in it.
std::string with_key(std::string line) {
  static int keys = 0;
  const std::size_t at = line.find("psk=\"<");
  return at == std::string::npos
             ? line
             : line.replace(at, line.find('"', at + 5) + 1 - at, fmt::format("psk=\"key {}\"", ++keys));
}

TEST_P(Lint, finds_it_and_mends_it) {
  Host host(GetParam().with);
  const auto found = host.findings(GetParam().id);
  ASSERT_FALSE(found.empty()) << host.netsh().run("lint");
  EXPECT_EQ(found[0]["object"], GetParam().object);
  EXPECT_EQ(found[0]["severity"], GetParam().severity);
  EXPECT_NE(found[0]["why"], "");
  ASSERT_FALSE(found[0]["mend"].empty());
  for (const json& finding : found) {
    for (const json& line : finding["mend"]) {
      EXPECT_EQ(host.netsh().run(with_key(line.get<std::string>())), "\n") << line;
    }
  }
  EXPECT_THAT(host.findings(GetParam().id), IsEmpty()) << host.netsh().run("lint");
}

TEST_P(Lint, finds_nothing_where_there_is_nothing) {
  Host host(GetParam().without);
  EXPECT_THAT(host.findings(GetParam().id), IsEmpty()) << host.netsh().run("lint");
}

INSTANTIATE_TEST_SUITE_P(Checks, Lint, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(LintCommand, fails_with_errors_only) {
  Host weak("add filteraction A qmsec=ESP[DES,MD5]");
  EXPECT_THAT(weak.netsh().run("lint"), HasSubstr("WARNING quick_mode_weak: filter action 'A'"));
  EXPECT_TRUE(weak.netsh().succeeded());
  Host locked(kCases[0].with);
  const std::string text = locked.netsh().run("lint");
  EXPECT_FALSE(locked.netsh().succeeded());
  EXPECT_THAT(text, testing::StartsWith("ERROR lockout: rule 'R' of policy 'P'\n"));
  EXPECT_THAT(text, HasSubstr("\n    netsh ipsec static add rule "));
  EXPECT_THAT(text, HasSubstr("No. of Errors           : 1\n"));
  locked.netsh().run("lint --json");
  EXPECT_FALSE(locked.netsh().succeeded());
  Host clean(kCases[4].without);
  EXPECT_THAT(clean.netsh().run("lint"), HasSubstr("No. of Warnings         : 0\n"));
  EXPECT_TRUE(clean.netsh().succeeded());
}

TEST(LintCommand, looks_at_one_policy_where_one_is_named) {
  Host host(R"(add policy P activatedefaultrule=no mmlifetime=481
add policy Q activatedefaultrule=no mmlifetime=482
add filterlist Unused)");
  const std::string text = host.netsh().run("lint policy=Q");
  EXPECT_THAT(text, HasSubstr("policy 'Q'"));
  EXPECT_THAT(text, Not(HasSubstr("policy 'P'")));
  EXPECT_THAT(text, Not(HasSubstr("Unused")));
  EXPECT_THAT(host.netsh().run("lint policy=None"), testing::StartsWith("ERR IPsec[05900] : "));
  EXPECT_FALSE(host.netsh().succeeded());
}

TEST(LintCommand, assigning_a_lockout_warns_before_and_assigns) {
  Host host(kCases[0].with);
  std::string warned;
  std::string while_warned;
  host.netsh().on_warning([&](std::string_view text) {
    warned += text;
    TestSession other(host.agent());
    while_warned = other.run("ipsec static show policy P");
  });
  EXPECT_EQ(host.netsh().run("set policy P assign=y"), "\n");
  EXPECT_THAT(while_warned, HasSubstr("Assigned                : NO"));
  EXPECT_THAT(warned, HasSubstr("WARNING lockout: rule 'R' of policy 'P'"));
  EXPECT_THAT(warned, HasSubstr("192.0.2.7:50000 -> 10.77.0.1:22"));
  EXPECT_THAT(host.netsh().run("show policy P"), HasSubstr("Assigned                : YES"));
  warned.clear();
  host.netsh().run("set policy P description=x");
  host.netsh().run("set policy P assign=n");
  EXPECT_EQ(warned, "");
}

TEST(LintCommand, assigning_a_harmless_policy_is_silent) {
  Host host(kCases[0].without);
  std::string warned;
  host.netsh().on_warning([&](std::string_view text) { warned += text; });
  EXPECT_EQ(host.netsh().run("set policy P assign=y"), "\n");
  EXPECT_EQ(warned, "");
}

TEST(LintCommand, the_dynamic_rules_count_in_the_policy_in_force_and_are_named_elsewhere) {
  Host host(R"(add policy P activatedefaultrule=no assign=y
add filter L any me protocol=tcp dstport=445
add filteraction B action=block
add rule R P L B)");
  TestSession dynamic(host.agent());
  dynamic.run("pushd ipsec dynamic");
  EXPECT_THAT(dynamic.run("lint"), HasSubstr("No. of Errors           : 0"));
  dynamic.run("add mmpolicy M");
  dynamic.run("add rule any me M protocol=TCP dstport=445 actionin=permit actionout=permit");
  const std::string reached = dynamic.run("lint");
  EXPECT_TRUE(dynamic.succeeded());
  EXPECT_THAT(reached, HasSubstr("rule_unreachable: rule 'R' of policy 'P'"));
  EXPECT_THAT(reached, HasSubstr("decided by dynamic rule any -> me, TCP"));
  EXPECT_THAT(reached, Not(HasSubstr("delete rule name"))) << "what a dynamic rule hides is not to be taken away";
  EXPECT_THAT(host.findings("rule_unreachable"), IsEmpty());
  ASSERT_EQ(host.findings("dynamic_rules_left_out").size(), 1U);
  EXPECT_THAT(host.findings("dynamic_rules_left_out")[0]["why"], HasSubstr("`netsh ipsec dynamic lint`"));
}

TEST(LintCommand, EX_08_the_hole_of_an_exemption_is_named_once_it_is_in_effect) {
  Host host("add filterlist L");
  EXPECT_THAT(host.findings("exemption_hole"), IsEmpty());
  TestSession(host.agent()).run("ipsec dynamic set config ipsecexempt 0");
  EXPECT_THAT(host.findings("exemption_hole"), IsEmpty()) << "it waits for a start";
}

TEST(SshConnection, is_taken_only_in_its_form) {
  const auto session = parse_ssh_connection(kSession);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->to_string(), "192.0.2.7:50000 -> 10.77.0.1:22 TCP");
  EXPECT_TRUE(parse_ssh_connection("fd77::7 50000 fd77::1 2222"));
  for (const char* wrong : {"", "192.0.2.7 50000 10.77.0.1", "192.0.2.7 0 10.77.0.1 22", "host 1 10.77.0.1 22",
                            "192.0.2.7 50000 10.77.0.1 65536", "192.0.2.7 50000 10.77.0.1 22 x"}) {
    EXPECT_FALSE(parse_ssh_connection(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace ipsec::cli::tests
