#include "store/validate.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/check_filter.h"
#include "store/limits.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Validate, ASmallTreeAndAnEmptyOneAreInOrder) {
  EXPECT_THAT(validate(small_tree()), IsEmpty()) << all_text(validate(small_tree()));
  EXPECT_THAT(validate(PolicyTree()), IsEmpty());
}

TEST(Validate, RandomTreesAreInOrder) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    ipsec::tests::SeededRandom random(seed);
    const Problems problems = validate(random_tree(random));
    EXPECT_THAT(problems, IsEmpty()) << "seed " << seed << "\n" << all_text(problems);
  }
}

// One thing wrong in a tree that is in order otherwise, and the one problem that must come of it.
struct Case {
  std::string_view name;
  std::function<void(PolicyTree&)> spoil;
  std::string expected;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"no name", [](PolicyTree& t) { t.policies[0].name = ""; }, "05910 policy '': /policies/0/name"},
      {"long name", [](PolicyTree& t) { t.filter_actions[0].name = std::string(256, 'n'); },
       "05910 filter action '" + std::string(256, 'n') + "': /filter_actions/0/name"},
      {"control character", [](PolicyTree& t) { t.policies[0].rules[0].name = "a\nb"; },
       "05910 rule 'a\nb' of policy 'P': /policies/0/rules/0/name"},
      {"long description", [](PolicyTree& t) { t.filter_lists[0].description = std::string(4097, 'd'); },
       "05911 filter list 'L': /filter_lists/0/description"},
      {"same policy name", [](PolicyTree& t) { t.policies[1].name = "p"; }, "05005 policy 'p': /policies/1/name"},
      {"same list name", [](PolicyTree& t) { t.filter_lists[1].name = "l"; },
       "05010 filter list 'l': /filter_lists/1/name"},
      {"same action name",
       [](PolicyTree& t) {
         t.filter_actions.push_back(t.filter_actions[0]);
         t.filter_actions[1].guid.text = "00000000-0000-4000-8000-000000000000";
       },
       "05014 filter action 'A': /filter_actions/1/name"},
      {"same rule name", [](PolicyTree& t) { t.policies[1].rules[1].name = "OUT"; },
       "05020 rule 'OUT' of policy 'T': /policies/1/rules/1/name"},
      {"lifetime 0", [](PolicyTree& t) { t.policies[0].isakmp.lifetime_minutes = 0; },
       "05912 policy 'P': /policies/0/main_mode/lifetime_minutes"},
      {"lifetime above 2^32 s", [](PolicyTree& t) { t.policies[0].isakmp.lifetime_minutes = 71582789; },
       "05912 policy 'P': /policies/0/main_mode/lifetime_minutes"},
      {"polling interval", [](PolicyTree& t) { t.policies[0].polling_interval_minutes = 71582789; },
       "05912 policy 'P': /policies/0/polling_interval_minutes"},
      {"no main mode offer", [](PolicyTree& t) { t.policies[0].isakmp.offers.clear(); },
       "05914 policy 'P': /policies/0/main_mode/offers"},
      {"main mode without a cipher", [](PolicyTree& t) { t.policies[0].isakmp.offers[1].cipher = Cipher::kNull; },
       "05913 policy 'P': /policies/0/main_mode/offers/1/cipher"},
      {"main mode with GCM", [](PolicyTree& t) { t.policies[0].isakmp.offers[0].cipher = Cipher::kAes128Gcm; },
       "05913 policy 'P': /policies/0/main_mode/offers/0/cipher"},
      {"main mode without a hash", [](PolicyTree& t) { t.policies[0].isakmp.offers[0].integrity = Integrity::kNone; },
       "05913 policy 'P': /policies/0/main_mode/offers/0/integrity"},
      {"main mode without a group", [](PolicyTree& t) { t.policies[0].isakmp.offers[0].group = DhGroup::kNone; },
       "05913 policy 'P': /policies/0/main_mode/offers/0/dh_group"},
      {"negotiate without offers", [](PolicyTree& t) { t.filter_actions[0].offers.clear(); },
       "05914 filter action 'A': /filter_actions/0/offers"},
      {"permit with offers", [](PolicyTree& t) { t.filter_actions[0].action = Action::kPermit; },
       "05927 filter action 'A': /filter_actions/0/offers"},
      {"ESP[None,None]",
       [](PolicyTree& t) { t.filter_actions[0].offers[0] = esp_offer(Cipher::kNull, Integrity::kNone); },
       "05913 filter action 'A': /filter_actions/0/offers/0/esp/cipher"},
      {"GCM with HMAC",
       [](PolicyTree& t) { t.filter_actions[0].offers[0] = esp_offer(Cipher::kAes128Gcm, Integrity::kSha256); },
       "05913 filter action 'A': /filter_actions/0/offers/0/esp/integrity"},
      {"AH[None]", [](PolicyTree& t) { t.filter_actions[0].offers[0].ah = Integrity::kNone; },
       "05913 filter action 'A': /filter_actions/0/offers/0/ah"},
      {"neither AH nor ESP", [](PolicyTree& t) { t.filter_actions[0].offers[2].esp.reset(); },
       "05913 filter action 'A': /filter_actions/0/offers/2"},
      {"too few kilobytes", [](PolicyTree& t) { t.filter_actions[0].offers[0].lifetime_kilobytes = 20479; },
       "05912 filter action 'A': /filter_actions/0/offers/0/lifetime_kilobytes"},
      {"KEY_12 below 300 s", [](PolicyTree& t) { t.filter_actions[0].offers[0].lifetime_seconds = 299; },
       "05912 filter action 'A': /filter_actions/0/offers/0/lifetime_seconds"},
      {"above two days", [](PolicyTree& t) { t.policies[0].default_response.offers[0].lifetime_seconds = 172801; },
       "05912 default response rule of policy 'P': /policies/0/default_response/offers/0/lifetime_seconds"},
      {"too many offers",
       [](PolicyTree& t) { t.filter_actions[0].offers.assign(21, esp_offer(Cipher::kAes128Cbc, Integrity::kSha256)); },
       "05926 filter action 'A': /filter_actions/0/offers"},
      {"default response without offers", [](PolicyTree& t) { t.policies[0].default_response.offers.clear(); },
       "05914 default response rule of policy 'P': /policies/0/default_response/offers"},
      {"default response without authentication",
       [](PolicyTree& t) { t.policies[0].default_response.authentication.clear(); },
       "05916 default response rule of policy 'P': /policies/0/default_response/authentication"},
      {"negotiate without authentication", [](PolicyTree& t) { t.policies[0].rules[0].authentication.clear(); },
       "05916 rule 'R' of policy 'P': /policies/0/rules/0/authentication"},
      {"empty key", [](PolicyTree& t) { t.policies[0].rules[0].authentication = {psk("")}; },
       "05917 rule 'R' of policy 'P': /policies/0/rules/0/authentication/0/psk"},
      {"long key", [](PolicyTree& t) { t.policies[0].rules[0].authentication = {psk(std::string(257, 'k'))}; },
       "05917 rule 'R' of policy 'P': /policies/0/rules/0/authentication/0/psk"},
      {"certificate without authority",
       [](PolicyTree& t) {
         t.policies[0].rules[0].authentication = {psk("x"), CertificateAuthentication{}};
       },
       "05915 rule 'R' of policy 'P': /policies/0/rules/0/authentication/1/root_ca"},
      {"ST_03 missing list", [](PolicyTree& t) { t.policies[0].rules[0].filter_list.text = "gone"; },
       "05049 rule 'R' of policy 'P': /policies/0/rules/0/filter_list"},
      {"missing action", [](PolicyTree& t) { t.policies[0].rules[0].filter_action.text = "gone"; },
       "05901 rule 'R' of policy 'P': /policies/0/rules/0/filter_action"},
      {"mirrored tunnel", [](PolicyTree& t) { t.filter_lists[1].filters.edit()[0].mirrored = true; },
       "05922 rule 'out' of policy 'T': /policies/1/rules/0/filter_list"},
      {"tunnel to everybody", [](PolicyTree& t) { t.policies[1].rules[0].tunnel_endpoint = IpAddress(); },
       "05923 rule 'out' of policy 'T': /policies/1/rules/0/tunnel_endpoint"},
      {"tunnel to a group",
       [](PolicyTree& t) { t.policies[1].rules[0].tunnel_endpoint = *IpAddress::parse("ff02::1"); },
       "05923 rule 'out' of policy 'T': /policies/1/rules/0/tunnel_endpoint"},
      {"port without TCP or UDP", [](PolicyTree& t) { t.filter_lists[0].filters.edit()[0].protocol = 47; },
       "05919 filter list 'L': /filter_lists/0/filters/0/destination_port"},
      {"families differ", [](PolicyTree& t) { t.filter_lists[0].filters.edit()[0].source = range("fd77::1"); },
       "05920 filter list 'L': /filter_lists/0/filters/0/destination"},
      {"ICMP with IPv6",
       [](PolicyTree& t) {
         t.filter_lists[0].filters.edit()[0] = filter_between(AddressKeyword::kMe, range("fd77::/64"));
         t.filter_lists[0].filters.edit()[0].guid.text = "00000000-0000-4000-8000-000000000000";
         t.filter_lists[0].filters.edit()[0].protocol = kProtocolIcmp;
       },
       "05920 filter list 'L': /filter_lists/0/filters/0/protocol"},
      {"server keyword opposite a subnet",
       [](PolicyTree& t) { t.filter_lists[0].filters.edit()[0].source = AddressKeyword::kDns; },
       "05921 filter list 'L': /filter_lists/0/filters/0/destination"},
      {"two server keywords",
       [](PolicyTree& t) {
         t.filter_lists[0].filters.edit()[0].source = AddressKeyword::kAny;
         t.filter_lists[0].filters.edit()[0].destination = AddressKeyword::kGateway;
       },
       "05921 filter list 'L': /filter_lists/0/filters/0/source"},
      {"range the wrong way round",
       [](PolicyTree& t) {
         t.filter_lists[0].filters.edit()[0].destination =
             AddressRange{*IpAddress::parse("10.0.0.9"), *IpAddress::parse("10.0.0.1")};
       },
       "05918 filter list 'L': /filter_lists/0/filters/0/destination"},
      {"DNS name with a blank",
       [](PolicyTree& t) {
         t.filter_lists[0].filters.edit()[0].destination = DnsName{"a b", {}};
       },
       "05918 filter list 'L': /filter_lists/0/filters/0/destination"},
      {"filter twice",
       [](PolicyTree& t) {
         t.filter_lists[0].filters.push_back(t.filter_lists[0].filters[0]);
         t.filter_lists[0].filters.edit()[1].guid.text = "00000000-0000-4000-8000-000000000000";
       },
       "05906 filter list 'L': /filter_lists/0/filters/1"},
      {"GUID malformed", [](PolicyTree& t) { t.policies[1].isakmp.guid.text = "{x}"; },
       "05924 policy 'T': /policies/1/main_mode/guid"},
      {"assigned to nothing", [](PolicyTree& t) { t.assigned = Guid{"gone"}; }, "05900 assigned policy: /assigned"},
  };
  return kCases;
}

TEST(Validate, EachMistakeIsNamedOnceWithObjectAndField) {
  for (const Case& one : cases()) {
    PolicyTree tree = small_tree();
    one.spoil(tree);
    const Problems problems = validate(tree);
    EXPECT_THAT(summary(problems), ElementsAre(one.expected)) << one.name;
    for (const Problem& problem : problems) EXPECT_FALSE(problem.text.empty()) << one.name;
  }
}

TEST(Validate, OneGuidForTwoObjectsIsRefused) {
  PolicyTree tree = small_tree();
  tree.policies[1].guid = tree.filter_lists[0].filters[0].guid;
  EXPECT_THAT(codes(validate(tree)), ElementsAre(kGuidExists));
}

TEST(Validate, AllProblemsAreReportedAtOnce) {
  PolicyTree tree = small_tree();
  tree.policies[0].name = "";
  tree.policies[0].isakmp.lifetime_minutes = 0;
  tree.filter_lists[0].filters.edit()[0].protocol = 47;
  tree.filter_actions[0].offers[0].lifetime_seconds = 1;
  EXPECT_EQ(validate(tree).size(), 4u);
}

TEST(Validate, ProblemsAreBounded) {
  PolicyTree tree;
  tree.filter_lists.resize(kMaxProblems + 50);
  EXPECT_EQ(validate(tree).size(), kMaxProblems);
}

TEST(Validate, PermitRulesNeedNoAuthentication) {
  PolicyTree tree = small_tree();
  tree.filter_actions[0].action = Action::kBlock;
  tree.filter_actions[0].offers.clear();
  tree.policies[0].rules[0].authentication.clear();
  EXPECT_THAT(validate(tree), IsEmpty());
}

TEST(Validate, TheKeyIsNeverQuoted) {
  PolicyTree tree = small_tree();
  tree.policies[0].rules[0].authentication = {psk(std::string(300, 'S'))};
  EXPECT_THAT(all_text(validate(tree)), ::testing::Not(HasSubstr("SSS")));
}

TEST(Validate, LinksMayLeadElsewhere) {
  PolicyTree stored = small_tree();
  PolicyTree part;
  part.policies = {stored.policies[0]};
  EXPECT_EQ(validate(part).size(), 2u);
  EXPECT_THAT(validate(part, &stored), IsEmpty());
}

TEST(Validate, SingleObjectsUseTheSameRules) {
  const PolicyTree tree = small_tree();
  EXPECT_THAT(validate(tree.policies[0]), IsEmpty());
  EXPECT_THAT(validate(tree.filter_lists[0]), IsEmpty());
  FilterAction action = tree.filter_actions[0];
  action.offers[0].lifetime_seconds = 1;
  EXPECT_THAT(summary(validate(action)), ElementsAre("05912 filter action 'A': offers/0/lifetime_seconds"));
}

TEST(FilterCheck, EX_18_no_filter_is_for_a_group_of_its_own) {
  const auto problems_with = [](const char* destination) {
    Problems problems;
    Filter filter;
    filter.source = AddressKeyword::kMe;
    filter.destination = AddressRange::parse(destination).value();
    check_filter(Reporter(problems, "filter list 'L'"), filter);
    return problems;
  };
  for (const char* group : {"224.0.0.251", "224.0.0.0/4", "239.0.0.0-239.255.255.255", "255.255.255.255", "ff02::1"}) {
    const Problems problems = problems_with(group);
    ASSERT_EQ(problems.size(), 1U) << group;
    EXPECT_EQ(problems[0].code, kAddressInvalid);
    EXPECT_NE(problems[0].text.find("accepted is any"), std::string::npos) << problems[0].text;
  }
  for (const char* other :
       {"0.0.0.0-255.255.255.255", "223.255.255.255", "240.0.0.0/8", "10.255.255.255", "fd77::/64"}) {
    EXPECT_TRUE(problems_with(other).empty()) << other;
  }
}

}  // namespace
}  // namespace ipsec::store::tests
