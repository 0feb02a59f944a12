#include "services/policyagent/shell/default_responder.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "services/common/rpc/convert.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/fake_services.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;

FilterRequest request(std::string_view peer) {
  const IpAddress local = address("10.77.0.1");
  return {local, address(peer), {AddressRange::host(local), range(peer), 0, {}, {}}};
}

proto::IkeRequest to_message(const FilterRequest& request) {
  proto::IkeRequest message;
  proto::DefaultResponseRequest& asked = *message.mutable_default_response();
  *asked.mutable_local() = rpc::to_proto(request.local);
  *asked.mutable_peer() = rpc::to_proto(request.peer);
  *asked.mutable_outbound() = rpc::to_proto(request.outbound);
  return message;
}

class DefaultResponderTest : public testing::Test {
 protected:
  DefaultResponderTest() {
    auto store = store::PolicyStore::open(directory_.path() + "/policy.db");
    EXPECT_TRUE(store.ok()) << store.status().message();
    agent_ = std::make_unique<Agent>(*std::move(store), events_,
                                     [this](const PolicyPointer& policy) { sent_.add(policy->version); });
    agent_->set_host(lan_host({"10.77.0.1/24"}));
  }
  ~DefaultResponderTest() override { responder_.reset(); }

  // A policy with the default response rule, and one rule that permits 10.77.0.9.
  void assign() {
    store::AddPolicy policy;
    policy.name = "Client";
    policy.assign = true;
    policy.default_rule_authentication = {preshared_key("k")};
    store::AddFilterAction permit;
    permit.name = "permit";
    permit.action = store::Action::kPermit;
    store::AddRule rule;
    rule.name = "web";
    rule.policy = "Client";
    rule.filter_list = "L";
    rule.filter_action = "permit";
    const auto problems = agent_->apply(
        std::vector<store::Change>{policy, store::AddFilter{"L", filter("me", "10.77.0.9")}, permit, rule});
    ASSERT_TRUE(problems.ok() && problems->empty());
  }
  void respond() {
    ike_client_ = connect_ike(directory_.path() + "/ike.sock");
    driver_client_ = connect_driver(directory_.path() + "/driver.sock");
    responder_ = std::make_unique<DefaultResponder>(*agent_, *ike_client_, *driver_client_, events_);
  }
  std::size_t dynamic_filters() {
    std::size_t count = 0;
    for (const SpecificFilter& filter : agent_->state().in_force->policy.filters) count += filter.dynamic ? 1 : 0;
    return count;
  }

  TemporaryDirectory directory_;
  EventLog events_;
  Received sent_;
  FakeIke ike_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<IkeClient> ike_client_;
  std::unique_ptr<DriverClient> driver_client_;
  std::unique_ptr<DefaultResponder> responder_;
};

TEST_F(DefaultResponderTest, DR_08_what_ike_asks_becomes_a_filter_of_the_policy_in_force) {
  assign();
  ASSERT_TRUE(sent_.wait_for(1));
  ike_.pending = {to_message(request("10.77.0.2"))};
  const auto server = serve(directory_.path() + "/ike.sock", ike_);
  respond();
  ASSERT_TRUE(sent_.wait_for(2));
  EXPECT_EQ(dynamic_filters(), 2U);
  EXPECT_TRUE(agent_->has_dynamic_filters());
}

TEST_F(DefaultResponderTest, DR_06_what_is_not_granted_is_declined_with_the_reason) {
  assign();
  FilterRequest network = request("10.77.0.2");
  network.outbound.destination = range("10.77.0.0/24");
  proto::IkeRequest broken = to_message(request("10.77.0.2"));
  broken.mutable_default_response()->clear_peer();
  ike_.pending = {to_message(request("10.77.0.9")), broken, to_message(network)};
  const auto server = serve(directory_.path() + "/ike.sock", ike_);
  respond();
  auto declined = ike_.declined.pop(kPatience);
  ASSERT_TRUE(declined);
  EXPECT_THAT(declined->reason(), HasSubstr("rule 'web' permits"));
  EXPECT_EQ(declined->default_response().SerializeAsString(), ike_.pending[0].default_response().SerializeAsString());
  declined = ike_.declined.pop(kPatience);
  ASSERT_TRUE(declined);
  EXPECT_THAT(declined->reason(), HasSubstr("default_response.peer"));
  declined = ike_.declined.pop(kPatience);
  ASSERT_TRUE(declined);
  EXPECT_THAT(declined->reason(), HasSubstr("between the two hosts"));
  EXPECT_EQ(dynamic_filters(), 0U);
}

TEST_F(DefaultResponderTest, before_the_first_load_nothing_is_declined_and_the_question_comes_again) {
  ike_.pending = {to_message(request("10.77.0.2"))};
  const auto server = serve(directory_.path() + "/ike.sock", ike_);
  EXPECT_EQ(agent_->grant(request("10.77.0.2")).code(), ErrorCode::kUnavailable);
  respond();
  assign();
  ASSERT_TRUE(sent_.wait_for(2)) << "the policy, and the policy with the dynamic filter";
  EXPECT_EQ(dynamic_filters(), 2U);
  EXPECT_FALSE(ike_.declined.pop(std::chrono::milliseconds(0)));
}

TEST_F(DefaultResponderTest, DR_11_a_policy_without_the_rule_has_no_dynamic_filters) {
  assign();
  ASSERT_TRUE(agent_->grant(request("10.77.0.2")).ok());
  ASSERT_TRUE(agent_->grant(request("10.77.0.2")).ok());
  EXPECT_EQ(sent_.versions().size(), 2U) << "the same again is not sent again";
  EXPECT_EQ(dynamic_filters(), 2U);
  store::SetDefaultRule change;
  change.policy = "Client";
  change.active = false;
  ASSERT_TRUE(agent_->apply(std::vector<store::Change>{change}).ok());
  EXPECT_EQ(dynamic_filters(), 0U);
  EXPECT_FALSE(agent_->has_dynamic_filters());
  change.active = true;
  ASSERT_TRUE(agent_->apply(std::vector<store::Change>{change}).ok());
  EXPECT_EQ(dynamic_filters(), 0U) << "they do not come back by themselves";
  ASSERT_TRUE(agent_->grant(request("10.77.0.2")).ok());
  EXPECT_EQ(dynamic_filters(), 2U);
  agent_->set_host(lan_host({"10.77.0.8/24"}));
  EXPECT_EQ(dynamic_filters(), 0U) << "the address is gone";
}

TEST_F(DefaultResponderTest, a_filter_that_is_new_outlives_a_look_at_the_driver) {
  assign();
  ASSERT_TRUE(agent_->grant(request("10.77.0.2")).ok());
  agent_->dynamic_filters_in_use({});
  EXPECT_EQ(dynamic_filters(), 2U);
}

}  // namespace
}  // namespace ipsec::agent::tests
