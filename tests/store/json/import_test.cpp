#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "store/defaults.h"
#include "store/json/json.h"
#include "store/limits.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ImportOutcome import(std::string_view text) {
  SeededRandom random(5);
  return import_json(text, random, kNow);
}

// A document with a bit of everything, all of it right.
json good() {
  return json::parse(R"({
    "format": "policyagent/1", "assigned": "P",
    "policies": [{"name": "P",
      "main_mode": {"offers": [{"cipher": "AES256", "integrity": "SHA256", "dh_group": "modp2048"}]},
      "rules": [{"name": "R", "filter_list": "L", "filter_action": "A",
                 "authentication": [{"method": "psk", "psk": "secret key"}, {"method": "certificate", "root_ca": "CN=x"}]}],
      "default_response": {"active": false}}],
    "filter_lists": [{"name": "L", "filters": [
      {"source": "me", "destination": "10.77.0.0/24", "protocol": "TCP", "destination_port": 445},
      {"source": "me", "destination": {"dns_name": "db.example", "resolved": ["192.0.2.1"]}}]}],
    "filter_actions": [{"name": "A", "offers": [{"esp": {"cipher": "AES128-GCM"}}]}]
  })");
}

TEST(Import, AbsentFieldsGetTheDefaults) {
  const ImportOutcome outcome = import(good().dump());
  ASSERT_THAT(outcome.problems, IsEmpty()) << all_text(outcome.problems);
  const Policy& policy = outcome.tree.policies.at(0);
  EXPECT_EQ(policy.isakmp.lifetime_minutes, 480u);
  EXPECT_EQ(policy.last_modified, kNow);
  EXPECT_EQ(policy.default_response.offers, default_response_offers(Profile::kModern));
  EXPECT_EQ(outcome.tree.assigned, policy.guid);
  EXPECT_EQ(policy.rules[0].filter_list, outcome.tree.filter_lists[0].guid);
  EXPECT_EQ(outcome.tree.filter_actions[0].offers[0].esp->integrity, Integrity::kNone);
  EXPECT_TRUE(outcome.tree.filter_lists[0].filters[0].mirrored);
}

TEST(Import, Windows2003GetsItsOwnDefaults) {
  const auto outcome = import(R"({"format": "policyagent/1", "policies": [{"name": "W", "profile": "windows2003"}]})");
  ASSERT_THAT(outcome.problems, IsEmpty());
  EXPECT_EQ(outcome.tree.policies[0].isakmp.offers, default_main_mode_offers(Profile::kWindows2003));
  EXPECT_EQ(outcome.tree.policies[0].default_response.offers, default_response_offers(Profile::kWindows2003));
}

// One change to the good document, given as pointer and new value (or null text: removed), and what must be said.
struct Case {
  std::string pointer;
  std::string value;  // JSON; empty: the key is removed
  std::uint32_t code;
  std::string reported_at;  // empty: at `pointer`
  std::string text;         // part of the explanation
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"/format", "", kMissingKey, "", "required"},
      {"/format", "\"policyagent/2\"", kWrongFormat, "", "policyagent/1"},
      {"/format", "1", kWrongType, "", "a string"},
      {"/assigned", "\"Q\"", kPolicyNotFound, "", "'Q'"},
      {"/assigned", "7", kWrongType, "", "a string"},
      {"/policies", "{}", kWrongType, "", "an array"},
      {"/policies/0", "[]", kWrongType, "", "an object"},
      {"/polices", "[]", kUnknownKey, "", "'policies'"},
      {"/policies/0/name", "", kMissingKey, "", "required"},
      {"/policies/0/name", "5", kWrongType, "", "is 5"},
      {"/policies/0/name", "\"a\\u0000b\"", kNameInvalid, "", "control characters"},
      {"/policies/0/guid", "\"{1}\"", kGuidInvalid, "", "xxxxxxxx"},
      {"/policies/0/last_modified", "\"yesterday\"", kUnknownValue, "", "2026-11-20T08:30:00Z"},
      {"/policies/0/profile", "\"windows2000\"", kUnknownValue, "", "did you mean 'windows2003'"},
      {"/policies/0/profile", "\"MODERN\"", kUnknownValue, "", "did you mean 'modern'"},
      {"/policies/0/polling_interval_minutes", "-1", kNumberOutOfRange, "", "0 to 71582788"},
      {"/policies/0/polling_interval_minutes", "1.5", kWrongType, "", "whole number"},
      {"/policies/0/polling_interval_minutes", "\"180\"", kWrongType, "", "whole number"},
      {"/policies/0/polling_interval_minutes", "18446744073709551615", kNumberOutOfRange, "", "71582788"},
      {"/policies/0/main_mode/lifetime_minutes", "0", kNumberOutOfRange, "", "1 to"},
      {"/policies/0/main_mode/offers", "[]", kOffersMissing, "", "at least one"},
      {"/policies/0/main_mode/offers/0/cipher", "\"AES\"", kUnknownValue, "", "AES128"},
      {"/policies/0/main_mode/offers/0/cipher", "\"AES128-GCM\"", kOfferInvalid, "", "main mode"},
      {"/policies/0/main_mode/offers/0/dh_group", "", kMissingKey, "", "required"},
      {"/policies/0/main_mode/offers/0/dh_group", "14", kWrongType, "", "modp2048"},
      {"/policies/0/main_mode/offers/0/integrity", "\"NONE\"", kUnknownValue, "", "SHA256"},
      {"/policies/0/rules/0/filterlist", "\"L\"", kUnknownKey, "", "'filter_list'"},
      {"/policies/0/rules/0/filter_list", "\"M\"", kFilterListNotFound, "", "'M'"},
      {"/policies/0/rules/0/filter_list", "", kMissingKey, "", "required"},
      {"/policies/0/rules/0/filter_action", "\"B\"", kFilterActionNotFound, "", "'B'"},
      {"/policies/0/rules/0/connection_type", "\"wlan\"", kUnknownValue, "", "'lan'"},
      {"/policies/0/rules/0/active", "\"yes\"", kWrongType, "", "true or false"},
      {"/policies/0/rules/0/tunnel_endpoint", "\"gw\"", kTunnelEndpointInvalid, "", "address"},
      {"/policies/0/rules/0/tunnel_endpoint", "\"192.0.2.1\"", kTunnelFilterMirrored, "/policies/0/rules/0/filter_list",
       "mirrored"},
      {"/policies/0/rules/0/authentication", "[]", kAuthenticationMissing, "", "negotiates"},
      {"/policies/0/rules/0/authentication/0/method", "\"password\"", kUnknownValue, "", "psk"},
      {"/policies/0/rules/0/authentication/0/method", "", kMissingKey, "", "required"},
      {"/policies/0/rules/0/authentication/0/psk", "", kPresharedKeyInvalid, "", "psk_hex"},
      {"/policies/0/rules/0/authentication/0/psk", "\"\"", kPresharedKeyInvalid, "", "1 to 256"},
      {"/policies/0/rules/0/authentication/0/psk_hex", "\"00\"", kPresharedKeyInvalid, "", "one of the two"},
      {"/policies/0/rules/0/authentication/0/root_ca", "\"x\"", kUnknownKey, "", "accepted are"},
      {"/policies/0/rules/0/authentication/1/root_ca", "", kMissingKey, "", "required"},
      {"/policies/0/default_response/offers", "[]", kOffersMissing, "", "at least one"},
      {"/policies/0/default_response/filter_list", "\"L\"", kUnknownKey, "", "accepted are"},
      {"/filter_lists/0/filters/0/source", "", kMissingKey, "", "required"},
      {"/filter_lists/0/filters/0/source", "\"you\"", kAddressInvalid, "", "me, any"},
      {"/filter_lists/0/filters/0/source", "\"10.0.0.1/8\"", kAddressInvalid, "", "10.0.0.1/8"},
      {"/filter_lists/0/filters/0/source", "\"db.example\"", kAddressInvalid, "", "dns_name"},
      {"/filter_lists/0/filters/0/source", "1", kWrongType, "", "dns_name"},
      {"/filter_lists/0/filters/0/source", "\"fd77::1\"", kAddressFamiliesDiffer,
       "/filter_lists/0/filters/0/destination", "one address family"},
      {"/filter_lists/0/filters/1/destination/resolved/0", "\"x\"", kAddressInvalid, "", "IPv4 or IPv6"},
      {"/filter_lists/0/filters/1/destination/name", "\"x\"", kUnknownKey, "", "dns_name"},
      {"/filter_lists/0/filters/0/protocol", "\"SCTP\"", kUnknownValue, "", "TCP"},
      {"/filter_lists/0/filters/0/protocol", "256", kNumberOutOfRange, "", "0 to 255"},
      {"/filter_lists/0/filters/0/protocol", "47", kPortWithoutProtocol, "/filter_lists/0/filters/0/destination_port",
       "TCP or UDP"},
      {"/filter_lists/0/filters/0/destination_port", "65536", kNumberOutOfRange, "", "0 to 65535"},
      {"/filter_actions/0/action", "\"deny\"", kUnknownValue, "", "block"},
      {"/filter_actions/0/action", "\"block\"", kActionInvalid, "/filter_actions/0/offers", "negotiate"},
      {"/filter_actions/0/pfs_group", "\"modp\"", kUnknownValue, "", "modp768"},
      {"/filter_actions/0/offers/0/esp/integrity", "\"SHA1\"", kOfferInvalid, "", "NONE"},
      {"/filter_actions/0/offers/0/esp/cipher", "\"AES128\"", kMissingKey, "/filter_actions/0/offers/0/esp/integrity",
       "required"},
      {"/filter_actions/0/offers/0/esp", "", kOfferInvalid, "/filter_actions/0/offers/0", "neither AH nor ESP"},
      {"/filter_actions/0/offers/0/lifetime_seconds", "299", kNumberOutOfRange, "", "300 to 172800"},
      {"/filter_actions/0/offers/0/lifetime_kilobytes", "1", kNumberOutOfRange, "", "20480 to 2147483647"},
  };
  return kCases;
}

TEST(Import, EachMistakeIsReportedAtItsPlaceAndOnlyThere) {
  for (const Case& one : cases()) {
    json document = good();
    const json::json_pointer at(one.pointer);
    if (one.value.empty()) {
      document[at.parent_pointer()].erase(at.back());
    } else {
      document[at] = json::parse(one.value);
    }
    const ImportOutcome outcome = import(document.dump());
    const std::string expected = one.reported_at.empty() ? one.pointer : one.reported_at;
    bool found = false;
    for (const Problem& problem : outcome.problems) {
      const bool here = problem.code == one.code && problem.field == expected;
      if (here) {
        EXPECT_THAT(problem.text, HasSubstr(one.text)) << one.pointer;
      }
      found = found || here;
      // What names the object that could not be read may complain too, but nothing else.
      EXPECT_TRUE(problem.field == "/assigned" || problem.field.starts_with(expected.substr(0, 2))) << problem.field;
    }
    EXPECT_TRUE(found) << one.pointer << " = " << one.value << "\n" << all_text(outcome.problems);
    EXPECT_LE(outcome.problems.size(), 3u) << one.pointer << "\n" << all_text(outcome.problems);
  }
}

TEST(Import, EveryProblemIsReportedAtOnce) {
  json document = good();
  document["policies"][0]["main_mode"]["lifetime_minutes"] = 0;
  document["policies"][0]["rules"][0]["color"] = "red";
  document["filter_lists"][0]["filters"][0]["source_port"] = 70000;
  document["filter_actions"][0]["action"] = "deny";
  EXPECT_EQ(import(document.dump()).problems.size(), 4u) << all_text(import(document.dump()).problems);
}

TEST(Import, AWrongLinkNamesTheNearestObject) {
  json document = good();
  document["filter_lists"][0]["name"] = "Web servers";
  document["filter_actions"][0]["name"] = "Encrypt";
  document["policies"][0]["name"] = "Partners";
  document["assigned"] = "Partner";
  document["policies"][0]["rules"][0]["filter_list"] = "Web server";
  document["policies"][0]["rules"][0]["filter_action"] = "Permit everything";
  const Problems problems = import(document.dump()).problems;
  ASSERT_EQ(problems.size(), 3u) << all_text(problems);
  EXPECT_EQ(problems[0].field, "/policies/0/rules/0/filter_list");
  EXPECT_THAT(problems[0].text, HasSubstr("(did you mean 'Web servers'?)"));
  EXPECT_THAT(problems[1].text, Not(HasSubstr("did you mean"))) << "nothing is near";
  EXPECT_EQ(problems[2].field, "/assigned");
  EXPECT_THAT(problems[2].text, HasSubstr("(did you mean 'Partners'?)"));
}

TEST(Import, TextThatIsNoJsonNamesThePlaceAndQuotesNothing) {
  const ImportOutcome outcome = import("{\n  \"format\": \"policyagent/1\",\n  \"psk\": \"hidden\" \"hidden\"\n}");
  ASSERT_THAT(codes(outcome.problems), ElementsAre(kNotJson));
  EXPECT_THAT(outcome.problems[0].text, HasSubstr("line 3"));
  EXPECT_THAT(outcome.problems[0].text, Not(HasSubstr("hidden")));
  for (std::string_view text :
       {"", "null", "[]", "{", "\"x\"", "{\"format\": \"policyagent/1\"} x", "\xff\xfe", "nul"}) {
    EXPECT_THAT(import(text).problems, Not(IsEmpty())) << text;
  }
}

TEST(Import, AKeyTwiceInOneObjectIsReported) {
  const auto outcome = import(R"({"format": "policyagent/1", "policies": [{"name": "a", "name": "b"}]})");
  ASSERT_THAT(codes(outcome.problems), ElementsAre(kRepeatedKey));
  EXPECT_EQ(outcome.problems[0].field, "/policies/0/name");
}

TEST(Import, DeepNestingIsRefused) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(codes(import(deep).problems), ElementsAre(kNotJson));
}

TEST(Import, ProblemsNeverQuoteAKey) {
  json document = good();
  document["policies"][0]["rules"][0]["authentication"][0] = {{"method", "psk"},
                                                              {"psk", "VERYSECRET" + std::string(300, 'x')}};
  document["policies"][0]["rules"][0]["authentication"][1] = {{"method", "psk"}, {"psk_hex", "VERYSECRET"}};
  const ImportOutcome outcome = import(document.dump());
  EXPECT_EQ(outcome.problems.size(), 2u) << all_text(outcome.problems);
  EXPECT_THAT(all_text(outcome.problems), Not(HasSubstr("VERYSECRET")));
}

// ---- merge
// ------------------------------------------------------------------------------------------------------------

ImportOutcome merge(const json& document, const PolicyTree& base) {
  SeededRandom random(6);
  return merge_json(document.dump(), base, random, kNow + 5);
}

TEST(Merge, ImportingTwiceIsImportingOnce) {
  const ImportOutcome first = merge(good(), PolicyTree());
  ASSERT_THAT(first.problems, IsEmpty()) << all_text(first.problems);
  const ImportOutcome second = merge(good(), first.tree);
  ASSERT_THAT(second.problems, IsEmpty()) << all_text(second.problems);
  EXPECT_EQ(export_json(second.tree, {true}), export_json(first.tree, {true}));
}

TEST(Merge, OtherObjectsStay) {
  const PolicyTree base = small_tree();  // also has P, L and A
  const ImportOutcome outcome = merge(good(), base);
  ASSERT_THAT(outcome.problems, IsEmpty()) << all_text(outcome.problems);
  EXPECT_EQ(outcome.tree.policies.size(), 2u);
  EXPECT_EQ(outcome.tree.policies[0].guid, base.policies[0].guid)
      << "the policy of that name is replaced and keeps its GUID";
  EXPECT_EQ(outcome.tree.policies[0].rules[0].guid, base.policies[0].rules[0].guid);
  EXPECT_EQ(outcome.tree.filter_lists[0].filters[0].guid, base.filter_lists[0].filters[0].guid);
  EXPECT_FALSE(outcome.tree.policies[0].default_response.active);
  EXPECT_EQ(outcome.tree.policies[1].name, "T");
}

TEST(Merge, AnObjectIsIdentifiedByItsGuidNotItsName) {
  const PolicyTree base = small_tree();
  json document = {
      {"format", "policyagent/1"},
      {"filter_lists", {{{"name", "Renamed"}, {"guid", base.filter_lists[0].guid.text}, {"filters", json::array()}}}}};
  const ImportOutcome renamed = merge(document, base);
  ASSERT_THAT(renamed.problems, IsEmpty()) << all_text(renamed.problems);
  EXPECT_EQ(renamed.tree.filter_lists[0].name, "Renamed");
  EXPECT_EQ(renamed.tree.filter_lists.size(), 3u);
  document["filter_lists"][0] = {{"name", "l"}, {"guid", "00000000-0000-4000-8000-000000000000"}};
  const ImportOutcome collision = merge(document, base);
  ASSERT_THAT(codes(collision.problems), ElementsAre(kFilterListExists));
  EXPECT_EQ(collision.problems[0].field, "/filter_lists/0/name");
}

TEST(Merge, RulesMayNameWhatTheStoreHas) {
  const json document = json::parse(R"({"format": "policyagent/1", "policies": [{"name": "Q", "rules": [
      {"name": "r", "filter_list": "l", "filter_action": "a"}]}]})");
  const ImportOutcome outcome = merge(document, small_tree());
  ASSERT_THAT(outcome.problems, IsEmpty()) << all_text(outcome.problems);
  EXPECT_EQ(outcome.tree.policies[2].rules[0].filter_list, small_tree().filter_lists[0].guid);
  EXPECT_EQ(outcome.tree.assigned, small_tree().assigned) << "assigned is absent: it stays";
  SeededRandom random(1);
  EXPECT_EQ(import_json(document.dump(), random, kNow).problems.size(), 2u);
}

TEST(Merge, AssignedNullUnassigns) {
  EXPECT_EQ(merge(json::parse(R"({"format": "policyagent/1", "assigned": null})"), small_tree()).tree.assigned,
            std::nullopt);
  EXPECT_EQ(merge(json::parse(R"({"format": "policyagent/1", "assigned": "t"})"), small_tree()).tree.assigned,
            small_tree().policies[1].guid);
}

TEST(Merge, ALeftOutKeyStaysAndANewRuleNeedsOne) {
  PolicyTree base = small_tree();
  json document = good();
  document["policies"][0]["rules"][0]["authentication"] = {{{"method", "psk"}}};
  const ImportOutcome kept = merge(document, base);
  ASSERT_THAT(kept.problems, IsEmpty()) << all_text(kept.problems);
  const auto& key = std::get<PresharedKeyAuthentication>(kept.tree.policies[0].rules[0].authentication[0]).key;
  EXPECT_EQ(key.reveal_text(), "a shared secret");
  document["policies"][0]["rules"][0]["name"] = "new";
  EXPECT_THAT(summary(merge(document, base).problems),
              ElementsAre("05917 rule 'new' of policy 'P': /policies/0/rules/0/authentication/0/psk"));
}

TEST(Merge, AStoredTunnelRuleKeepsItsRules) {
  const PolicyTree base = small_tree();
  const json document = json::parse(R"({"format": "policyagent/1", "filter_lists": [{"name": "Out", "filters": [
      {"source": "me", "destination": "10.2.0.0/16"}]}]})");
  EXPECT_THAT(codes(merge(document, base).problems), ElementsAre(kTunnelFilterMirrored));
}

}  // namespace
}  // namespace ipsec::store::tests
