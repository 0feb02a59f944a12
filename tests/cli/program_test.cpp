#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "tests/cli/test_session.h"

// Whole files and programs on a real store: batch files, ipseccmd, --strict, dump, the examples, stores and aliases.
namespace ipsec::cli::tests {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Programs : public testing::Test {
 protected:
  Json exported() { return Json::parse(agent_.exported()); }
  std::vector<std::string> names(const char* kind) {
    std::vector<std::string> all;
    const Json store = exported();
    for (const Json& object : store[kind]) all.push_back(object["name"]);
    return all;
  }
  std::string ipseccmd(std::string_view line) {
    succeeded_ = netsh_.session().run_ipseccmd(split_words(line));
    return netsh_.take();
  }

  TestAgent agent_;
  TestSession netsh_{agent_};
  bool succeeded_ = true;
};

// ---- batch files ----------------------------------------------------------------------------------------------------

TEST_F(Programs, each_line_of_a_batch_file_is_a_process_of_its_own) {
  const std::string text = netsh_.run_script("x.BAT",
                                             "netsh pushd ipsec static\n"
                                             "netsh add filterlist A\n"
                                             "netsh ipsec static add filterlist B\n");
  EXPECT_THAT(text, HasSubstr("x.BAT:2: this line failed; the others still run."));
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("B"));
  EXPECT_FALSE(netsh_.succeeded());
}

TEST_F(Programs, chains_of_a_batch_file_depend_on_success) {
  netsh_.run_script("x.bat",
                    "netsh ipsec static add filterlist A && netsh ipsec static add filterlist B\n"
                    "netsh ipsec static add filterlist A && netsh ipsec static add filterlist C\n"
                    "netsh ipsec static add filterlist A || netsh ipsec static add filterlist D\n");
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("A", "B", "D"));
}

TEST_F(Programs, a_batch_line_may_have_the_options_of_the_program) {
  netsh_.files()["inner.txt"] = "add filterlist FromFile\n";
  netsh_.run_script("x.cmd",
                    "netsh -c \"ipsec static\" add filterlist A\n"
                    "netsh -c \"ipsec static\" -f inner.txt\n"
                    "netsh -r other ipsec static add filterlist B\n");
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("A", "FromFile"));
}

TEST_F(Programs, skipped_lines_of_a_batch_file_are_noted_and_do_not_fail) {
  const std::string text = netsh_.run_script("x.bat",
                                             "if exist x netsh ipsec static add filterlist A\n"
                                             "netsh ipsec static add filterlist B\n");
  EXPECT_THAT(text, HasSubstr("x.bat:1: note: skipped a command of netsh"));
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("B"));
  EXPECT_TRUE(netsh_.succeeded());
}

TEST_F(Programs, a_variable_fails_its_line_only) {
  const std::string text =
      netsh_.run_script("x.bat", "netsh ipsec static add filterlist %NAME%\nnetsh ipsec static add filterlist B\n");
  EXPECT_THAT(text, HasSubstr("%NAME%"));
  EXPECT_THAT(text, HasSubstr("x.bat:1: this line failed"));
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("B"));
}

// ---- --strict -------------------------------------------------------------------------------------------------------

class StrictScripts : public Programs {
 protected:
  std::string run(const std::string& content) { return strict_.run_script("s", content); }
  TestSession strict_{agent_, {.is_strict = true}};
};

TEST_F(StrictScripts, are_carried_out_as_a_whole) {
  const std::string text =
      run("pushd ipsec static\nadd policy P activatedefaultrule=no\nadd filter L any me protocol=TCP dstport=80\n"
          "add filteraction B action=block\nadd rule R P L B\nset policy P assign=y\nshow policy all\n");
  EXPECT_TRUE(strict_.succeeded()) << text;
  EXPECT_THAT(text, HasSubstr("Policy Name")) << "a show sees what the script has changed so far";
  EXPECT_EQ(exported()["assigned"], "P");
}

TEST_F(StrictScripts, that_fail_leave_nothing_behind) {
  for (const char* wrong : {"add policy", "frobnicate", "add policy P", "add rule R P NoList B", "\xff",
                            "importpolicy x", "exportpolicy x"}) {
    const std::string text = run(fmt::format(
        "pushd ipsec static\nadd policy P\nadd filteraction B action=block\n{}\nadd filteraction C action=block\n",
        wrong));
    EXPECT_FALSE(strict_.succeeded()) << wrong;
    EXPECT_THAT(text, HasSubstr("s:4: this line failed; nothing of the script was done (--strict).")) << wrong;
    EXPECT_TRUE(exported()["policies"].empty()) << wrong;
    EXPECT_TRUE(exported()["filter_actions"].empty()) << wrong;
  }
}

TEST_F(StrictScripts, keep_dynamic_and_stored_changes_together) {
  run("ipsec dynamic add mmpolicy M\nipsec static add policy P\nipsec dynamic add mmpolicy m\n");
  EXPECT_FALSE(strict_.succeeded());
  EXPECT_TRUE(agent_.client().dynamic_policy()->main_mode_policies().empty());
  EXPECT_TRUE(exported()["policies"].empty());
  run("ipsec dynamic add mmpolicy M\nipsec static add policy P\nipsec static add policy P\n");
  EXPECT_TRUE(agent_.client().dynamic_policy()->main_mode_policies().empty());
  const std::string text = run("ipsec dynamic add mmpolicy M\nipsec static add policy P\n");
  EXPECT_TRUE(strict_.succeeded()) << text;
  EXPECT_EQ(agent_.client().dynamic_policy()->main_mode_policies_size(), 1);
}

TEST_F(StrictScripts, number_rules_as_the_script_has_made_them) {
  run("pushd ipsec static\nadd policy P\nadd filter L any me\nadd filteraction B action=block\n"
      "add rule One P L B\nadd rule Two P L B\nset rule id=2 policy=P newname=Second\ndelete filterlist NoUse\n");
  EXPECT_FALSE(strict_.succeeded());
  run("pushd ipsec static\nadd policy P\nadd filter L any me\nadd filteraction B action=block\n"
      "add rule One P L B\nadd rule Two P L B\nset rule id=2 policy=P newname=Second\n");
  EXPECT_TRUE(strict_.succeeded());
  EXPECT_EQ(exported()["policies"][0]["rules"][1]["name"], "Second");
}

TEST_F(StrictScripts, may_delete_all_that_they_have_made) {
  run("pushd ipsec static\nadd policy P\nadd filter L any me\nadd filteraction B action=block\nadd rule R P L B\n"
      "delete rule all P\ndelete policy all\ndelete filterlist all\ndelete filteraction all\nadd policy Q\n");
  EXPECT_TRUE(strict_.succeeded());
  EXPECT_THAT(names("policies"), testing::ElementsAre("Q"));
  EXPECT_TRUE(names("filter_lists").empty() && names("filter_actions").empty());
}

TEST_F(StrictScripts, of_batch_form_fail_where_a_command_would_be_left_out) {
  TestSession batch(agent_, {.is_batch = true, .is_strict = true});
  batch.run_script("x", "netsh ipsec static add filterlist A\nif x==y netsh ipsec static add filterlist B\n");
  EXPECT_FALSE(batch.succeeded());
  EXPECT_TRUE(exported()["filter_lists"].empty());
  batch.run_script("x", "netsh ipsec static add filterlist A\nif x==y echo no\nnetsh ipsec static add filterlist B\n");
  EXPECT_TRUE(batch.succeeded());
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("A", "B"));
}

// ---- ipseccmd -------------------------------------------------------------------------------------------------------

TEST_F(Programs, ipseccmd_makes_a_policy_and_adds_rules_to_it) {
  EXPECT_EQ(ipseccmd("-w REG -p \"Block Ports:30\" -r \"Block 135\" -f *+0:135:TCP *+0:135:UDP -n BLOCK"), "\n");
  EXPECT_EQ(ipseccmd("-w reg -p \"block ports\" -r Allow -f 10.0.0.0/255.0.0.0+0 -n PASS -x"), "\n");
  const Json store = exported();
  ASSERT_EQ(store["policies"].size(), 1U);
  const Json& policy = store["policies"][0];
  EXPECT_EQ(policy["name"], "Block Ports");
  EXPECT_EQ(policy["polling_interval_minutes"], 30);
  EXPECT_EQ(policy["default_response"]["active"], false);
  EXPECT_EQ(store["assigned"], "Block Ports");
  ASSERT_EQ(policy["rules"].size(), 2U);
  EXPECT_EQ(policy["rules"][0]["filter_list"], "Block 135 filter list");
  EXPECT_EQ(store["filter_lists"][0]["filters"].size(), 2U);
  EXPECT_EQ(store["filter_actions"][0]["action"], "block");
  EXPECT_EQ(store["filter_actions"][1]["action"], "permit");
}

TEST_F(Programs, ipseccmd_changes_a_rule_that_exists) {
  ipseccmd("-w REG -p P -r R -f *+0:135:TCP -n BLOCK");
  EXPECT_EQ(ipseccmd("-w REG -p P -r R -f *+0:139:TCP *+0:445:TCP"), "\n");
  EXPECT_EQ(ipseccmd("-w REG -p P -r R -n ESP[3DES,SHA1]3600S -a PRESHARE:\"a key\""), "\n");
  const Json store = exported();
  ASSERT_EQ(store["policies"][0]["rules"].size(), 1U);
  ASSERT_EQ(store["filter_lists"][0]["filters"].size(), 2U);
  EXPECT_EQ(store["filter_lists"][0]["filters"][0]["destination_port"], 139);
  EXPECT_EQ(store["filter_actions"][0]["action"], "negotiate");
  EXPECT_EQ(store["policies"][0]["rules"][0]["authentication"][0]["psk"], "a key");
}

TEST_F(Programs, ipseccmd_unassigns_and_deletes) {
  ipseccmd("-w REG -p P -r R -f *+0:135:TCP -n BLOCK -x");
  ipseccmd("-w REG -p P -r S -f *+0:136:TCP -n BLOCK");
  EXPECT_EQ(ipseccmd("-w REG -p P -y"), "\n");
  EXPECT_EQ(exported()["assigned"], nullptr);
  EXPECT_EQ(ipseccmd("-w REG -p P -r R -o"), "\n");
  EXPECT_EQ(exported()["policies"][0]["rules"].size(), 1U);
  EXPECT_EQ(ipseccmd("-w REG -p P -y -o"), "\n");
  EXPECT_TRUE(exported()["policies"].empty());
  EXPECT_THAT(ipseccmd("-w REG -p P -o"), HasSubstr("there is no policy 'P'"));
  EXPECT_FALSE(succeeded_);
}

TEST_F(Programs, ipseccmd_without_w_works_on_the_dynamic_policy) {
  EXPECT_EQ(ipseccmd("-f [*+0:23:TCP] (10.0.0.0/255.0.0.0+0:23:TCP)"), "\n");
  EXPECT_EQ(ipseccmd("-f 0+10.0.0.9 -n ESP[3DES,SHA1] -a PRESHARE:\"k\" -1s 3DES-SHA1-2 -lan"), "\n");
  EXPECT_EQ(ipseccmd("-f 0+10.0.0.8 -n ESP[3DES,SHA1] -a PRESHARE:\"k\" -1s 3DES-SHA1-2 -lan"), "\n");
  const auto policy = agent_.client().dynamic_policy();
  ASSERT_EQ(policy->rules_size(), 4);
  EXPECT_EQ(policy->rules(0).inbound(), proto::ACTION_BLOCK);
  EXPECT_EQ(policy->rules(1).outbound(), proto::ACTION_PERMIT);
  EXPECT_EQ(policy->rules(2).inbound(), proto::ACTION_NEGOTIATE);
  EXPECT_EQ(policy->rules(2).selector().connection_type(), "lan");
  EXPECT_EQ(policy->rules(3).quick_mode_policy(), policy->rules(2).quick_mode_policy());
  EXPECT_EQ(policy->quick_mode_policies_size(), 1);
  EXPECT_TRUE(exported()["policies"].empty());
  EXPECT_EQ(ipseccmd("-u"), "\n");
  EXPECT_EQ(agent_.client().dynamic_policy()->rules_size(), 0);
}

TEST_F(Programs, ipseccmd_shows_what_runs_and_explains_itself) {
  EXPECT_THAT(ipseccmd("show sas"), HasSubstr("IKE Main Mode SAs"));
  EXPECT_TRUE(succeeded_);
  EXPECT_THAT(ipseccmd("-?"), StartsWith("Usage: ipseccmd"));
  EXPECT_THAT(ipseccmd("-q"), StartsWith("ERR IPsec["));
  EXPECT_FALSE(succeeded_);
}

TEST_F(Programs, ipseccmd_lines_run_in_batch_files) {
  netsh_.run_script("x.bat", "@echo off\nipseccmd -w REG -p P -r R -f *+0:135:TCP -n BLOCK -x >nul\n");
  EXPECT_TRUE(netsh_.succeeded());
  EXPECT_EQ(exported()["assigned"], "P");
}

// ---- dump and examples ----------------------------------------------------------------------------------------------

// What an export holds that a script can make again.
Json without_identities(Json json) {
  if (json.is_object()) {
    for (const char* key : {"guid", "last_modified", "resolved", "version"}) json.erase(key);
  }
  if (json.is_structured()) {
    for (Json& part : json) part = without_identities(part);
  }
  return json;
}

constexpr const char* kEverything =
    "pushd ipsec static\n"
    "add policy \"My policy\" \"with words\" mmpfs=yes qmpermm=5 mmlifetime=60 activatedefaultrule=no "
    "pollinginterval=5 mmsec=\"3DES-SHA1-2 AES256-SHA256-14\"\n"
    "set defaultrule \"My policy\" qmpfs=yes qmsec=\"ESP[AES128,SHA256] AH[SHA1]\" psk=\"default key\"\n"
    "add filter L me 10.0.0.0 srcmask=32 dstmask=8 protocol=TCP dstport=445 desc=\"a b\"\n"
    "add filter L me 10.0.0.1-10.0.0.9 mirrored=no protocol=47\n"
    "add filter L any me protocol=ICMP\nadd filter L dns me\nadd filter L me www.example.com\n"
    "add filter T 10.1.0.0 10.2.0.0 srcmask=16 dstmask=16 mirrored=no\n"
    "add filterlist Empty \"nothing in it\"\nadd filter Empty any me\n"
    "add filteraction Secure qmpfs=y inpass=y soft=y "
    "qmsec=\"AH[SHA1]+ESP[3DES,None]:50000k/1000s ESP[AES128-GCM]\"\n"
    "add filteraction Block action=block\n"
    "add rule R \"My policy\" L Secure conntype=lan activate=no desc=d psk=\"a=b c\" kerberos=y "
    "rootca=\"C=US, O=\\'Big, Corp\\' certmap:yes excludecaname:no\"\n"
    "add rule T \"My policy\" T Secure tunnel=198.51.100.1 kerberos=yes\n"
    "add rule E \"My policy\" Empty Block\ndelete filter Empty any me\n"
    "set policy \"My policy\" assign=y\npopd\n";

TEST_F(Programs, a_dump_with_secrets_makes_everything_again) {
  netsh_.run_script("all", kEverything);
  ASSERT_TRUE(netsh_.succeeded());
  const std::string script = netsh_.run("ipsec static dump secrets=yes");
  TestAgent other;
  TestSession second(other);
  const std::string printed = second.run_script("dump", script);
  EXPECT_TRUE(second.succeeded()) << script << printed;
  EXPECT_EQ(without_identities(Json::parse(other.exported())), without_identities(exported())) << script;
}

TEST_F(Programs, a_dump_without_secrets_has_none_and_its_rule_fails_closed) {
  netsh_.run_script("all", kEverything);
  const std::string script = netsh_.run("ipsec static dump");
  EXPECT_THAT(script, Not(HasSubstr("a=b c")));
  EXPECT_THAT(script, Not(HasSubstr("default key")));
  TestAgent other;
  TestSession second(other, {.is_strict = true});
  second.run_script("dump", script);
  EXPECT_FALSE(second.succeeded());
  EXPECT_TRUE(Json::parse(other.exported())["policies"].empty());
}

TEST_F(Programs, a_dump_of_nothing_is_a_script_that_does_nothing) {
  const std::string script = netsh_.run("dump");
  netsh_.run_script("dump", script);
  EXPECT_TRUE(netsh_.succeeded());
  EXPECT_TRUE(exported()["policies"].empty());
}

TEST_F(Programs, a_dynamic_dump_makes_the_dynamic_policy_again) {
  netsh_.run_script("d",
                    "pushd ipsec dynamic\nset config ipsecexempt 0\nadd mmpolicy \"My M\" qmpermm=2 mmsec=3DES-SHA1-2\n"
                    "add qmpolicy Q soft=y pfs=grp2 qmsec=ESP[3DES,SHA1]\n"
                    "add rule any me \"my m\" protocol=TCP dstport=80 actionin=block actionout=permit conntype=lan\n"
                    "add rule me 10.0.0.0 \"My M\" Q dstmask=8 kerberos=yes\n");
  ASSERT_TRUE(netsh_.succeeded());
  const std::string script = netsh_.run("dump");
  TestAgent other;
  TestSession second(other);
  const std::string printed = second.run_script("dump", script);
  EXPECT_TRUE(second.succeeded()) << script << printed;
  EXPECT_EQ(other.client().dynamic_policy()->DebugString(), agent_.client().dynamic_policy()->DebugString());
}

TEST_F(Programs, the_examples_are_put_back_whatever_has_become_of_them) {
  for (const char* release : {"win2k", "win2003"}) {
    EXPECT_EQ(netsh_.run(fmt::format("ipsec static restorepolicyexamples release={}", release)), "\n");
    EXPECT_THAT(names("policies"), testing::UnorderedElementsAre("Client (Respond Only)", "Server (Request Security)",
                                                                 "Secure Server (Require Security)"));
    netsh_.run("ipsec static set policy \"Client (Respond Only)\" newname=Mine assign=y");
    netsh_.run("ipsec static delete rule all policy=\"Server (Request Security)\"");
  }
  netsh_.run("ipsec static restorepolicyexamples win2003");
  const Json store = exported();
  EXPECT_EQ(store["assigned"], "Client (Respond Only)") << "what is assigned stays assigned";
  for (const Json& policy : store["policies"]) {
    EXPECT_EQ(policy["profile"], "windows2003");
    EXPECT_EQ(policy["main_mode"]["offers"].size(), 4U);
    EXPECT_EQ(policy["default_response"]["offers"].size(), 6U) << "DR-05";
    EXPECT_EQ(policy["rules"].size(), policy["name"] == "Client (Respond Only)" ? 0U : 2U);
  }
  EXPECT_EQ(store["filter_actions"].size(), 3U);
}

// ---- the default response rule --------------------------------------------------------------------------------------

TEST_F(Programs, DR_01_DR_03_every_policy_has_an_active_default_response_rule) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P");
  const std::string shown = netsh_.run("show rule all P");
  EXPECT_THAT(shown, HasSubstr("<Default Response Rule>"));
  EXPECT_THAT(shown, HasSubstr("<Dynamic>"));
  EXPECT_THAT(shown, HasSubstr("<Default Response>"));
  EXPECT_TRUE(exported()["policies"][0]["default_response"]["active"]);
  EXPECT_TRUE(exported()["policies"][0]["rules"].empty()) << "it is no rule among the others";
}

TEST_F(Programs, DR_02_it_is_deactivated_and_never_deleted) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P");
  const std::string guid = exported()["policies"][0]["default_response"]["guid"];
  EXPECT_THAT(netsh_.run("delete rule id={" + guid + "} policy=P"), StartsWith("ERR IPsec[05908]"));
  EXPECT_EQ(netsh_.run("delete rule all P"), "\n") << "all the others";
  EXPECT_TRUE(exported()["policies"][0]["default_response"]["active"]);
  EXPECT_EQ(netsh_.run("set defaultrule P activate=no"), "\n");
  EXPECT_FALSE(exported()["policies"][0]["default_response"]["active"]);
  EXPECT_EQ(netsh_.run("set policy P activatedefaultrule=yes"), "\n");
  EXPECT_TRUE(exported()["policies"][0]["default_response"]["active"]);
}

TEST_F(Programs, DR_04_only_its_methods_can_be_changed) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P");
  netsh_.run("add filter L me any");
  const Json before = exported();
  const std::string guid = before["policies"][0]["default_response"]["guid"];
  EXPECT_THAT(netsh_.run("set defaultrule P filterlist=L"), HasSubstr("filterlist"));
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_THAT(netsh_.run("set rule id={" + guid + "} policy=P filterlist=L"), StartsWith("ERR IPsec[05908]"));
  EXPECT_EQ(exported(), before);
  EXPECT_EQ(netsh_.run("set defaultrule P qmpfs=yes qmsec=\"ESP[AES128,SHA256]\" psk=\"a key\" kerberos=yes"), "\n");
  const Json rule = exported()["policies"][0]["default_response"];
  EXPECT_EQ(rule["offers"].size(), 1U);
  EXPECT_EQ(rule["authentication"][0]["method"], "psk");
  EXPECT_EQ(rule["authentication"][1]["method"], "kerberos");
}

TEST_F(Programs, DR_05_six_documented_methods_are_shown_in_order) {
  netsh_.run("pushd ipsec static");
  netsh_.run("add policy P profile=windows2003");
  const std::string shown = netsh_.run("show rule default P level=verbose");
  // Columns AH and ESP, a line for each method.
  std::vector<std::string> methods;
  std::istringstream lines(shown.substr(shown.find("AH ")));
  for (std::string line; std::getline(lines, line);) {
    std::erase(line, ' ');
    if (line.starts_with("[")) methods.push_back(line.substr(0, line.find('\t', line.find('\t') + 1)));
  }
  EXPECT_THAT(methods,
              testing::ElementsAre("[NONE]\t[3DES,SHA1]", "[NONE]\t[3DES,MD5(weak)]", "[NONE]\t[DES(weak),SHA1]",
                                   "[NONE]\t[DES(weak),MD5(weak)]", "[SHA1]\t[NONE]", "[MD5(weak)]\t[NONE]"));
  EXPECT_EQ(exported()["policies"][0]["default_response"]["offers"].size(), 6U);
}

TEST_F(Programs, DR_12_the_authentication_is_chosen_with_the_policy) {
  netsh_.run("pushd ipsec static");
  EXPECT_EQ(netsh_.run("add policy P psk=\"first key\" kerberos=yes"), "\n");
  const Json methods = exported()["policies"][0]["default_response"]["authentication"];
  ASSERT_EQ(methods.size(), 2U);
  EXPECT_EQ(methods[0]["method"], "psk");
  EXPECT_EQ(methods[1]["method"], "kerberos");
  EXPECT_THAT(netsh_.run("show rule default P"), HasSubstr("Preshared Key"));
  EXPECT_THAT(netsh_.run("show rule default P"), Not(HasSubstr("first key")));
  netsh_.run("add policy Q");
  EXPECT_EQ(exported()["policies"][1]["default_response"]["authentication"][0]["method"], "kerberos");
  netsh_.run("add policy R d no 0 480 yes 180 no \"AES256-SHA256-14\" bare");
  EXPECT_FALSE(netsh_.succeeded()) << "a bare word is no key: it needs its tag";
}

// ---- stores, batches, the shell -------------------------------------------------------------------------------------

TEST_F(Programs, set_store_keeps_to_stores_that_are_there) {
  netsh_.run("pushd ipsec static");
  EXPECT_EQ(netsh_.run("set store local"), "\n");
  EXPECT_THAT(netsh_.run("set store domain"), StartsWith("ERR IPsec["));
  EXPECT_FALSE(netsh_.succeeded());
  EXPECT_EQ(netsh_.run("add filterlist L"), "\n") << "the store set before stays";
  EXPECT_THAT(netsh_.run("set store local domain=x"), HasSubstr("location=domain"));
  EXPECT_THAT(netsh_.run("set policy P gponame=G"), HasSubstr("location=domain"));
  EXPECT_THAT(netsh_.run("show gpoassignedpolicy"), HasSubstr("No policy of the domain"));
}

TEST_F(Programs, a_batch_is_stored_at_once_and_loaded_at_its_end) {
  netsh_.run("pushd ipsec static");
  EXPECT_EQ(netsh_.run("set batch enable"), "\n");
  for (const char* line : {"add policy P", "add filter L 10.0.0.1 10.0.0.2", "add filteraction B action=block",
                           "add rule R P L B", "set policy P assign=y"}) {
    EXPECT_EQ(netsh_.run(line), "\n") << line;
  }
  EXPECT_EQ(exported()["assigned"], "P");
  EXPECT_EQ(agent_.specific_filters(), 0U);
  EXPECT_EQ(netsh_.run("set batch disable"), "\n");
  EXPECT_GT(agent_.specific_filters(), 0U);
}

TEST_F(Programs, the_end_of_a_netsh_ends_its_batch) {
  {
    TestSession other(agent_);
    other.run("ipsec static set batch enable");
    for (const char* line : {"add policy P", "add filter L 10.0.0.1 10.0.0.2", "add filteraction B action=block",
                             "add rule R P L B", "set policy P assign=y"}) {
      other.run(fmt::format("ipsec static {}", line));
    }
  }
  EXPECT_GT(agent_.specific_filters(), 0U);
}

TEST_F(Programs, aliases_stand_for_words) {
  EXPECT_EQ(netsh_.run("alias addlist \"ipsec static add filterlist\""), "");
  netsh_.run("ADDLIST name=L");
  EXPECT_TRUE(netsh_.succeeded());
  EXPECT_THAT(names("filter_lists"), testing::ElementsAre("L"));
  EXPECT_THAT(netsh_.run("show alias"), HasSubstr("addlist"));
  EXPECT_THAT(netsh_.run("alias addlist"), HasSubstr("ipsec static add filterlist"));
  netsh_.run("unalias addlist");
  EXPECT_TRUE(netsh_.succeeded());
  netsh_.run("addlist name=M");
  EXPECT_FALSE(netsh_.succeeded());
  netsh_.run("unalias addlist");
  EXPECT_FALSE(netsh_.succeeded());
}

TEST_F(Programs, root_commands_that_scripts_use) {
  EXPECT_THAT(netsh_.run("show helper"), HasSubstr("ipsec static"));
  EXPECT_EQ(netsh_.run("show mode"), "online\n");
  for (const char* line : {"online", "offline", "commit", "abort", "set mode offline", "set machine"}) {
    EXPECT_EQ(netsh_.run(line), "") << line;
    EXPECT_TRUE(netsh_.succeeded()) << line;
  }
  EXPECT_THAT(netsh_.run("set machine name=server"), HasSubstr("on that machine"));
  EXPECT_FALSE(netsh_.succeeded());
}

// ---- dynamic --------------------------------------------------------------------------------------------------------

TEST_F(Programs, dynamic_errors_name_the_object_and_what_is_accepted) {
  netsh_.run("pushd ipsec dynamic");
  netsh_.run("add mmpolicy M");
  EXPECT_THAT(netsh_.run("add mmpolicy m"), StartsWith("ERR IPsec[05950] : main mode policy 'm'"));
  EXPECT_THAT(netsh_.run("add rule any me X actionin=block actionout=block"), StartsWith("ERR IPsec[05951] : "));
  EXPECT_THAT(netsh_.run("add rule any me M"), StartsWith("ERR IPsec[05958] : "));
  EXPECT_THAT(netsh_.run("add rule any me M actionin=block actionout=block dstport=80"), HasSubstr("TCP or UDP"));
  EXPECT_THAT(netsh_.run("set config bootmode closed"), HasSubstr("stateful, block or permit"));
  EXPECT_THAT(netsh_.run("delete rule any me TCP 0 80 yes all"), StartsWith("ERR IPsec[05957] : "));
}

TEST_F(Programs, EX_05_EX_06_properties_are_shown_and_those_that_wait_for_a_start_are_pending) {
  EXPECT_THAT(netsh_.run("ipsec dynamic show config"), Not(HasSubstr("pending")));
  netsh_.run("ipsec dynamic set config ipsecexempt 1");
  netsh_.run("ipsec dynamic set config ikelogging 1");
  const std::string shown = netsh_.run("ipsec dynamic show config");
  EXPECT_THAT(shown, HasSubstr(": 1 (pending: from the next start of the service on; in effect is 3)\n"));
  EXPECT_THAT(shown, HasSubstr("ikelogging              : 1\n"));
  const Json document = Json::parse(netsh_.run("ipsec dynamic show config --json"));
  EXPECT_EQ(document["command"], "dynamic show config");
  for (const Json& row : document["result"]["config"]) {
    if (row["property"] == "ipsecexempt") {
      EXPECT_EQ(row["value"], "1");
      EXPECT_EQ(row["in_effect"], "3");
    }
    if (row["property"] == "ikelogging") {
      EXPECT_EQ(row["in_effect"], "1");
    }
  }
}

TEST_F(Programs, EX_09_exemptions_are_listed) {
  const Json document = Json::parse(netsh_.run("ipsec dynamic show exemptions --json"));
  EXPECT_EQ(document["result"]["exemptions"].size(), 6U) << "value 3, profile modern";
  EXPECT_THAT(netsh_.run("ipsec dynamic show exemptions"), HasSubstr("ipsecexempt 3"));
}

TEST_F(Programs, keys_are_hidden_by_stars_in_every_listing) {
  agent_.set_address("10.77.0.1");
  netsh_.run_script("all", kEverything);
  netsh_.run("ipsec dynamic add mmpolicy M");
  netsh_.run("ipsec dynamic add qmpolicy Q");
  netsh_.run("ipsec dynamic add rule me 10.0.0.1 M Q psk=geheim");
  for (const char* line : {"ipsec static show policy all level=verbose", "ipsec dynamic show mmfilter all"}) {
    const std::string text = netsh_.run(line);
    EXPECT_THAT(text, HasSubstr("Preshared Key ****\n")) << line;
    const std::string json = netsh_.run(std::string(line) + " --json");
    EXPECT_THAT(json, HasSubstr("\"key\": \"****\"")) << line;
    for (const std::string& shown : {text, json}) {
      EXPECT_THAT(shown, Not(HasSubstr("a=b c")));
      EXPECT_THAT(shown, Not(HasSubstr("geheim")));
    }
  }
}

TEST_F(Programs, each_command_has_one_word_for_secrets) {
  const std::string file = agent_.directory() + "/out.ipsec";
  EXPECT_THAT(netsh_.run("ipsec static exportpolicy " + file + " secrets=yes"), HasSubstr("Usage: exportpolicy"));
  EXPECT_THAT(netsh_.run("ipsec dynamic dump secrets=yes"), HasSubstr("Usage: dump"));
  EXPECT_THAT(netsh_.run("ipsec static dump --with-secrets"), HasSubstr("Usage: dump"));
}

TEST_F(Programs, ST_04_the_version_of_a_policy_is_shown) {
  netsh_.run("ipsec static add policy P");
  EXPECT_THAT(netsh_.run("ipsec static show policy P"), HasSubstr("Version                 : 1\n"));
  netsh_.run("ipsec static set policy P description=x");
  EXPECT_THAT(netsh_.run("ipsec static show policy P"), HasSubstr("Version                 : 2\n"));
}

TEST_F(Programs, sas_are_deleted) {
  EXPECT_EQ(netsh_.run("ipsec dynamic delete sa all"), "\n");
  agent_.take_services_away();
  EXPECT_THAT(netsh_.run("ipsec dynamic delete sa"), StartsWith("ERR IPsec["));
}

}  // namespace
}  // namespace ipsec::cli::tests
