#include "services/policyagent/shell/local_store.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/daemon/options.h"
#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/open_stores.h"
#include "services/policyagent/shell/policy_marker.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;

store::Change add_policy(const std::string& name, bool assign = false) {
  store::AddPolicy add;
  add.name = name;
  if (assign) add.assign = true;
  return add;
}

// A host whose policy.db was damaged while the agent was away.
class DamagedStore : public testing::Test {
 protected:
  DamagedStore() {
    options_.state_directory = directory_.path();
    options_.runtime_directory = directory_.path() + "/run";
    {
      Agent agent = start();
      EXPECT_TRUE(agent.apply(std::vector{add_policy("P", true)})->empty());
      EXPECT_TRUE(sent_.back().active);
    }
    sound_ = content();
    std::string damaged = sound_;
    damaged.replace(damaged.size() / 2, 4096, std::string(4096, 'x'));
    damaged.replace(0, 200, std::string(200, 'x'));
    write(damaged);
    damaged_ = damaged;
    sent_.clear();
  }

  // With the policy loaded as at a start.
  Agent start() {
    auto stores = open_stores(options_, events_);
    EXPECT_TRUE(stores.ok()) << stores.status().message();
    return Agent(std::move(stores).value(), events_, [this](const auto& policy) { sent_.push_back(summary(*policy)); });
  }
  std::string path() const { return directory_.path() + "/policy.db"; }
  std::string content() const {
    std::ostringstream text;
    text << std::ifstream(path(), std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& content) {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path() + suffix);
    std::ofstream(path(), std::ios::binary) << content;
  }
  bool has_event(const std::string& name) {
    for (const auto& event : events_.newest(100)) {
      if (event.name() == name) return true;
    }
    return false;
  }

  struct Sent {
    bool active;
    std::string policy;
  };
  static Sent summary(const PolicyInForce& sent) { return {sent.policy.active, sent.policy.policy_name}; }

  TemporaryDirectory directory_;
  daemon::Options options_;
  EventLog events_;
  std::vector<Sent> sent_;
  std::string sound_;
  std::string damaged_;
};

TEST_F(DamagedStore, does_not_stop_the_agent_and_is_left_as_it_is) {
  Agent agent = start();
  EXPECT_TRUE(has_event("local_store_unusable"));
  EXPECT_TRUE(agent.had_policy());
  EXPECT_FALSE(agent.local_store_is_readable());
  agent.load("start");
  EXPECT_TRUE(sent_.empty()) << "driver and IKE keep what they have: nothing says that no policy is assigned";
  const Agent::State state = agent.state();
  EXPECT_THAT(state.stores.back().problem, HasSubstr(path()));
  EXPECT_TRUE(agent.had_policy());
  EXPECT_EQ(content(), damaged_);
}

TEST_F(DamagedStore, refuses_changes_with_what_is_to_be_done) {
  Agent agent = start();
  for (const Status& status : {agent.apply(std::vector{add_policy("Q")}).status(), agent.import_json("{}").status(),
                               agent.export_json(true, "").status()}) {
    EXPECT_EQ(status.code(), ErrorCode::kRefused);
    EXPECT_THAT(status.message(), HasSubstr(path()));
    EXPECT_THAT(status.message(), HasSubstr("Put a sound copy in its place"));
  }
  EXPECT_EQ(content(), damaged_);
}

TEST_F(DamagedStore, counts_again_as_soon_as_it_is_mended) {
  Agent agent = start();
  agent.load("start");
  std::filesystem::remove(path());
  agent.load("reload");
  EXPECT_TRUE(sent_.empty()) << "a file on its way is no empty store";
  EXPECT_FALSE(std::filesystem::exists(path()));
  write(sound_);
  agent.load("reload");
  ASSERT_FALSE(sent_.empty());
  EXPECT_TRUE(sent_.back().active);
  EXPECT_EQ(sent_.back().policy, "P");
  EXPECT_TRUE(agent.apply(std::vector{add_policy("Q")}).ok());
}

TEST(PolicyMarkers, remember_across_restarts_whether_a_policy_was_in_force) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/policy.in-force";
  PolicyMarker marker(path);
  EXPECT_FALSE(marker.is_set());
  EXPECT_TRUE(marker.set(true).ok());
  EXPECT_TRUE(PolicyMarker(path).is_set());
  EXPECT_TRUE(marker.set(false).ok());
  EXPECT_FALSE(PolicyMarker(path).is_set());
  EXPECT_TRUE(PolicyMarker("").set(true).ok());
  EXPECT_FALSE(PolicyMarker(directory.path() + "/none/marker").set(true).ok());
}

TEST(PolicyMarkers, follow_the_policy_that_is_assigned) {
  const TemporaryDirectory directory;
  EventLog events;
  AgentStores stores(store::PolicyStore::open(directory.path() + "/policy.db").value());
  stores.marker_path = directory.path() + "/policy.in-force";
  Agent agent(std::move(stores), events, [](const auto&) {});
  agent.load("start");
  EXPECT_FALSE(agent.had_policy());
  ASSERT_TRUE(agent.apply(std::vector{add_policy("P", true)})->empty());
  EXPECT_TRUE(agent.had_policy());
  store::SetPolicy unassign;
  unassign.policy = std::string("P");
  unassign.assign = false;
  ASSERT_TRUE(agent.apply(std::vector<store::Change>{unassign})->empty());
  EXPECT_FALSE(agent.had_policy());
}

}  // namespace
}  // namespace ipsec::agent::tests
