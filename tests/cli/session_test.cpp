#include "cli/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/test_session.h"

namespace ipsec::cli::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Sessions : public testing::Test {
 protected:
  TestAgent agent_;
  TestSession netsh_{agent_};
};

TEST_F(Sessions, contexts_are_kept_between_lines) {
  EXPECT_EQ(netsh_.session().prompt(), "netsh>");
  netsh_.run("ipsec");
  EXPECT_EQ(netsh_.session().prompt(), "netsh ipsec>");
  netsh_.run("static");
  EXPECT_EQ(netsh_.session().prompt(), "netsh ipsec static>");
  netsh_.run("pushd ipsec dynamic");
  EXPECT_EQ(netsh_.session().prompt(), "netsh ipsec dynamic>");
  netsh_.run("..");
  EXPECT_EQ(netsh_.session().prompt(), "netsh ipsec>");
  netsh_.run("popd");
  EXPECT_EQ(netsh_.session().prompt(), "netsh ipsec static>");
  EXPECT_THAT(netsh_.run("popd"), HasSubstr("no context is saved"));
  EXPECT_FALSE(netsh_.succeeded());
  netsh_.run("bye");
  EXPECT_TRUE(netsh_.session().is_over());
}

TEST_F(Sessions, a_context_that_does_not_exist_is_an_error) {
  EXPECT_THAT(netsh_.run("pushd firewall"), HasSubstr("no context 'firewall'"));
  EXPECT_FALSE(netsh_.session().enter("interface ip"));
  EXPECT_TRUE(netsh_.session().enter("ipsec static"));
}

TEST_F(Sessions, successful_changes_print_a_blank_line) {
  EXPECT_EQ(netsh_.run("ipsec static add filterlist L"), "\n");
  EXPECT_TRUE(netsh_.succeeded());
}

TEST_F(Sessions, errors_have_the_documented_shape_and_numbers) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P");
  EXPECT_THAT(netsh_.run("add policy p"), StartsWith("ERR IPsec[05005] : "));
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(netsh_.run("show filterlist all"), StartsWith("ERR IPsec[05067] : "));
  EXPECT_THAT(netsh_.run("show filteraction all"), StartsWith("ERR IPsec[05068] : "));
  EXPECT_THAT(netsh_.run("delete policy P"), "\n");
  EXPECT_THAT(netsh_.run("show policy all"), StartsWith("ERR IPsec[05072] : "));
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(netsh_.run("show policy NoSuch"), StartsWith("ERR IPsec[05900] : "));
  EXPECT_THAT(netsh_.run("show filterlist NoSuch"), StartsWith("ERR IPsec[05049] : "));
  EXPECT_THAT(netsh_.run("show filteraction NoSuch"), StartsWith("ERR IPsec[05901] : "));
  EXPECT_THAT(netsh_.run("show rule all NoSuch"), StartsWith("ERR IPsec[05900] : "));
}

TEST_F(Sessions, a_wrong_line_prints_its_usage) {
  const std::string text = netsh_.run("ipsec static add policy mmlifetime=x");
  EXPECT_THAT(text, StartsWith("ERR IPsec[05984] : 'x' is not valid for 'mmlifetime'"));
  EXPECT_THAT(text, HasSubstr("\nUsage: add policy [name=]<string>"));
}

TEST_F(Sessions, deleting_all_of_what_is_not_there_succeeds) {
  netsh_.run("pushd ipsec static");
  for (const char* line : {"del policy all", "del filterlist all", "del filteraction all", "delete all"}) {
    EXPECT_EQ(netsh_.run(line), "\n") << line;
    EXPECT_TRUE(netsh_.succeeded()) << line;
  }
}

TEST_F(Sessions, deleting_all_lists_is_refused_as_a_whole_while_one_is_used) {
  netsh_.run_script("s", R"(pushd ipsec static
add policy P
add filter Used any me
add filterlist Free
add filteraction A action=block
add rule R P Used A)");
  EXPECT_THAT(netsh_.run("delete filterlist all"), StartsWith("ERR IPsec[05904] : "));
  EXPECT_THAT(netsh_.run("show filterlist all"), HasSubstr("Free"));
}

TEST_F(Sessions, a_script_goes_on_after_errors_and_fails_as_a_whole) {
  const std::string text = netsh_.run_script("s.txt", R"(# comment
pushd ipsec static

add policy P
frobnicate
add policy Q
popd
)");
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(text, HasSubstr("not found: frobnicate.\ns.txt:5: this line failed"));
  EXPECT_THAT(netsh_.run("ipsec static show policy all"), HasSubstr("No. of policies : 2"));
}

TEST_F(Sessions, exit_ends_the_script_only) {
  netsh_.run_script("s.txt", "pushd ipsec static\nadd policy P\nexit\nadd policy Q\n");
  EXPECT_TRUE(netsh_.succeeded());
  EXPECT_FALSE(netsh_.session().is_over());
  EXPECT_THAT(netsh_.run("show policy all"), HasSubstr("No. of policies : 1"));
}

TEST_F(Sessions, scripts_may_run_scripts_but_not_for_ever) {
  netsh_.files()["inner"] = "ipsec static add policy P\n";
  EXPECT_EQ(netsh_.run_script("outer", "exec inner\n"), "\n");
  EXPECT_THAT(netsh_.run_script("loop", "exec loop\n"), HasSubstr("depth"));
  EXPECT_THAT(netsh_.run("exec missing"), HasSubstr("ERR IPsec[05990]"));
}

TEST_F(Sessions, rules_are_named_by_number_and_guid_too) {
  netsh_.run_script("s", R"(pushd ipsec static
add policy P
add filter L any me
add filteraction A action=block
add rule first P L A
add rule second P L A)");
  EXPECT_EQ(netsh_.run("set rule id=2 policy=P newname=renamed"), "\n");
  EXPECT_THAT(netsh_.run("show rule id=2 policy=P"), HasSubstr("renamed"));
  EXPECT_THAT(netsh_.run("delete rule id=9 policy=P"), StartsWith("ERR IPsec[05902] : "));
  const std::string shown = netsh_.run("show rule first P");
  const std::size_t start = shown.find('{');
  const std::string guid = shown.substr(start, shown.find('}') + 1 - start);
  EXPECT_EQ(netsh_.run("delete rule id=" + guid + " policy=P"), "\n");
  EXPECT_THAT(netsh_.run("show rule all P"), Not(HasSubstr("first")));
  EXPECT_THAT(netsh_.run("show rule default P"), HasSubstr("<Default Response Rule>"));
  EXPECT_EQ(netsh_.run("delete rule all P"), "\n");
}

TEST_F(Sessions, tunnel_ends_may_be_names) {
  netsh_.run_script("s", R"(pushd ipsec static
add policy P
add filter L 10.1.0.0 10.2.0.0 srcmask=16 dstmask=16 mirrored=no
add filteraction A)");
  EXPECT_EQ(netsh_.run("add rule R P L A tunnel=gw.example psk=k"), "\n");
  EXPECT_THAT(netsh_.run("show rule R P"), HasSubstr("Tunnel Dest IP Address  : 198.51.100.7"));
  EXPECT_THAT(netsh_.run("add rule S P L A tunnel=no.example psk=k"), StartsWith("ERR IPsec[05992] : "));
  EXPECT_EQ(netsh_.run("set rule R P tunnel=0.0.0.0"), "\n");
  EXPECT_THAT(netsh_.run("show rule R P"), Not(HasSubstr("Tunnel Dest")));
  EXPECT_THAT(netsh_.run("show rule all P type=tunnel"), StartsWith("ERR IPsec[05902] : "));
}

TEST_F(Sessions, lists_and_actions_of_a_rule) {
  netsh_.run_script("s", R"(pushd ipsec static
add policy P
add filter L any me
add filterlist Other
add filteraction A action=block
add filteraction B
add rule R P L A)");
  EXPECT_THAT(netsh_.run("show filterlist rule=r"), HasSubstr("No. of FilterLists : 1"));
  EXPECT_THAT(netsh_.run("show filteraction rule=R"), Not(HasSubstr("FilterAction Name       : B")));
  EXPECT_THAT(netsh_.run("show filterlist rule=none"), StartsWith("ERR IPsec[05049] : "));
}

TEST_F(Sessions, json_of_a_show_is_one_document) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P mmsec=AES256-SHA256-14");
  const std::string text = netsh_.run("show policy P --json");
  EXPECT_THAT(text, StartsWith("{\n  \"schema\": \"policyagent-show/1\",\n  \"command\": \"static show policy\""));
  EXPECT_THAT(text, HasSubstr("\"name\": \"P\""));
  netsh_.services().json = true;
  EXPECT_THAT(netsh_.run("show filterlist all"), HasSubstr("\"filter_lists\": []"));
  EXPECT_TRUE(netsh_.succeeded()) << "an empty list is no error for programs";
  for (const char* line : {"show all", "show rule all P", "show filteraction all", "show store"}) {
    EXPECT_THAT(netsh_.run(line), StartsWith("{\n  \"schema\": \"policyagent-show/1\"")) << line;
  }
  netsh_.run("pushd ipsec dynamic");
  for (const char* line :
       {"show all", "show mmpolicy", "show qmpolicy", "show mmfilter", "show qmfilter", "show rule", "show mmsas",
        "show qmsas", "show negotiations", "show stats", "show status", "show events"}) {
    EXPECT_THAT(netsh_.run(line), StartsWith("{\n  \"schema\": \"policyagent-show/1\"")) << line;
  }
}

TEST_F(Sessions, what_runs) {
  netsh_.run_script("s", R"(pushd ipsec static
add policy P activatedefaultrule=no
add filter L 10.77.0.1 10.77.0.2
add filteraction A qmsec=ESP[AES128-GCM]
add rule R P L A psk=geheim
add filter M any 10.77.0.1 protocol=tcp dstport=23
add filteraction B action=block
add rule S P M B
set policy P assign=y
popd
pushd ipsec dynamic)");
  EXPECT_THAT(netsh_.run("show mmpolicy all"), HasSubstr("Mainmode Policy Name    : P"));
  EXPECT_THAT(netsh_.run("show qmpolicy A"), HasSubstr("ESP[AES128-GCM]"));
  EXPECT_THAT(netsh_.run("show qmpolicy none"), HasSubstr("not available"));
  EXPECT_THAT(netsh_.run("show qmfilter"), HasSubstr("2 Generic Filter(s)"));
  EXPECT_THAT(netsh_.run("show qmfilter dstport=23"), HasSubstr("2 Generic Filter(s)")) << "the other admits any port";
  EXPECT_THAT(netsh_.run("show qmfilter S"), HasSubstr("1 Generic Filter(s)"));
  EXPECT_THAT(netsh_.run("show qmfilter actioninbound=block"), HasSubstr("1 Generic Filter(s)"));
  EXPECT_THAT(netsh_.run("show qmfilter srcaddr=192.0.2.1"), HasSubstr("1 Generic Filter(s)"));
  EXPECT_THAT(netsh_.run("show qmfilter srcaddr=wins dstaddr=me"), StartsWith("ERR IPsec[05984] : "));
  EXPECT_THAT(netsh_.run("show rule type=tunnel"), HasSubstr("not available"));
  EXPECT_THAT(netsh_.run("show status"), HasSubstr("Policy Name             : P"));
  EXPECT_THAT(netsh_.run("refresh"), HasSubstr("'P'"));
  EXPECT_THAT(netsh_.run("show events count=5"), HasSubstr("policy_loaded"));
  const std::string all = netsh_.run("show all");
  EXPECT_TRUE(netsh_.succeeded()) << all;
  EXPECT_THAT(all, HasSubstr("IKE Main Mode SAs at 2026-11-20 20:00:00 UTC"));
  EXPECT_THAT(all, Not(HasSubstr("geheim")));
}

TEST_F(Sessions, security_associations_are_narrowed) {
  netsh_.run("pushd ipsec dynamic");
  EXPECT_THAT(netsh_.run("show mmsas dstaddr=10.77.0.2"), HasSubstr("Cookie Pair"));
  EXPECT_THAT(netsh_.run("show mmsas dstaddr=10.77.0.3"), HasSubstr("not available"));
  EXPECT_THAT(netsh_.run("show negotiations dstaddr=10.77.0.2"), HasSubstr("no_proposal_chosen"));
  EXPECT_THAT(netsh_.run("show negotiations dstaddr=10.77.0.3"), HasSubstr("No negotiation has failed"));
  EXPECT_THAT(netsh_.run("show qmsas srcaddr=10.2.3.4"), HasSubstr("Tunnel Filter"));
  EXPECT_THAT(netsh_.run("show qmsas srcaddr=10.2.3.4"), Not(HasSubstr("Transport Filter")));
  EXPECT_THAT(netsh_.run("show qmsas protocol=udp"), HasSubstr("not available"));
  EXPECT_THAT(netsh_.run("show mmsas resolvedns=yes"), HasSubstr("10.77.0.2 (name-of-10.77.0.2)"));
  EXPECT_THAT(netsh_.run("show stats type=ike"), Not(HasSubstr("IPsec Statistics")));
}

TEST_F(Sessions, an_agent_without_its_services_is_not_an_agent_that_is_gone) {
  netsh_.run("pushd ipsec dynamic");
  agent_.take_services_away();
  EXPECT_THAT(netsh_.run("show mmsas"), StartsWith("ERR IPsec[05991] : the stand-in does not answer"));
  EXPECT_THAT(netsh_.run("show stats"), HasSubstr("the IKE service does not answer"));
  netsh_.run("show all");
  EXPECT_FALSE(netsh_.succeeded());
}

TEST_F(Sessions, an_agent_that_is_gone_is_named_with_its_socket) {
  agent_.stop();
  const std::string text = netsh_.run("ipsec static show policy all");
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(text, StartsWith("ERR IPsec[05073] : the Policy Agent does not answer at " + agent_.directory()));
  EXPECT_THAT(text, HasSubstr("systemctl start policyagent"));
}

TEST_F(Sessions, export_and_import_bring_everything_back) {
  const std::string path = agent_.directory() + "/backup";
  netsh_.run_script("s", R"(pushd ipsec static
add policy "Partner link" mmsec="3DES-SHA1-2 AES256-SHA256-14" assign=y
add filter L me any protocol=udp dstport=53
add filteraction A
add rule R "Partner link" L A psk=geheim rootca="CN=R certmap:yes")");
  EXPECT_THAT(netsh_.run("exportpolicy " + path + " --with-secrets"),
              HasSubstr("WARNING: it holds the preshared keys in clear text"));
  const std::string before = agent_.exported();
  EXPECT_THAT(before, HasSubstr("geheim"));
  netsh_.run("delete all");
  EXPECT_THAT(netsh_.run("importpolicy " + path + ".ipsec"), HasSubstr("1 policies, 1 filter lists, 1 filter actions"));
  EXPECT_EQ(agent_.exported(), before);
  netsh_.run("exportpolicy " + path + "2.ipsec");
  EXPECT_THAT(netsh_.run("importpolicy " + path + "3.ipsec"), StartsWith("ERR IPsec[05990] : "));
}

TEST_F(Sessions, an_import_names_every_problem_with_its_place) {
  const std::string path = agent_.directory() + "/wrong.ipsec";
  FILE* file = fopen(path.c_str(), "w");
  fputs(R"({"format": "policyagent/1", "filter_lists": [{"name": 7}], "colour": "blue"})", file);
  fclose(file);
  const std::string text = netsh_.run("ipsec static importpolicy " + path);
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(text, HasSubstr("/filter_lists/0/name"));
  EXPECT_THAT(text, HasSubstr("colour"));
}

}  // namespace
}  // namespace ipsec::cli::tests
