#include "services/policyagent/shell/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "services/common/daemon/clock.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class AgentTest : public testing::Test {
 protected:
  AgentTest() { open(); }
  void open(LoadPace pace = {std::chrono::hours(1), 0}) {
    agent_.reset();
    auto store = store::PolicyStore::open(directory_.path() + "/policy.db");
    ASSERT_TRUE(store.ok()) << store.status().message();
    agent_ = std::make_unique<Agent>(
        *std::move(store), events_, [this](PolicyPointer messages) { sent_.push_back(std::move(messages)); }, pace);
    agent_->set_host(lan_host({"10.77.0.1/24"}));
  }
  // "Secure": everything with 10.77.0.0/24 negotiates.
  void assign_policy(std::uint32_t polling_minutes = 180) {
    store::AddPolicy policy;
    policy.name = "Secure";
    policy.polling_interval_minutes = polling_minutes;
    policy.assign = true;
    store::AddRule rule;
    rule.name = "lan";
    rule.policy = "Secure";
    rule.filter_list = "lan list";
    rule.filter_action = "secure";
    rule.authentication = {preshared_key("k")};
    apply({policy, store::AddFilter{"lan list", filter("me", "10.77.0.0/24")}, action("secure"), rule});
  }
  static store::AddFilterAction action(const std::string& name) {
    store::AddFilterAction made;
    made.name = name;
    return made;
  }
  void apply(const std::vector<store::Change>& changes) {
    const auto problems = agent_->apply(changes);
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_TRUE(problems->empty()) << store::to_string(problems->front());
  }
  // As another program might.
  void damage_store() const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((directory_.path() + "/policy.db").c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, "DROP TABLE store_state", nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  std::size_t count(const std::string& event) const {
    std::size_t found = 0;
    for (const auto& each : events_.newest(1000)) found += each.name() == event ? 1 : 0;
    return found;
  }

  TemporaryDirectory directory_;
  EventLog events_;
  std::vector<PolicyPointer> sent_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentTest, nothing_is_sent_before_the_first_load) {
  agent_->set_host(lan_host({"10.77.0.9/24"}));
  agent_->version_seen(12);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(name(agent_->state().retrieval), "Initial");
  EXPECT_LE(agent_->next_poll(), daemon::monotonic_now());
}

TEST_F(AgentTest, PA_21_with_nothing_assigned_driver_and_ike_get_an_inactive_policy) {
  EXPECT_EQ(agent_->load("start"), "no policy is assigned");
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_FALSE(sent_[0]->policy.active);
  EXPECT_EQ(sent_[0]->policy.filters.size(), 0U);
  EXPECT_TRUE(sent_[0]->policy.main_mode_policies.empty());
  EXPECT_FALSE(sent_[0]->policy.default_response.active);
  EXPECT_EQ(name(agent_->state().retrieval), "Initial");
  EXPECT_EQ(agent_->state().polling_interval_minutes, 180U);
}

TEST_F(AgentTest, PA_12_PA_13_a_change_of_the_local_store_is_in_force_at_once) {
  agent_->load("start");
  assign_policy(7);
  const Agent::State state = agent_->state();
  EXPECT_EQ(name(state.retrieval), "Local");
  EXPECT_EQ(state.polling_interval_minutes, 7U);
  EXPECT_EQ(state.last_load_reason, "store changed");
  EXPECT_THAT(state.last_load_outcome,
              StartsWith("policy 'Secure' from the local store is in force: 2 specific filters"));
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_TRUE(sent_.back()->policy.active);
  EXPECT_EQ(sent_.back()->policy.filters.size(), 2U);
  const auto& method = sent_.back()->policy.main_mode_filters.front().authentication.front();
  EXPECT_EQ(std::get<store::PresharedKeyAuthentication>(method).key.reveal_text(), "k");
  EXPECT_GT(sent_[1]->version, sent_[0]->version);
}

TEST_F(AgentTest, changes_of_a_slow_policy_are_loaded_together) {
  open({Duration(-1), 1U << 30U});
  agent_->load("start");
  assign_policy();
  apply({store::AddFilter{"lan list", filter("me", "10.78.0.0/24")}});
  apply({store::AddFilter{"lan list", filter("me", "10.79.0.0/24")}});
  EXPECT_EQ(sent_.size(), 1U) << "only the start";
  const Timestamp due = agent_->next_poll();
  EXPECT_GT(due, daemon::monotonic_now());
  EXPECT_LE(due, daemon::monotonic_now() + std::chrono::seconds(2));
  agent_->poll();
  EXPECT_EQ(sent_.size(), 1U) << "not before they have settled";

  const Agent::State state = agent_->state();
  EXPECT_EQ(sent_.size(), 2U) << "who looks sees what is stored";
  EXPECT_EQ(state.in_force->policy.filters.size(), 6U);
  EXPECT_EQ(state.last_load_reason, "store changed");
  EXPECT_GT(agent_->next_poll(), daemon::monotonic_now() + std::chrono::minutes(1));
}

TEST_F(AgentTest, the_first_change_of_a_slow_policy_for_a_while_is_in_force_at_once) {
  open({Duration(-1), 0});
  agent_->load("start");
  assign_policy();
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(AgentTest, unassigning_detaches) {
  assign_policy();
  store::SetPolicy unassign;
  unassign.policy = "Secure";
  unassign.assign = false;
  apply({unassign});
  EXPECT_FALSE(sent_.back()->policy.active);
  EXPECT_EQ(name(agent_->state().retrieval), "Initial");
}

TEST_F(AgentTest, a_refused_change_changes_nothing) {
  assign_policy();
  const std::size_t before = sent_.size();
  const auto problems = agent_->apply(std::vector<store::Change>{store::DeleteFilterList{"lan list"}});
  ASSERT_TRUE(problems.ok());
  EXPECT_FALSE(problems->empty());
  EXPECT_EQ(sent_.size(), before);
}

TEST_F(AgentTest, IM_02_changed_addresses_give_a_new_version_and_equal_ones_do_not) {
  assign_policy();
  const std::size_t before = sent_.size();
  agent_->set_host(lan_host({"10.77.0.1/24"}));
  EXPECT_EQ(sent_.size(), before);
  agent_->set_host(lan_host({"10.77.0.1/24", "10.77.0.5/24"}));
  ASSERT_EQ(sent_.size(), before + 1);
  EXPECT_EQ(sent_.back()->policy.filters.size(), 4U);
  EXPECT_GT(sent_.back()->version, sent_[before - 1]->version);
  EXPECT_EQ(count("interfaces_changed"), 1U);
  EXPECT_EQ(count("address_added"), 1U);
}

TEST_F(AgentTest, IM_07_a_link_that_goes_down_is_an_event_and_no_new_policy) {
  assign_policy();
  const std::size_t before = sent_.size();
  HostAddresses host = lan_host({"10.77.0.1/24"});
  host.interfaces[0].up = false;
  agent_->set_host(host);
  EXPECT_EQ(count("interface_down"), 1U);
  EXPECT_EQ(sent_.size(), before);
  agent_->set_host(lan_host({"10.77.0.1/24"}));
  EXPECT_EQ(count("interface_up"), 1U);
}

TEST_F(AgentTest, PA_20_reload_sends_the_policy_again) {
  assign_policy();
  const std::size_t before = sent_.size();
  agent_->load("reload");
  EXPECT_EQ(sent_.size(), before + 1);
  EXPECT_EQ(agent_->state().last_load_reason, "reload");
}

TEST_F(AgentTest, PA_14_a_load_that_fails_is_initial_and_leaves_the_policy_in_force) {
  assign_policy();
  const std::size_t before = sent_.size();
  damage_store();
  const std::string outcome = agent_->load("poll");
  EXPECT_THAT(outcome, HasSubstr("cannot be read"));
  EXPECT_EQ(sent_.size(), before);
  EXPECT_EQ(name(agent_->state().retrieval), "Initial");
  EXPECT_EQ(agent_->state().in_force->policy.policy_name, "Secure");
  EXPECT_EQ(count("policy_load_failed"), 1U);
}

TEST_F(AgentTest, the_policy_survives_a_restart_and_versions_grow) {
  assign_policy();
  const std::uint64_t last = sent_.back()->version;
  open();
  agent_->version_seen(last);
  agent_->load("start");
  EXPECT_EQ(sent_.back()->policy.policy_name, "Secure");
  EXPECT_GT(sent_.back()->version, last);
}

TEST_F(AgentTest, a_service_that_holds_a_newer_version_gets_the_policy_under_a_newer_one) {
  assign_policy();
  const std::uint64_t beyond = sent_.back()->version + (1ULL << 40U);
  const std::size_t before = sent_.size();
  agent_->version_seen(beyond);
  ASSERT_EQ(sent_.size(), before + 1);
  EXPECT_GT(sent_.back()->version, beyond);
  EXPECT_EQ(agent_->state().in_force->version, sent_.back()->version);
  agent_->version_seen(beyond);
  EXPECT_EQ(sent_.size(), before + 1);
}

TEST_F(AgentTest, problems_of_the_policy_become_events_once) {
  assign_policy();
  store::AddRule kerberos;
  kerberos.name = "kerberos";
  kerberos.policy = "Secure";
  kerberos.filter_list = "lan list";
  kerberos.filter_action = "secure";
  apply({kerberos});
  const std::size_t told = count("authentication_not_supported");
  EXPECT_GE(told, 1U);
  agent_->load("reload");
  EXPECT_EQ(count("authentication_not_supported"), told);
}

TEST_F(AgentTest, export_and_import_round_trip) {
  assign_policy();
  const auto json = agent_->export_json(true, "");
  ASSERT_TRUE(json.ok());
  apply({store::DeleteAll{}});
  EXPECT_FALSE(sent_.back()->policy.active);
  const auto problems = agent_->import_json(*json);
  ASSERT_TRUE(problems.ok());
  EXPECT_TRUE(problems->empty());
  EXPECT_TRUE(sent_.back()->policy.active);
  const auto without = agent_->export_json(false, "Secure");
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->find("\"k\""), std::string::npos);
  EXPECT_EQ(agent_->export_json(false, "Nobody").status().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ipsec::agent::tests
