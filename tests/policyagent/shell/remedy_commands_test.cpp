#include "services/policyagent/shell/remedy_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/rpc/convert.h"

namespace ipsec::agent {
namespace {

namespace proto = policyagent::v1;
using testing::ElementsAre;
using testing::IsEmpty;

store::PolicyTree tree(const std::string& list_name = "L") {
  store::PolicyTree tree;
  store::FilterList list;
  list.guid = {"1"};
  list.name = list_name;
  tree.filter_lists.push_back(list);
  store::FilterAction action;
  action.guid = {"2"};
  action.name = "Secure";
  tree.filter_actions.push_back(action);
  store::Policy policy;
  policy.guid = {"3"};
  policy.name = "Protect";
  store::Rule rule;
  rule.guid = {"4"};
  rule.name = "db link";
  rule.filter_list = {"1"};
  rule.filter_action = {"2"};
  rule.authentication.emplace_back(store::KerberosAuthentication{});
  policy.rules.push_back(std::move(rule));
  tree.policies.push_back(std::move(policy));
  tree.assigned = store::Guid{"3"};
  return tree;
}

std::vector<std::string> commands(const proto::Remedy& remedy, const store::PolicyTree& assigned = tree(),
                                  const store::DynamicPolicy& dynamic = {}, const std::string& rule = "db link") {
  proto::FailedNegotiation failed;
  failed.set_rule_name(rule);
  *failed.mutable_explanation()->add_remedies() = remedy;
  RemedyWriter(assigned, dynamic, {"Protect"}).add_commands(failed);
  const auto& made = failed.explanation().remedies(0).commands();
  return {made.begin(), made.end()};
}

proto::Remedy remedy(proto::Side side = proto::SIDE_THIS_HOST) {
  proto::Remedy made;
  made.set_side(side);
  return made;
}

proto::Remedy with_offers(proto::Side side) {
  proto::Remedy made = remedy(side);
  for (const proto::Cipher cipher : {proto::CIPHER_AES128_CBC, proto::CIPHER_TRIPLE_DES}) {
    proto::MainModeOffer& offer = *made.add_main_mode_offers();
    offer.set_cipher(cipher);
    offer.set_integrity(proto::INTEGRITY_SHA1);
    offer.set_dh_group(14);
  }
  return made;
}

TEST(RemedyCommands, main_mode_offers_are_those_of_the_policy) {
  EXPECT_THAT(
      commands(with_offers(proto::SIDE_THIS_HOST)),
      ElementsAre("netsh ipsec static set policy name=\"Protect\" mmsecmethods=\"AES128-SHA1-14 3DES-SHA1-14\""));
  EXPECT_THAT(
      commands(with_offers(proto::SIDE_PEER)),
      ElementsAre("netsh ipsec static set policy name=\"<its policy>\" mmsecmethods=\"AES128-SHA1-14 3DES-SHA1-14\""));
}

TEST(RemedyCommands, quick_mode_offers_and_PFS_are_those_of_the_filter_action) {
  proto::Remedy made = remedy();
  made.set_pfs_group(14);
  proto::QuickModeOffer& offer = *made.add_quick_mode_offers();
  offer.set_ah(proto::INTEGRITY_SHA1);
  offer.mutable_esp()->set_cipher(proto::CIPHER_AES128_GCM);
  offer.mutable_esp()->set_integrity(proto::INTEGRITY_NONE);
  offer.set_lifetime_seconds(7);
  EXPECT_THAT(commands(made), ElementsAre("netsh ipsec static set filteraction name=\"Secure\" qmpfs=yes pfsgroup=14 "
                                          "qmsecmethods=\"AH[SHA1]+ESP[AES128-GCM]:100000k/3600s\""))
      << "a lifetime that netsh does not take becomes the usual one";
  proto::Remedy without = remedy();
  without.set_pfs_group(0);
  EXPECT_THAT(commands(without), ElementsAre("netsh ipsec static set filteraction name=\"Secure\" qmpfs=no"));
}

TEST(RemedyCommands, a_key_keeps_the_methods_that_are_there) {
  proto::Remedy made = remedy();
  made.set_authentication("preshared key");
  EXPECT_THAT(commands(made),
              ElementsAre("netsh ipsec static set rule name=\"db link\" policy=\"Protect\" kerberos=yes "
                          "psk=\"<the key of both hosts>\""));
}

TEST(RemedyCommands, a_filter_goes_into_the_list_of_the_rule) {
  proto::Remedy made = remedy();
  const Selector traffic{AddressRange::host(*IpAddress::parse("10.77.0.1")), *AddressRange::parse("10.77.0.0/24"),
                         kProtocolTcp, PortRange::any(), PortRange::single(445)};
  *made.mutable_filter() = rpc::to_proto(traffic);
  EXPECT_THAT(commands(made), ElementsAre("netsh ipsec static add filter filterlist=\"L\" srcaddr=10.77.0.1 "
                                          "dstaddr=10.77.0.0/24 protocol=6 dstport=445 mirrored=yes"));
  EXPECT_THAT(commands(made, tree("L\"")), IsEmpty()) << "netsh has no way to write it";
  made.mutable_filter()->mutable_destination_port()->set_last(500);
  EXPECT_THAT(commands(made), IsEmpty()) << "a range of ports is no filter";
}

TEST(RemedyCommands, what_is_dynamic_is_changed_there) {
  store::DynamicPolicy dynamic;
  dynamic.main_mode_policies.push_back({"MM"});
  store::DynamicRule rule;
  rule.name = "me to any";
  rule.main_mode_policy = "MM";
  rule.quick_mode_policy = "QM";
  rule.authentication.emplace_back(store::PresharedKeyAuthentication{});
  dynamic.rules.push_back(std::move(rule));
  EXPECT_THAT(commands(with_offers(proto::SIDE_THIS_HOST), tree(), dynamic, "me to any"),
              ElementsAre("netsh ipsec dynamic set mmpolicy name=\"MM\" mmsecmethods=\"AES128-SHA1-14 3DES-SHA1-14\""));
  proto::Remedy made = remedy();
  made.set_pfs_group(0);
  EXPECT_THAT(commands(made, tree(), dynamic, "me to any"),
              ElementsAre("netsh ipsec dynamic set qmpolicy name=\"QM\" pfsgroup=NOPFS"));
}

TEST(RemedyCommands, a_policy_to_be_assigned_and_what_netsh_cannot_say) {
  proto::Remedy made = remedy();
  made.set_assign(true);
  EXPECT_THAT(commands(made), ElementsAre("netsh ipsec static set policy name=\"Protect\" assign=yes"));
  proto::Remedy tunnel = remedy();
  tunnel.set_encapsulation(proto::ENCAPSULATION_TUNNEL);
  EXPECT_THAT(commands(tunnel), IsEmpty());
  EXPECT_THAT(commands(with_offers(proto::SIDE_THIS_HOST), tree(), {}, "gone since"), IsEmpty());
}

}  // namespace
}  // namespace ipsec::agent
