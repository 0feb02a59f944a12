#include "services/policyagent/shell/store_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/rpc/convert.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;

std::vector<IpAddress> no_names(const std::string&) { return {}; }

template <typename T>
T read(const proto::Change& message, const Resolver& resolver = no_names) {
  store::Problems problems;
  const auto change = to_change(message, resolver, problems);
  EXPECT_TRUE(problems.empty()) << store::to_string(problems.front());
  EXPECT_TRUE(change.has_value());
  return std::get<T>(change.value());
}

store::Problems refuse(const proto::Change& message) {
  store::Problems problems;
  EXPECT_FALSE(to_change(message, no_names, problems).has_value());
  EXPECT_FALSE(problems.empty());
  return problems;
}

TEST(StoreMessages, only_present_fields_are_set) {
  proto::Change message;
  message.mutable_set_policy()->mutable_policy()->set_name("P");
  auto change = read<store::SetPolicy>(message);
  EXPECT_EQ(std::get<std::string>(change.policy), "P");
  EXPECT_FALSE(change.assign || change.master_pfs || change.new_name || change.main_mode_offers);
  message.mutable_set_policy()->set_assign(false);
  message.mutable_set_policy()->set_new_name("Q");
  change = read<store::SetPolicy>(message);
  EXPECT_EQ(change.assign, false);
  EXPECT_EQ(change.new_name, "Q");
}

TEST(StoreMessages, references_by_guid_accept_braces_and_refuse_nonsense) {
  proto::Change message;
  auto& reference = *message.mutable_delete_policy()->mutable_policy();
  reference.set_guid("{72385230-70FA-11D1-864C-14A300000000}");
  EXPECT_EQ(std::get<store::Guid>(read<store::DeletePolicy>(message).policy).text,
            "72385230-70fa-11d1-864c-14a300000000");
  reference.set_guid("nonsense");
  EXPECT_EQ(refuse(message)[0].code, store::kGuidInvalid);
  reference.Clear();
  EXPECT_EQ(refuse(message)[0].code, store::kNameInvalid);
}

TEST(StoreMessages, offers_by_name_in_any_case) {
  proto::Change message;
  auto& policy = *message.mutable_add_policy();
  policy.set_name("P");
  policy.set_profile("Windows2003");
  auto& offer = *policy.mutable_main_mode_offers()->add_offers();
  offer.set_cipher("3des");
  offer.set_integrity("SHA1");
  offer.set_dh_group("MODP1024");
  const auto change = read<store::AddPolicy>(message);
  EXPECT_EQ(change.profile, store::Profile::kWindows2003);
  ASSERT_EQ(change.main_mode_offers.value().size(), 1U);
  EXPECT_EQ(change.main_mode_offers->front(),
            (store::MainModeOffer{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp1024}));
}

TEST(StoreMessages, every_wrong_word_is_named_with_its_place) {
  proto::Change message;
  auto& policy = *message.mutable_add_policy();
  policy.set_name("P");
  policy.set_profile("windows95");
  auto& offer = *policy.mutable_main_mode_offers()->add_offers();
  offer.set_cipher("ROT13");
  offer.set_integrity("SHA1");
  offer.set_dh_group("modp1024");
  const store::Problems problems = refuse(message);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].field, "offers/0/cipher");
  EXPECT_EQ(problems[0].object, "policy 'P'");
  EXPECT_THAT(problems[0].text, HasSubstr("'ROT13'"));
  EXPECT_THAT(problems[0].text, HasSubstr("AES128"));
  EXPECT_EQ(problems[1].field, "profile");
}

TEST(StoreMessages, DR_12_a_policy_with_the_authentication_of_its_default_rule) {
  proto::Change message;
  message.mutable_add_policy()->set_name("P");
  EXPECT_FALSE(read<store::AddPolicy>(message).default_rule_authentication);
  auto& methods = *message.mutable_add_policy()->mutable_default_rule_authentication();
  methods.add_methods()->mutable_preshared_key()->set_key("k");
  methods.add_methods()->set_kerberos(true);
  const auto change = read<store::AddPolicy>(message);
  ASSERT_EQ(change.default_rule_authentication.value().size(), 2U);
  const auto& key = std::get<store::PresharedKeyAuthentication>(change.default_rule_authentication->front());
  EXPECT_EQ(key.key.reveal_text(), "k");
}

TEST(StoreMessages, quick_mode_offers_with_ah_and_esp) {
  proto::Change message;
  auto& action = *message.mutable_add_filter_action();
  action.set_name("A");
  action.set_action(proto::ACTION_NEGOTIATE);
  auto& both = *action.mutable_offers()->add_offers();
  both.set_ah("SHA1");
  both.set_esp_cipher("none");
  both.set_esp_integrity("SHA256");
  both.set_lifetime_seconds(900);
  auto& gcm = *action.mutable_offers()->add_offers();
  gcm.set_esp_cipher("AES128-GCM");
  const auto change = read<store::AddFilterAction>(message);
  EXPECT_EQ(change.action, store::Action::kNegotiate);
  ASSERT_EQ(change.offers.value().size(), 2U);
  EXPECT_EQ((*change.offers)[0].ah, Integrity::kSha1);
  EXPECT_EQ((*change.offers)[0].esp, (store::QuickModeOffer::Esp{Cipher::kNull, Integrity::kSha256}));
  EXPECT_EQ((*change.offers)[0].lifetime_seconds, 900U);
  EXPECT_EQ((*change.offers)[1].esp, (store::QuickModeOffer::Esp{Cipher::kAes128Gcm, Integrity::kNone}));
}

TEST(StoreMessages, filters_with_keywords_ranges_and_names) {
  proto::Change message;
  auto& add = *message.mutable_add_filter();
  add.set_filter_list("L");
  add.mutable_filter()->mutable_source()->set_keyword("ME");
  add.mutable_filter()->mutable_destination()->mutable_dns_name()->set_name("db.example.org");
  add.mutable_filter()->set_protocol(6);
  add.mutable_filter()->set_destination_port(445);
  add.mutable_filter()->set_mirrored(true);
  std::string asked;
  const auto change = read<store::AddFilter>(message, [&](const std::string& name) {
    asked = name;
    return std::vector<IpAddress>{address("10.0.0.5")};
  });
  EXPECT_EQ(asked, "db.example.org");
  EXPECT_EQ(std::get<store::AddressKeyword>(change.filter.source), store::AddressKeyword::kMe);
  EXPECT_EQ(std::get<store::DnsName>(change.filter.destination).resolved.at(0), address("10.0.0.5"));
  EXPECT_EQ(change.filter.destination_port, 445);

  *add.mutable_filter()->mutable_source()->mutable_range() = rpc::to_proto(range("10.0.0.0/8"));
  EXPECT_EQ(std::get<AddressRange>(read<store::AddFilter>(message).filter.source), range("10.0.0.0/8"));
}

TEST(StoreMessages, bad_filters_are_refused_with_every_fault) {
  proto::Change message;
  auto& filter = *message.mutable_add_filter()->mutable_filter();
  message.mutable_add_filter()->set_filter_list("L");
  filter.mutable_source()->set_keyword("everyone");
  filter.set_protocol(300);
  filter.set_source_port(70000);
  const store::Problems problems = refuse(message);
  std::vector<std::string> fields;
  for (const auto& problem : problems) fields.push_back(problem.field);
  EXPECT_THAT(fields, testing::ElementsAre("source", "destination", "protocol", "source_port"));
}

TEST(StoreMessages, rules_with_tunnel_and_authentication) {
  proto::Change message;
  auto& rule = *message.mutable_add_rule();
  rule.set_name("R");
  rule.set_policy("P");
  rule.set_connection_type("DialUp");
  *rule.mutable_tunnel_endpoint() = rpc::to_proto(address("192.0.2.1"));
  rule.mutable_authentication()->add_methods()->mutable_preshared_key()->set_key("k");
  rule.mutable_authentication()->add_methods()->set_kerberos(true);
  const auto change = read<store::AddRule>(message);
  EXPECT_EQ(change.tunnel_endpoint, address("192.0.2.1"));
  EXPECT_EQ(change.connection_type, store::ConnectionType::kDialup);
  ASSERT_EQ(change.authentication.value().size(), 2U);
  EXPECT_EQ(std::get<store::PresharedKeyAuthentication>((*change.authentication)[0]).key.reveal_text(), "k");

  rule.mutable_authentication()->add_methods();
  rule.mutable_tunnel_endpoint()->set_octets("abc");
  const store::Problems problems = refuse(message);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].code, store::kTunnelEndpointInvalid);
  EXPECT_EQ(problems[1].field, "authentication/2");
}

TEST(StoreMessages, an_empty_change_is_refused) { EXPECT_EQ(refuse({})[0].field, "change"); }

TEST(StoreMessages, what_is_stored_reads_back_without_keys) {
  PolicyBuilder builder;
  store::Rule& rule = builder.rule("R", store::Action::kNegotiate, {filter("me", "10.0.0.0/8", kProtocolTcp, 0, 445)});
  rule.tunnel_endpoint = address("192.0.2.1");
  rule.authentication.push_back(store::CertificateAuthentication{"CN=Root", true, false});
  const store::PolicyTree& tree = builder.tree();
  const auto policy = to_proto(tree.policies[0], tree, true);
  EXPECT_TRUE(policy.assigned());
  EXPECT_EQ(policy.rule_count(), 1U);
  ASSERT_EQ(policy.rules_size(), 1);
  EXPECT_EQ(policy.rules(0).filter_list(), "R list");
  EXPECT_EQ(policy.rules(0).filter_action(), "R action");
  EXPECT_EQ(policy.rules(0).connection_type(), "all");
  EXPECT_TRUE(policy.rules(0).authentication(0).preshared_key().is_set());
  EXPECT_EQ(policy.rules(0).authentication(0).preshared_key().key(), "");
  EXPECT_EQ(policy.rules(0).authentication(1).certificate().root_ca(), "CN=Root");
  EXPECT_EQ(policy.SerializeAsString().find("secret"), std::string::npos);
  EXPECT_EQ(to_proto(tree.policies[0], tree, false).rules_size(), 0);

  const auto list = to_proto(tree.filter_lists[0], true);
  EXPECT_EQ(list.filter_count(), 1U);
  EXPECT_EQ(list.filters(0).source().keyword(), "me");
  EXPECT_EQ(list.filters(0).destination_port(), 445U);
  EXPECT_EQ(to_proto(tree.filter_actions[0]).action(), proto::ACTION_NEGOTIATE);
  EXPECT_EQ(to_proto(tree.filter_actions[0]).pfs_group(), "none");
}

}  // namespace
}  // namespace ipsec::agent::tests
