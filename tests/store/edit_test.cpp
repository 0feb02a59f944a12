#include "store/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/defaults.h"
#include "store/json/json.h"
#include "store/validate.h"
#include "store/workspace.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr WallClock kLater = kNow + 60;

class EditTest : public ::testing::Test {
 protected:
  Problems apply(const Change& change) {
    const std::string before = export_json(workspace_.tree(), {true});
    Problems problems = edit(workspace_, change, random_, kLater);
    EXPECT_THAT(validate(workspace_.tree()), IsEmpty()) << all_text(validate(workspace_.tree()));
    if (!problems.empty()) {
      EXPECT_EQ(export_json(workspace_.tree(), {true}), before) << "a refused change must change nothing";
    }
    return problems;
  }
  void expect_ok(const Change& change) {
    const Problems problems = apply(change);
    EXPECT_THAT(problems, IsEmpty()) << change_name(change) << "\n" << all_text(problems);
  }
  void expect_refused(const Change& change, std::uint32_t code) {
    EXPECT_THAT(codes(apply(change)), ElementsAre(code)) << change_name(change);
  }
  const Policy& policy(const std::string& name) { return *workspace_.policy(name); }
  const FilterList& list(const std::string& name) { return *workspace_.filter_list(name); }
  const FilterAction& action(const std::string& name) { return *workspace_.filter_action(name); }

  ipsec::tests::SeededRandom random_{99};
  Workspace workspace_{small_tree()};  // policies P (assigned) and T, lists L, Out, In, action A
};

AddPolicy add_policy(std::string name) {
  AddPolicy change;
  change.name = std::move(name);
  return change;
}
SetPolicy set_policy(Reference policy) {
  SetPolicy change;
  change.policy = std::move(policy);
  return change;
}
AddRule add_rule(std::string name) {
  AddRule change;
  change.name = std::move(name);
  change.policy = "P";
  change.filter_list = "L";
  change.filter_action = "A";
  return change;
}
SetRule set_rule(std::string rule, std::string policy) {
  SetRule change;
  change.rule = std::move(rule);
  change.policy = std::move(policy);
  return change;
}
AddFilterAction add_action(std::string name, Action action) {
  AddFilterAction change;
  change.name = std::move(name);
  change.action = action;
  return change;
}

// ---- policies
// ---------------------------------------------------------------------------------------------------------

TEST_F(EditTest, AddPolicyHasTheDocumentedDefaults) {
  expect_ok(add_policy("New"));
  const Policy& added = policy("new");
  EXPECT_EQ(added.name, "New");
  EXPECT_EQ(added.isakmp.lifetime_minutes, 480u);
  EXPECT_EQ(added.polling_interval_minutes, 180u);
  EXPECT_TRUE(added.default_response.active);
  EXPECT_EQ(added.last_modified, kLater);
  EXPECT_EQ(workspace_.tree().assigned, policy("P").guid);
}

TEST_F(EditTest, AddPolicyTakesEveryField) {
  AddPolicy change = add_policy("New");
  change.description = "D";
  change.master_pfs = true;
  change.quick_mode_limit = 5;
  change.main_mode_lifetime_minutes = 60;
  change.activate_default_rule = false;
  change.polling_interval_minutes = 0;
  change.assign = true;
  change.main_mode_offers = {{Cipher::kAes128Cbc, Integrity::kSha256, DhGroup::kEcp256}};
  change.profile = Profile::kWindows2003;
  expect_ok(change);
  const Policy& added = policy("New");
  EXPECT_EQ(added.description, "D");
  EXPECT_TRUE(added.isakmp.master_pfs);
  EXPECT_EQ(added.isakmp.quick_mode_limit, 5u);
  EXPECT_EQ(added.isakmp.lifetime_minutes, 60u);
  EXPECT_FALSE(added.default_response.active);
  EXPECT_EQ(added.polling_interval_minutes, 0u);
  EXPECT_EQ(added.isakmp.offers, *change.main_mode_offers);
  EXPECT_EQ(added.default_response.offers, default_response_offers(Profile::kWindows2003));
  EXPECT_EQ(workspace_.tree().assigned, added.guid);
}

TEST_F(EditTest, AddPolicyRefusals) {
  expect_refused(add_policy("p"), kPolicyExists);
  expect_refused(add_policy(""), kNameInvalid);
  AddPolicy change = add_policy("New");
  change.main_mode_lifetime_minutes = 0;
  expect_refused(change, kNumberOutOfRange);
  change = add_policy("New");
  change.main_mode_offers.emplace();
  expect_refused(change, kOffersMissing);
}

TEST_F(EditTest, SetPolicyChangesOnlyWhatIsStated) {
  const Policy before = policy("P");
  SetPolicy change = set_policy("p");
  change.description = "new";
  expect_ok(change);
  EXPECT_EQ(policy("P").description, "new");
  EXPECT_EQ(policy("P").isakmp.lifetime_minutes, before.isakmp.lifetime_minutes);
  EXPECT_EQ(policy("P").isakmp.offers, before.isakmp.offers);
  EXPECT_EQ(policy("P").rules.size(), 1u);
  EXPECT_EQ(workspace_.tree().assigned, before.guid) << "set policy without assign does not unassign";
}

TEST_F(EditTest, AssigningOneUnassignsTheOther) {
  SetPolicy change = set_policy("T");
  change.assign = false;
  expect_ok(change);
  EXPECT_EQ(workspace_.tree().assigned, policy("P").guid) << "assign=no on another policy changes nothing";
  change.assign = true;
  expect_ok(change);
  EXPECT_EQ(workspace_.tree().assigned, policy("T").guid);
  change.assign = false;
  expect_ok(change);
  EXPECT_EQ(workspace_.tree().assigned, std::nullopt);
}

TEST_F(EditTest, NewNamesKeepLinksAndMustBeFree) {
  SetPolicy change = set_policy(policy("P").guid);
  change.new_name = "Renamed";
  expect_ok(change);
  EXPECT_EQ(workspace_.policy("P"), nullptr);
  EXPECT_EQ(policy("renamed").rules.size(), 1u);
  change.policy = std::string("Renamed");
  change.new_name = "t";
  expect_refused(change, kPolicyExists);
  change.new_name = "RENAMED";
  expect_ok(change);
  EXPECT_EQ(policy("renamed").name, "RENAMED");
}

TEST_F(EditTest, MissingPoliciesAreNamed) {
  expect_refused(set_policy("Gone"), kPolicyNotFound);
  expect_refused(DeletePolicy{std::string("Gone")}, kPolicyNotFound);
  expect_refused(DeletePolicy{Guid{"00000000-0000-4000-8000-000000000000"}}, kPolicyNotFound);
  EXPECT_THAT(all_text(apply(DeletePolicy{std::string("Gone")})), HasSubstr("'Gone'"));
}

TEST_F(EditTest, DeletingTheAssignedPolicyTakesItsRulesAndLeavesTheLists) {
  expect_ok(DeletePolicy{std::string("P")});
  EXPECT_EQ(workspace_.tree().assigned, std::nullopt);
  EXPECT_NE(workspace_.filter_list("L"), nullptr);
  EXPECT_NE(workspace_.filter_action("A"), nullptr);
}

// ---- filter lists and filters
// ------------------------------------------------------------------------------------------

TEST_F(EditTest, AddFilterListMakesAnEmptyList) {
  expect_ok(AddFilterList{"New", "D"});
  EXPECT_THAT(list("New").filters, IsEmpty());
  EXPECT_EQ(list("New").description, "D");
  expect_refused(AddFilterList{"NEW", {}}, kFilterListExists);
  expect_refused(AddFilterList{"", {}}, kNameInvalid);
}

TEST_F(EditTest, SetFilterListKeepsFiltersAndLinks) {
  expect_ok(SetFilterList{std::string("L"), "Renamed", {}});
  EXPECT_EQ(list("Renamed").filters.size(), 1u);
  EXPECT_EQ(policy("P").rules[0].filter_list, list("Renamed").guid);
  expect_refused(SetFilterList{std::string("Renamed"), "out", {}}, kFilterListExists);
  expect_refused(SetFilterList{std::string("L"), "X", {}}, kFilterListNotFound);
}

TEST_F(EditTest, DeletingAListInUseIsRefusedAndNamesTheRule) {
  expect_refused(DeleteFilterList{std::string("L")}, kFilterListInUse);
  EXPECT_THAT(all_text(apply(DeleteFilterList{std::string("L")})), HasSubstr("rule 'R' of policy 'P'"));
  expect_ok(DeletePolicy{std::string("P")});
  expect_ok(DeleteFilterList{std::string("L")});
  expect_refused(DeleteFilterList{std::string("L")}, kFilterListNotFound);
}

TEST_F(EditTest, AddFilterMakesTheList) {
  expect_ok(AddFilter{"New", filter_to_port(80)});
  EXPECT_EQ(list("New").filters.size(), 1u);
  EXPECT_FALSE(list("New").filters[0].guid.text.empty());
}

TEST_F(EditTest, ARefusedFilterMakesNoList) {
  Filter filter = filter_to_port(80);
  filter.protocol = kProtocolAny;
  expect_refused(AddFilter{"New", filter}, kPortWithoutProtocol);
  EXPECT_EQ(workspace_.filter_list("New"), nullptr);
}

TEST_F(EditTest, TheSameFilterTwiceIsRefused) {
  Filter same = filter_to_port(445);
  same.description = "with another description";
  expect_refused(AddFilter{"l", same}, kFilterExists);
  same.mirrored = false;
  expect_ok(AddFilter{"l", same});
}

TEST_F(EditTest, MirroredFiltersDoNotGoIntoATunnelRulesList) {
  expect_refused(AddFilter{"Out", filter_to_port(1)}, kTunnelFilterMirrored);
  Filter filter = filter_to_port(1);
  filter.mirrored = false;
  expect_ok(AddFilter{"Out", filter});
}

TEST_F(EditTest, DeleteFilterTakesTheWholeSelector) {
  Filter other = filter_to_port(445);
  other.mirrored = false;
  expect_refused(DeleteFilter{"L", other}, kFilterNotFound);
  expect_refused(DeleteFilter{"Gone", other}, kFilterListNotFound);
  expect_ok(DeleteFilter{"l", filter_to_port(445)});
  EXPECT_THAT(list("L").filters, IsEmpty()) << "a list in use may become empty";
  expect_ok(AddFilter{"L", filter_to_port(445)});
}

TEST_F(EditTest, ST_05_a_changed_list_changes_the_policies_that_use_it) {
  expect_ok(AddFilter{"L", filter_to_port(80)});
  EXPECT_EQ(list("L").last_modified, kLater);
  EXPECT_EQ(policy("P").last_modified, kLater);
  EXPECT_EQ(policy("T").last_modified, kNow);
}

// ---- filter actions
// ---------------------------------------------------------------------------------------------------

TEST_F(EditTest, AddFilterActionDefaultsToNegotiateWithTheDefaultOffers) {
  AddFilterAction change;
  change.name = "New";
  expect_ok(change);
  EXPECT_EQ(action("New").action, Action::kNegotiate);
  EXPECT_EQ(action("New").offers, default_quick_mode_offers(Profile::kModern));
  expect_refused(change, kFilterActionExists);
}

TEST_F(EditTest, OffersAreIgnoredUnlessTheActionIsNegotiate) {
  AddFilterAction change = add_action("B", Action::kBlock);
  change.offers = {esp_offer(Cipher::kTripleDes, Integrity::kSha1)};
  expect_ok(change);
  EXPECT_THAT(action("B").offers, IsEmpty());
}

TEST_F(EditTest, AddFilterActionRefusals) {
  AddFilterAction change = add_action("New", Action::kNegotiate);
  change.offers = {esp_offer(Cipher::kNull, Integrity::kNone)};
  expect_refused(change, kOfferInvalid);
  change.offers.emplace();
  expect_refused(change, kOffersMissing);
}

TEST_F(EditTest, SetFilterActionToBlockAndBack) {
  SetFilterAction change;
  change.filter_action = std::string("a");
  change.action = Action::kBlock;
  expect_ok(change);
  EXPECT_THAT(action("A").offers, IsEmpty());
  change.action = Action::kNegotiate;
  expect_ok(change);
  EXPECT_EQ(action("A").offers, default_quick_mode_offers(Profile::kModern));
  EXPECT_EQ(policy("P").last_modified, kLater);
}

TEST_F(EditTest, AnActionMayNotBeginToNegotiateForARuleWithoutAuthentication) {
  expect_ok(add_action("Pass", Action::kPermit));
  AddRule rule = add_rule("plain");
  rule.filter_action = "Pass";
  rule.authentication.emplace();
  expect_ok(rule);
  SetFilterAction change;
  change.filter_action = std::string("Pass");
  change.action = Action::kNegotiate;
  expect_refused(change, kAuthenticationMissing);
}

TEST_F(EditTest, DeletingAnActionInUseIsRefused) {
  EXPECT_THAT(codes(apply(DeleteFilterAction{std::string("A")})),
              ElementsAre(kFilterActionInUse, kFilterActionInUse, kFilterActionInUse));
  expect_ok(add_action("B", Action::kBlock));
  expect_ok(DeleteFilterAction{std::string("B")});
  expect_refused(DeleteFilterAction{std::string("B")}, kFilterActionNotFound);
}

// ---- rules
// ------------------------------------------------------------------------------------------------------------

TEST_F(EditTest, AddRuleDefaultsToKerberosAllActive) {
  expect_ok(add_rule("New"));
  const Rule& rule = policy("P").rules.back();
  ASSERT_EQ(rule.authentication.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<KerberosAuthentication>(rule.authentication[0]));
  EXPECT_EQ(rule.connection_type, ConnectionType::kAll);
  EXPECT_TRUE(rule.active);
  EXPECT_FALSE(rule.tunnel_endpoint);
}

TEST_F(EditTest, PD_05_AddRuleRefusals) {
  AddRule rule = add_rule("r");
  expect_refused(rule, kRuleExists);
  rule = add_rule("New");
  rule.policy = "Gone";
  expect_refused(rule, kPolicyNotFound);
  rule = add_rule("New");
  rule.filter_list = "Gone";
  expect_refused(rule, kFilterListNotFound);
  EXPECT_THAT(all_text(apply(rule)), HasSubstr("'Gone'"));
  rule.filter_action = "Gone too";
  EXPECT_THAT(codes(apply(rule)), ElementsAre(kFilterListNotFound, kFilterActionNotFound)) << "both at once";
  rule = add_rule("New");
  rule.authentication.emplace();
  expect_refused(rule, kAuthenticationMissing);
  rule.authentication = {psk("")};
  expect_refused(rule, kPresharedKeyInvalid);
  rule = add_rule("New");
  rule.tunnel_endpoint = *IpAddress::parse("192.0.2.9");
  expect_refused(rule, kTunnelFilterMirrored);
  rule.filter_list = "Out";
  expect_ok(rule);
}

TEST_F(EditTest, AddRuleRefusesAnEmptyList) {
  expect_ok(AddFilterList{"Empty", {}});
  AddRule rule = add_rule("New");
  rule.filter_list = "Empty";
  expect_refused(rule, kFilterListEmpty);
  expect_ok(AddFilter{"Empty", filter_to_port(1)});
  expect_ok(rule);
  expect_ok(DeleteFilter{"Empty", filter_to_port(1)});
  SetRule change = set_rule("New", "P");
  change.filter_list = "Empty";
  change.description = "the list became empty while the rule used it";
  expect_ok(change);
}

TEST_F(EditTest, SetRuleReplacesAuthenticationAsAWhole) {
  SetRule change = set_rule("R", "P");
  change.active = false;
  expect_ok(change);
  EXPECT_FALSE(policy("P").rules[0].active);
  EXPECT_EQ(policy("P").rules[0].authentication.size(), 1u);
  change.authentication = {KerberosAuthentication{}, CertificateAuthentication{"CN=Root", false, true}};
  expect_ok(change);
  EXPECT_EQ(policy("P").rules[0].authentication.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<KerberosAuthentication>(policy("P").rules[0].authentication[0]));
}

TEST_F(EditTest, SetRuleTakesTheTunnelAwayWithTheUnspecifiedAddress) {
  SetRule change = set_rule("out", "T");
  change.tunnel_endpoint = IpAddress();
  expect_ok(change);
  EXPECT_FALSE(policy("T").rules[0].tunnel_endpoint);
  expect_ok(AddFilter{"Out", filter_to_port(9)});
  change.tunnel_endpoint = *IpAddress::parse("192.0.2.2");
  expect_refused(change, kTunnelFilterMirrored);
}

TEST_F(EditTest, SetRuleRefusals) {
  expect_refused(set_rule("Gone", "P"), kRuleNotFound);
  expect_refused(set_rule("R", "Gone"), kPolicyNotFound);
  SetRule change = set_rule("out", "T");
  change.new_name = "IN";
  expect_refused(change, kRuleExists);
  change.new_name = "OUT";
  expect_ok(change);
}

TEST_F(EditTest, DeleteRuleOneOrAll) {
  expect_refused(DeleteRule{Reference(std::string("Gone")), "T"}, kRuleNotFound);
  expect_ok(DeleteRule{Reference(std::string("OUT")), "T"});
  EXPECT_EQ(policy("T").rules.size(), 1u);
  expect_ok(add_rule("second"));
  expect_ok(DeleteRule{std::nullopt, "P"});
  EXPECT_THAT(policy("P").rules, IsEmpty());
}

TEST_F(EditTest, DR_02_the_default_response_rule_is_only_deactivated) {
  expect_refused(DeleteRule{Reference(policy("P").default_response.guid), "P"}, kDefaultRuleFixed);
  SetDefaultRule change;
  change.policy = "P";
  change.active = false;
  expect_ok(change);
  EXPECT_FALSE(policy("P").default_response.active);
  EXPECT_EQ(policy("P").default_response.offers, default_response_offers(Profile::kModern));
}

TEST_F(EditTest, DR_04_the_default_response_rule_takes_no_filter_list) {
  SetRule change;
  change.rule = policy("P").default_response.guid;
  change.policy = "P";
  change.filter_list = "L";
  expect_refused(change, kDefaultRuleFixed);
  change.filter_list.reset();
  change.filter_action = "A";
  expect_refused(change, kDefaultRuleFixed);
}

TEST_F(EditTest, DR_12_its_authentication_is_chosen_with_the_policy) {
  AddPolicy change = add_policy("New");
  change.default_rule_authentication = {
      {PresharedKeyAuthentication{SecretBytes(std::string_view("k")), {}}, KerberosAuthentication{}}};
  expect_ok(change);
  const auto& methods = policy("New").default_response.authentication;
  ASSERT_EQ(methods.size(), 2u);
  EXPECT_EQ(std::get<PresharedKeyAuthentication>(methods[0]).key.reveal_text(), "k");
  EXPECT_TRUE(std::holds_alternative<KerberosAuthentication>(methods[1]));
  expect_ok(add_policy("Other"));
  const auto& of_other = policy("Other").default_response.authentication;
  ASSERT_EQ(of_other.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<KerberosAuthentication>(of_other[0]));
  change = add_policy("Third");
  change.default_rule_authentication.emplace();
  expect_refused(change, kAuthenticationMissing);
}

TEST_F(EditTest, SetDefaultRuleRefusals) {
  SetDefaultRule change;
  change.policy = "Gone";
  expect_refused(change, kPolicyNotFound);
  change.policy = "P";
  change.offers.emplace();
  change.authentication.emplace();
  EXPECT_THAT(codes(apply(change)), ElementsAre(kOffersMissing, kAuthenticationMissing));
}

TEST_F(EditTest, DeleteAllLeavesNothing) {
  expect_ok(DeleteAll{});
  EXPECT_EQ(export_json(workspace_.tree()), export_json(PolicyTree()));
  expect_ok(AddFilter{"L", filter_to_port(445)});
}

TEST(ChangeName, IsThatOfTheCommand) {
  EXPECT_EQ(change_name(AddPolicy{}), "add policy");
  EXPECT_EQ(change_name(DeleteFilterAction{}), "delete filteraction");
  EXPECT_EQ(change_name(SetDefaultRule{}), "set defaultrule");
  EXPECT_EQ(change_name(DeleteAll{}), "delete all");
}

}  // namespace
}  // namespace ipsec::store::tests
