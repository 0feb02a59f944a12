// What needs no netsh: the table, and the facts. Each check with its commands: tests/cli/lint_test.cpp.
#include "store/lint/lint.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/lint/limits.h"
#include "store/lint/netsh_command.h"
#include "tests/store/store_support.h"
#include "tests/support/source_tree.h"

namespace ipsec::store::lint {
namespace {

using store::tests::esp_offer;
using store::tests::small_tree;
using ::testing::IsEmpty;

std::vector<std::string> ids(const std::vector<Finding>& findings) {
  std::vector<std::string> found;
  for (const Finding& finding : findings) found.push_back(finding.id);
  return found;
}

TEST(LintTable, ids_are_unique_and_stable_words) {
  std::set<std::string_view> ids;
  for (const CheckInfo& check : all_checks()) {
    EXPECT_TRUE(ids.insert(check.id).second) << check.id;
    EXPECT_EQ(check.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << check.id;
    EXPECT_FALSE(check.meaning.empty());
  }
}

TEST(LintTable, is_documented) {
  const std::string text = store::tests::read_file(ipsec::tests::source_path("docs/lint.md"));
  for (const CheckInfo& check : all_checks()) {
    EXPECT_NE(text.find("\n| `" + std::string(check.id) + "` | " + std::string(to_string(check.severity))),
              std::string::npos)
        << check.id;
  }
}

TEST(Lint, PD_18_finds_nothing_in_a_pair_of_tunnel_rules) { EXPECT_THAT(ids(lint(small_tree(), {})), IsEmpty()); }

TEST(Lint, errors_come_first) {
  PolicyTree tree = small_tree();
  tree.policies[0].isakmp.lifetime_minutes = 481;
  tree.policies[1].rules.pop_back();
  const auto findings = lint(tree, {});
  ASSERT_GE(findings.size(), 2u);
  EXPECT_EQ(findings[0].id, "tunnel_incomplete");
  EXPECT_EQ(findings[0].severity, Severity::kError);
  for (std::size_t i = 1; i < findings.size(); ++i) EXPECT_GE(findings[i - 1].severity, findings[i].severity);
}

TEST(Lint, a_policy_that_does_not_exist_has_no_findings) {
  PolicyTree tree = small_tree();
  tree.policies[0].isakmp.lifetime_minutes = 481;
  EXPECT_THAT(lint(tree, {}, Reference(std::string("none"))), IsEmpty());
  EXPECT_EQ(ids(lint(tree, {}, Reference(std::string("p")))), std::vector<std::string>{"main_mode_unlimited"});
  EXPECT_THAT(lint(tree, {}, Reference(std::string("T"))), IsEmpty());
}

TEST(Lint, answers_are_bounded) {
  PolicyTree tree = small_tree();
  for (std::size_t i = 0; i < kMaxFindings + 10; ++i) {
    FilterList list;
    list.guid.text = std::to_string(i);
    list.name = "unused " + std::to_string(i);
    tree.filter_lists.push_back(list);
  }
  EXPECT_EQ(lint(tree, {}).size(), kMaxFindings);
}

TEST(Lint, secrets_are_never_told) {
  PolicyTree tree = small_tree();
  tree.policies[1].rules.pop_back();
  for (const Finding& finding : lint(tree, {})) {
    EXPECT_EQ(finding.why.find("a shared secret"), std::string::npos);
    for (const std::string& line : finding.mend) EXPECT_EQ(line.find("a shared secret"), std::string::npos) << line;
  }
}

TEST(Lint, the_opposite_tunnel_rule_names_this_computer_where_it_is_known) {
  PolicyTree tree = small_tree();
  tree.policies[1].rules.pop_back();
  HostFacts facts;
  const auto last_line = [&] { return lint(tree, facts).at(0).mend.back(); };
  EXPECT_NE(last_line().find("tunnel=\"<address of this computer>\""), std::string::npos) << last_line();
  facts.local_addresses = {IpAddress::parse("10.77.0.9").value(), IpAddress::parse("fd77::9").value()};
  EXPECT_NE(last_line().find("tunnel=\"10.77.0.9\""), std::string::npos) << last_line();
  facts.local_addresses = {*tree.policies[1].rules[0].tunnel_endpoint};
  EXPECT_NE(last_line().find("tunnel=\"<address of the peer>\""), std::string::npos) << last_line();
}

TEST(Lint, connections_of_the_host_to_itself_are_not_cut_off) {
  PolicyTree tree = small_tree();
  HostFacts facts;
  const IpAddress local = IpAddress::parse("10.77.0.9").value();
  facts.local_addresses = {local};
  PolicyOnHost host{tree.policies[0].guid, {}};
  HostFilter block;
  block.rule = tree.policies[0].rules[0].guid;
  block.inbound = true;
  block.action = Action::kBlock;
  host.filters = {block};
  facts.policies = {host};
  facts.sessions = {{local, local, kProtocolTcp, 50000, 22}};
  EXPECT_THAT(lint(tree, facts), IsEmpty());
  facts.sessions = {{IpAddress::parse("10.77.0.1").value(), local, kProtocolTcp, 50000, 22}};
  EXPECT_EQ(ids(lint(tree, facts)), std::vector<std::string>{"lockout"});
  facts.sessions.push_back({IpAddress::parse("10.77.0.1").value(), local, kProtocolTcp, 50001, 22});
  EXPECT_EQ(lint(tree, facts).size(), 1u) << "one finding for one administrator";
}

TEST(Lint, EX_08_source_port_88_is_a_hole_at_0_and_2) {
  for (const std::uint32_t value : {0U, 1U, 2U, 3U}) {
    HostFacts facts;
    facts.exemptions = value;
    const bool is_hole = value == 0 || value == 2;
    EXPECT_EQ(ids(lint(small_tree(), facts)),
              is_hole ? std::vector<std::string>{"exemption_hole"} : std::vector<std::string>());
  }
}

TEST(Lint, a_dynamic_rule_can_cut_an_administrator_off) {
  PolicyTree tree = small_tree();
  HostFacts facts;
  const IpAddress local = IpAddress::parse("10.77.0.9").value();
  facts.local_addresses = {local};
  facts.sessions = {{IpAddress::parse("10.77.0.1").value(), local, kProtocolTcp, 50000, 22}};
  PolicyOnHost host{tree.policies[0].guid, {}};
  HostFilter block;
  block.rule.text = "dynamic guid";
  block.inbound = true;
  block.action = Action::kBlock;
  host.filters = {block};
  host.dynamic_rules = {{"dynamic guid", "any -> me, any"}};
  facts.policies = {host};
  const auto findings = lint(tree, facts);
  ASSERT_EQ(ids(findings), std::vector<std::string>{"lockout"});
  EXPECT_EQ(findings[0].object, "dynamic rule any -> me, any");
  EXPECT_THAT(findings[0].mend, IsEmpty());
  EXPECT_NE(findings[0].why.find("netsh ipsec dynamic delete rule"), std::string::npos);
}

TEST(NetshCommand, texts_stand_in_quotes_and_what_cannot_be_written_is_not) {
  EXPECT_EQ(NetshCommand("set rule").text("name", "a b").word("activate", "no").line(),
            "set rule name=\"a b\" activate=no");
  const NetshCommand wrong = NetshCommand("delete filterlist").text("name", "a\"b");
  EXPECT_EQ(wrong.line(), "");
  EXPECT_THAT(lines({NetshCommand("show store"), wrong}), IsEmpty()) << "half a remedy is none";
}

TEST(NetshCommand, offers_are_written_as_the_parsers_take_them) {
  EXPECT_EQ(methods_text(std::vector{MainModeOffer{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp1024},
                                     MainModeOffer{Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kCurve25519}}),
            "3DES-SHA1-2 AES256-SHA256-31");
  QuickModeOffer both = esp_offer(Cipher::kAes128Cbc, Integrity::kNone);
  both.ah = Integrity::kSha1;
  EXPECT_EQ(methods_text(std::vector{both, esp_offer(Cipher::kAes128Gcm, Integrity::kNone)}),
            "AH[SHA1]+ESP[AES128,NONE]:100000k/3600s ESP[AES128-GCM]:100000k/3600s");
}

}  // namespace
}  // namespace ipsec::store::lint
