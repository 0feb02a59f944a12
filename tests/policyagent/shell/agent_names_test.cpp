#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/list_difference.h"
#include "services/policyagent/shell/agent.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/fake_services.h"
#include "tests/policyagent/shell/temporary_directory.h"

// Host names in filters: the agent looks them up again, and what changes is what their answers touch.
namespace ipsec::agent::tests {
namespace {

// A name server that answers nothing about a name until a test has told it what. Outlives the agent's thread.
class NameServer {
 public:
  NameAnswer resolve(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return answers_.contains(name); });
    return {answers_[name], std::chrono::hours(1)};
  }
  void answer(const std::string& name, const std::vector<IpAddress>& addresses) {
    const std::lock_guard lock(mutex_);
    answers_[name] = addresses;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<IpAddress>> answers_;
};

class AgentNamesTest : public testing::Test {
 protected:
  AgentNamesTest()
      : agent_(
            store::PolicyStore::open(directory_.path() + "/policy.db").value(), events_,
            [this](PolicyPointer policy) { put_in_force(std::move(policy)); }, LoadPace(),
            [server = server_](const std::string& name) { return server->resolve(name); }) {
    agent_.set_host(lan_host({"10.77.0.1/24"}));
  }
  ~AgentNamesTest() override { server_->answer("server.example", {}); }

  void answer(const std::string& text) { server_->answer("server.example", {address(text)}); }
  void put_in_force(PolicyPointer policy) {
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::move(policy));
    changed_.notify_all();
  }
  static bool leads_to(const CompiledPolicy& policy, const std::string& destination) {
    for (const SpecificFilter& filter : policy.filters) {
      if (filter.direction == Direction::kOutbound && filter.selector.destination == range(destination)) return true;
    }
    return false;
  }
  // The policy that was sent with an outbound filter for this destination; null: none came.
  PolicyPointer wait_for_filter_to(const std::string& destination) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, kPatience,
                                        [&] { return !sent_.empty() && leads_to(sent_.back()->policy, destination); });
    return came ? sent_.back() : nullptr;
  }
  void apply(const std::vector<store::Change>& changes) {
    const auto problems = agent_.apply(changes);
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_TRUE(problems->empty()) << store::to_string(problems->front());
  }
  // "lan" leads to 10.1.0.0/16, "named" to a host name that was 10.2.0.1 when the rule was written.
  void assign_policy() {
    store::AddPolicy policy;
    policy.name = "Names";
    policy.assign = true;
    store::Filter named = filter("me", "any");
    named.destination = store::DnsName{"server.example", {address("10.2.0.1")}};
    store::AddFilterAction action;
    action.name = "block";
    action.action = store::Action::kBlock;
    std::vector<store::Change> changes = {policy, action, store::AddFilter{"lan list", filter("me", "10.1.0.0/16")},
                                          store::AddFilter{"named list", named}};
    for (const std::string name : {"lan", "named"}) {
      store::AddRule rule;
      rule.name = name;
      rule.policy = "Names";
      rule.filter_list = name + " list";
      rule.filter_action = "block";
      rule.authentication = {preshared_key("k")};
      changes.emplace_back(rule);
    }
    apply(changes);
  }

  TemporaryDirectory directory_;
  EventLog events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::shared_ptr<NameServer> server_ = std::make_shared<NameServer>();
  std::vector<PolicyPointer> sent_;
  Agent agent_;
};

TEST_F(AgentNamesTest, what_is_stored_holds_until_there_is_an_answer) {
  assign_policy();
  EXPECT_TRUE(leads_to(agent_.state().in_force->policy, "10.2.0.1")) << "nobody waits for a name server";
  answer("10.2.0.9");
  const PolicyPointer policy = wait_for_filter_to("10.2.0.9");
  ASSERT_TRUE(policy);
  EXPECT_FALSE(leads_to(policy->policy, "10.2.0.1"));
}

TEST_F(AgentNamesTest, another_answer_touches_only_the_filters_of_that_name) {
  assign_policy();
  const PolicyPointer before = agent_.state().in_force;
  answer("10.2.0.5");
  const PolicyPointer after = wait_for_filter_to("10.2.0.5");
  ASSERT_TRUE(after);
  const ListDifference change = difference(before->policy.filters, after->policy.filters);
  EXPECT_EQ(change.removed.size(), 2U);
  EXPECT_EQ(change.inserted.size(), 2U);
  for (const std::size_t place : change.inserted) EXPECT_EQ(after->policy.filters[place].rule_name, "named");
}

TEST_F(AgentNamesTest, a_load_keeps_what_was_answered_last) {
  assign_policy();
  answer("10.2.0.7");
  ASSERT_TRUE(wait_for_filter_to("10.2.0.7"));
  agent_.load("reload");
  EXPECT_TRUE(leads_to(agent_.state().in_force->policy, "10.2.0.7")) << "not what was stored long ago";
}

}  // namespace
}  // namespace ipsec::agent::tests
