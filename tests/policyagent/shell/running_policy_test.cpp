#include "services/policyagent/shell/running_policy.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;

class RunningPolicies : public testing::Test {
 protected:
  RunningPolicies()
      : agent_(store::PolicyStore::open(directory_.path() + "/policy.db").value(), events_,
               [this](PolicyPointer) { ++sent_; }) {
    agent_.set_host(lan_host({"10.77.0.1/24"}));
    agent_.load("start");
    open();
  }
  void open() { running_ = std::make_unique<RunningPolicy>(agent_, events_, path()); }
  std::string path() const { return directory_.path() + "/config.json"; }

  // The codes of the problems.
  std::vector<std::uint32_t> apply(const std::vector<store::DynamicChange>& changes, store::Problems stored = {}) {
    const auto outcome = running_->apply(changes, [&] { return Result<store::Problems>(stored); });
    EXPECT_TRUE(outcome.ok()) << outcome.status().message();
    std::vector<std::uint32_t> codes;
    for (const store::Problem& problem : outcome->problems) codes.push_back(problem.code);
    return codes;
  }
  static store::AddDynamicRule block_everything() {
    store::AddDynamicRule rule;
    rule.selector.filter = filter("any", "me");
    rule.main_mode_policy = "M";
    rule.inbound = rule.outbound = store::Action::kBlock;
    return rule;
  }
  const CompiledPolicy& in_force() {
    state_ = agent_.state();
    return state_.in_force->policy;
  }

  TemporaryDirectory directory_;
  EventLog events_;
  int sent_ = 0;
  Agent agent_;
  std::unique_ptr<RunningPolicy> running_;
  Agent::State state_;
};

TEST_F(RunningPolicies, a_rule_is_in_force_when_the_call_returns) {
  const int before = sent_;
  EXPECT_TRUE(apply({store::AddMainModePolicy{.name = "M"}, block_everything()}).empty());
  EXPECT_EQ(sent_, before + 1) << "one request, one policy";
  EXPECT_TRUE(in_force().active);
  EXPECT_FALSE(in_force().filters.empty());
  EXPECT_TRUE(apply({store::DeleteDynamicAll{}}).empty());
  EXPECT_FALSE(in_force().active);
}

TEST_F(RunningPolicies, it_stays_through_loads_and_changes_of_the_host) {
  apply({store::AddMainModePolicy{.name = "M"}, block_everything()});
  agent_.load("reload");
  EXPECT_FALSE(in_force().filters.empty());
  EXPECT_THAT(state_.last_load_outcome, HasSubstr("no policy is assigned"));
  agent_.set_host(lan_host({"10.77.0.1/24", "10.78.0.1/24"}));
  EXPECT_EQ(in_force().local_addresses.size(), 2U);
  EXPECT_TRUE(in_force().active);
}

TEST_F(RunningPolicies, a_refused_request_changes_nothing) {
  EXPECT_EQ(apply({store::AddMainModePolicy{.name = "M"}, store::AddMainModePolicy{.name = "m"}}),
            std::vector<std::uint32_t>{store::kMainModePolicyExists});
  EXPECT_EQ(apply({store::AddMainModePolicy{.name = "M"}}, {store::Problem{store::kPolicyExists, "", "", "", 0}}),
            std::vector<std::uint32_t>{store::kPolicyExists});
  EXPECT_TRUE(running_->state().policy.main_mode_policies.empty());
  EXPECT_EQ(apply({store::SetConfig{"ipsecexempt", "0"}}, {store::Problem{store::kPolicyExists, "", "", "", 0}}),
            std::vector<std::uint32_t>{store::kPolicyExists});
  EXPECT_FALSE(std::filesystem::exists(path())) << "the store refused its part";
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.path().string().find("config.json"), std::string::npos) << entry.path() << " is left over";
  }
}

TEST_F(RunningPolicies, EX_07_properties_are_kept_and_the_dynamic_policy_is_not) {
  apply({store::SetConfig{"ipsecexempt", "0"}, store::AddMainModePolicy{.name = "M"}});
  open();
  EXPECT_EQ(store::property_value(running_->state().config, "ipsecexempt"), "0");
  EXPECT_TRUE(running_->state().policy.main_mode_policies.empty());
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path()).permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(RunningPolicies, a_damaged_file_is_an_event_and_every_property_has_its_default) {
  for (const char* content : {"{", "[]", R"({"ipsecexempt": 3})", R"({"ipsecexempt": "4"})", R"({"colour": "1"})"}) {
    std::ofstream(path()) << content;
    open();
    EXPECT_EQ(store::property_value(running_->state().config, "ipsecexempt"), "3");
    const auto events = events_.newest(1);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back().name(), "configuration_not_read") << content;
    EXPECT_THAT(events.back().text(), HasSubstr(path()));
  }
}

TEST_F(RunningPolicies, EX_06_the_driver_gets_a_new_exemption_at_the_next_start_and_ike_its_setting_at_once) {
  const int before = sent_;
  apply({store::SetConfig{"ipsecexempt", "0"}, store::SetConfig{"ipsecdiagnostics", "7"}});
  EXPECT_EQ(store::property_value(running_->state().config, "ipsecexempt"), "0");
  EXPECT_EQ(store::property_value(running_->config_in_effect(), "ipsecexempt"), "3");
  EXPECT_EQ(in_force().settings, ServiceSettings());
  apply({store::SetConfig{"ikelogging", "1"}, store::SetConfig{"strongcrlcheck", "2"}});
  EXPECT_TRUE(in_force().settings.ike_logging);
  EXPECT_TRUE(in_force().settings.ike_log_levels.empty());
  apply({store::SetConfig{"ikeloglevels", "packets:3"}});
  EXPECT_EQ(in_force().settings.ike_log_levels, (std::vector<std::pair<std::string, std::uint32_t>>{{"packets", 3}}));
  EXPECT_EQ(in_force().settings.strong_crl_check, 2U);
  EXPECT_EQ(in_force().settings.exemptions, 3U);
  EXPECT_GT(sent_, before);

  open();
  EXPECT_EQ(store::property_value(running_->config_in_effect(), "ipsecexempt"), "0");
  EXPECT_EQ(in_force().settings, (ServiceSettings{0, 7, 3600, true, {{"packets", 3}}, 2}));
}

// Nothing of a request is done if a part of it cannot be: the stored policies are changed last.
TEST_F(RunningPolicies, what_cannot_be_kept_is_not_set) {
  std::filesystem::create_directory(path());  // no file can take its place
  bool asked_the_store = false;
  const auto outcome =
      running_->apply({store::SetConfig{"ipsecexempt", "0"}, store::AddMainModePolicy{.name = "M"}}, [&] {
        asked_the_store = true;
        return Result<store::Problems>(store::Problems());
      });
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.status().message(), HasSubstr(path()));
  EXPECT_FALSE(asked_the_store);
  EXPECT_EQ(store::property_value(running_->state().config, "ipsecexempt"), "3");
  EXPECT_TRUE(running_->state().policy.main_mode_policies.empty());
}

}  // namespace
}  // namespace ipsec::agent::tests
