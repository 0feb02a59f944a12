#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/crypto/aes_gcm.h"
#include "services/common/daemon/clock.h"
#include "services/policyagent/shell/agent.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

// The agent with a central store, a cache and a local store, as files that others do everything with.
namespace ipsec::agent::tests {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class AgentStoresTest : public testing::Test {
 protected:
  AgentStoresTest() {
    std::filesystem::create_directory(directory_.path() + "/share");
    std::filesystem::create_directory(directory_.path() + "/scratch");
    open();
  }

  void open() {
    agent_.reset();
    auto local = store::PolicyStore::open(directory_.path() + "/policy.db", options());
    ASSERT_TRUE(local.ok()) << local.status().message();
    AgentStores stores(*std::move(local));
    CentralStore::Settings settings;
    settings.uri = "sqlite:" + central_;
    settings.scratch_directory = directory_.path() + "/scratch";
    settings.patience = std::chrono::seconds(20);
    stores.central = CentralStore::make(settings).value();
    stores.cache = std::make_unique<PolicyCache>(cache_, vault_);
    agent_ = std::make_unique<Agent>(
        std::move(stores), events_, [this](PolicyPointer messages) { sent_.push_back(std::move(messages)); },
        LoadPace{std::chrono::hours(1), 0});
    agent_->set_host(lan_host({"10.77.0.1/24"}));
  }
  store::StoreOptions options() const {
    store::StoreOptions options;
    options.vault = vault_;
    return options;
  }

  // A policy with one rule for this network and this key, assigned.
  static std::vector<store::Change> policy(const std::string& name, const std::string& network,
                                           const std::string& key = "k") {
    store::AddPolicy made;
    made.name = name;
    made.polling_interval_minutes = 7;
    made.assign = true;
    store::AddFilterAction action;
    action.name = name + " action";
    store::AddRule rule;
    rule.name = "lan";
    rule.policy = name;
    rule.filter_list = name + " list";
    rule.filter_action = name + " action";
    rule.authentication = {preshared_key(key)};
    return {made, store::AddFilter{name + " list", filter("me", network)}, action, rule};
  }
  void apply(const std::vector<store::Change>& changes, StoreName where) {
    const auto problems = agent_->apply(changes, where);
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_TRUE(problems->empty()) << store::to_string(problems->front());
  }
  void assign_central() { apply(policy("Central", "10.77.0.0/24"), StoreName::kCentral); }
  void assign_local() { apply(policy("Local", "10.99.0.0/24"), StoreName::kLocal); }
  void take_share_away() { std::filesystem::rename(directory_.path() + "/share", directory_.path() + "/away"); }
  void bring_share_back() { std::filesystem::rename(directory_.path() + "/away", directory_.path() + "/share"); }
  void remove_cache() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(cache_ + suffix);
  }
  static void write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string state() { return std::string(name(agent_->state().retrieval)); }
  std::string in_force() { return agent_->state().in_force->policy.policy_name; }
  StoreRecord record(StoreName store) {
    for (const StoreRecord& each : agent_->state().stores) {
      if (each.name == store) return each;
    }
    return {};
  }
  std::size_t count(const std::string& event) const {
    std::size_t found = 0;
    for (const auto& each : events_.newest(1000)) found += each.name() == event ? 1 : 0;
    return found;
  }

  TemporaryDirectory directory_;
  const std::string central_ = directory_.path() + "/share/central.db";
  const std::string cache_ = directory_.path() + "/cache.db";
  const store::KeyVault vault_ = store::KeyVault::with_key(SecretBytes(kAesGcmKeySize), "a test");
  EventLog events_;
  std::vector<PolicyPointer> sent_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentStoresTest, PA_09_PA_11_PA_12_central_then_cache_then_local_store_then_nothing) {
  assign_local();
  EXPECT_EQ(in_force(), "Local");
  assign_central();
  EXPECT_EQ(state(), "Central");
  EXPECT_EQ(in_force(), "Central") << "PA-23";
  EXPECT_EQ(agent_->state().polling_interval_minutes, 7U) << "PA-13";

  take_share_away();
  EXPECT_THAT(agent_->load("poll"), HasSubstr("the central store cannot be read"));
  EXPECT_EQ(state(), "Cached");
  EXPECT_EQ(in_force(), "Central");

  remove_cache();
  agent_->load("poll");
  EXPECT_EQ(state(), "Local");
  EXPECT_EQ(in_force(), "Local");

  store::SetPolicy unassign;
  unassign.policy = "Local";
  unassign.assign = false;
  apply({unassign}, StoreName::kLocal);
  EXPECT_EQ(state(), "Initial");
  EXPECT_FALSE(sent_.back()->policy.active) << "PA-21: no traffic is touched";

  bring_share_back();
  agent_->load("poll");
  EXPECT_EQ(state(), "Central");
  EXPECT_EQ(in_force(), "Central");
}

TEST_F(AgentStoresTest, PA_10_ST_08_the_cache_holds_the_central_policy_sealed) {
  apply(policy("Central", "10.77.0.0/24", "a key that nobody should find"), StoreName::kCentral);
  EXPECT_EQ(record(StoreName::kCache).version, record(StoreName::kCentral).version);
  EXPECT_NE(record(StoreName::kCache).version, "");
  std::string central;
  std::string cached;
  central = agent_->export_json(true, "Central", StoreName::kCentral).value();
  cached = agent_->export_json(true, "", StoreName::kCache).value();
  EXPECT_EQ(cached, central);
  EXPECT_THAT(central, HasSubstr("a key that nobody should find"));
  EXPECT_THAT(content(cache_) + content(cache_ + "-wal"), Not(HasSubstr("a key that nobody should find")));
}

TEST_F(AgentStoresTest, ST_12_a_restart_without_the_central_store_finds_the_cached_policy) {
  assign_central();
  take_share_away();
  open();
  sent_.clear();
  agent_->begin_load("start");
  ASSERT_FALSE(sent_.empty()) << "before the central store has answered";
  EXPECT_EQ(sent_.front()->policy.policy_name, "Central");
  agent_->load("poll");
  EXPECT_EQ(state(), "Cached");
  EXPECT_EQ(sent_.size(), 1U) << "what is in force already is not sent again";
}

TEST_F(AgentStoresTest, ST_10_the_newer_central_policy_replaces_the_cached_one) {
  assign_central();
  const std::string stale = record(StoreName::kCache).version;
  take_share_away();
  agent_->load("poll");
  {
    auto elsewhere = store::PolicyStore::open(directory_.path() + "/away/central.db");
    ASSERT_TRUE(elsewhere.ok());
    ASSERT_TRUE(
        elsewhere->apply(std::vector<store::Change>{store::AddFilter{"Central list", filter("me", "10.78.0.0/24")}}, 0)
            ->empty());
  }
  bring_share_back();
  agent_->load("poll");
  EXPECT_EQ(state(), "Central");
  EXPECT_EQ(agent_->state().in_force->policy.filters.size(), 4U);
  EXPECT_NE(record(StoreName::kCache).version, stale);
  take_share_away();
  agent_->load("poll");
  EXPECT_EQ(agent_->state().in_force->policy.filters.size(), 4U) << "the cache has the new one";
}

TEST_F(AgentStoresTest, an_unchanged_central_policy_is_not_sent_again_but_by_a_reload) {
  assign_central();
  const std::size_t before = sent_.size();
  agent_->load("poll");
  EXPECT_EQ(sent_.size(), before);
  EXPECT_EQ(state(), "Central");
  const std::uint64_t loads = agent_->state().loads;
  agent_->load("reload");
  EXPECT_EQ(sent_.size(), before + 1);
  EXPECT_EQ(agent_->state().loads, loads + 1) << "PA-20";
}

TEST_F(AgentStoresTest, unassigning_centrally_gives_the_host_back_to_its_local_policy_and_voids_the_cache) {
  assign_local();
  assign_central();
  store::SetPolicy unassign;
  unassign.policy = "Central";
  unassign.assign = false;
  apply({unassign}, StoreName::kCentral);
  EXPECT_EQ(in_force(), "Local");
  EXPECT_EQ(record(StoreName::kCache).policy_name, "");
  take_share_away();
  agent_->load("poll");
  EXPECT_EQ(in_force(), "Local") << "the copy is void";
}

// The faults that a file on a share has.
TEST_F(AgentStoresTest, no_fault_of_the_central_file_loses_the_policy_in_force) {
  assign_local();
  assign_central();
  const std::string whole = content(central_);
  struct Fault {
    const char* name;
    std::function<void()> make;
  };
  const Fault faults[] = {
      {"empty", [&] { write(central_, ""); }},
      {"half", [&] { write(central_, whole.substr(0, whole.size() / 2)); }},
      {"less than a page", [&] { write(central_, whole.substr(0, 1000)); }},
      {"not a database", [&] { write(central_, std::string(20000, 'x')); }},
      {"damaged",
       [&] {
         std::string damaged = whole;
         damaged.replace(4096, 8192, std::string(8192, 'x'));
         write(central_, damaged);
       }},
      {"a folder",
       [&] {
         std::filesystem::remove(central_);
         std::filesystem::create_directory(central_);
       }},
      {"gone", [&] { std::filesystem::remove(central_); }},
  };
  for (const Fault& fault : faults) {
    fault.make();
    const std::string outcome = agent_->load("poll");
    EXPECT_EQ(state(), "Cached") << fault.name;
    EXPECT_EQ(in_force(), "Central") << fault.name;
    EXPECT_TRUE(sent_.back()->policy.active) << fault.name;
    EXPECT_THAT(outcome, HasSubstr("sqlite:" + central_)) << fault.name;
    EXPECT_NE(record(StoreName::kCentral).problem, "") << fault.name;
    std::filesystem::remove_all(central_);
    write(central_, whole);
    agent_->load("poll");
    EXPECT_EQ(state(), "Central") << "after " << fault.name;
    EXPECT_EQ(record(StoreName::kCentral).problem, "");
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/scratch"));
}

TEST_F(AgentStoresTest, with_the_cache_damaged_too_the_policy_in_force_stays_and_the_cache_is_made_anew) {
  assign_central();
  write(cache_, std::string(20000, 'x'));
  take_share_away();
  EXPECT_THAT(agent_->load("poll"), HasSubstr("policy 'Central' stays in force"));
  EXPECT_EQ(state(), "Initial");
  EXPECT_EQ(in_force(), "Central");
  EXPECT_TRUE(sent_.back()->policy.active);
  bring_share_back();
  agent_->load("poll");
  take_share_away();
  agent_->load("poll");
  EXPECT_EQ(state(), "Cached");
}

TEST_F(AgentStoresTest, a_cache_that_was_removed_is_written_again_at_the_next_poll) {
  assign_central();
  const std::size_t before = sent_.size();
  remove_cache();
  agent_->load("poll");
  EXPECT_EQ(sent_.size(), before) << "for the cache's sake only";
  take_share_away();
  agent_->load("poll");
  EXPECT_EQ(state(), "Cached");
}

TEST_F(AgentStoresTest, a_full_disk_under_the_cache_leaves_the_old_copy_and_the_new_policy_in_force) {
  assign_central();
  const std::string before = agent_->export_json(true, "", StoreName::kCache).value();
  store::PolicyStore::open(cache_, options()).value();  // closed again: everything is in the one file
  std::vector<store::Change> many;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    many.emplace_back(store::AddFilter{
        "Central list", filter("me", "11.0." + std::to_string(i / 250) + "." + std::to_string(i % 250))});
  }
  {
    auto store = store::PolicyStore::open(central_);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(store->apply(many, 0)->empty());
  }
  std::filesystem::copy_file(central_, directory_.path() + "/scratch.db");
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    // Enough for the copy of the central store, not for the cache's change and its log.
    PolicyCache cache(cache_, vault_);
    const rlimit small = {65536, 65536};
    ::setrlimit(RLIMIT_FSIZE, &small);
    auto store = store::PolicyStore::open(directory_.path() + "/scratch.db");
    if (!store.ok()) ::_exit(2);
    auto tree = store->load_tree();
    const Status status = tree.ok() ? cache.write(*tree, {"sqlite:x", "v", 0}) : tree.status();
    ::_exit(!status.ok() && status.code() == ErrorCode::kUnavailable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(agent_->export_json(true, "", StoreName::kCache).value(), before);
}

TEST_F(AgentStoresTest, a_kill_during_the_writing_of_the_cache_leaves_one_whole_copy) {
  assign_central();
  const std::string before = agent_->export_json(true, "", StoreName::kCache).value();
  store::PolicyTree tree = PolicyCache(cache_, vault_).read().value()->tree;
  for (std::uint16_t port = 1; port < 3000; ++port) {
    store::Filter one = tree.filter_lists[0].filters[0];
    one.guid.text = fmt::format("00000000-0000-0000-0000-{:012x}", port);
    one.protocol = kProtocolTcp;
    one.destination_port = port;
    tree.filter_lists[0].filters.push_back(one);
  }
  std::size_t old_copies = 0;
  for (int round = 0; round < 12; ++round) {
    const ::pid_t child = ::fork();
    if (child == 0) {
      PolicyCache cache(cache_, vault_);
      ::_exit(cache.write(tree, {"sqlite:x", "new", 0}).ok() ? 0 : 1);
    }
    std::this_thread::sleep_for(milliseconds(round * 8));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto copy = PolicyCache(cache_, vault_).read();
    ASSERT_TRUE(copy.ok()) << copy.status().message();
    ASSERT_TRUE(copy->has_value()) << "round " << round;
    const bool is_new = (*copy)->origin.version == "new";
    EXPECT_EQ((*copy)->tree.filter_lists[0].filters.size(), is_new ? 3000U : 1U) << "round " << round;
    if (is_new) break;
    ++old_copies;
  }
  EXPECT_GT(old_copies, 0U) << "no kill hit the writing";
}

TEST_F(AgentStoresTest, ST_11_the_cache_cannot_be_changed) {
  assign_central();
  const auto applied = agent_->apply(policy("X", "10.1.0.0/24"), StoreName::kCache);
  EXPECT_EQ(applied.status().code(), ErrorCode::kRefused);
  EXPECT_THAT(applied.status().message(), HasSubstr("the cache can be neither configured nor edited"));
  EXPECT_EQ(agent_->import_json("{}", StoreName::kCache).status().code(), ErrorCode::kRefused);
}

TEST_F(AgentStoresTest, the_agent_writes_the_central_store_only_when_it_is_told_to) {
  assign_central();
  const auto written = std::filesystem::last_write_time(central_);
  const std::string before = content(central_);
  ASSERT_EQ(::chmod(central_.c_str(), 0444), 0);
  for (const char* reason : {"poll", "reload", "poll"}) agent_->load(reason);
  EXPECT_TRUE(agent_->export_json(false, "", StoreName::kCentral).ok());
  EXPECT_EQ(content(central_), before);
  EXPECT_EQ(std::filesystem::last_write_time(central_), written);
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path() + "/share")) {
    EXPECT_EQ(entry.path(), central_) << "no side files";
  }
}

TEST_F(AgentStoresTest, a_change_of_the_local_store_does_not_disturb_a_central_policy) {
  assign_central();
  const std::size_t before = sent_.size();
  assign_local();
  EXPECT_EQ(sent_.size(), before);
  EXPECT_EQ(state(), "Central");
}

TEST_F(AgentStoresTest, a_lost_key_keeps_only_the_rules_that_need_it_from_working) {
  assign_local();
  agent_.reset();
  store::StoreOptions lost;
  lost.vault = store::KeyVault::without_key("key file /var/lib/policyagent/policy.key is not there");
  AgentStores stores(store::PolicyStore::open(directory_.path() + "/policy.db", lost).value());
  Agent agent(std::move(stores), events_, [this](PolicyPointer messages) { sent_.push_back(std::move(messages)); });
  agent.set_host(lan_host({"10.77.0.1/24"}));
  EXPECT_THAT(agent.load("start"), HasSubstr("policy 'Local' from the local store is in force"));
  EXPECT_TRUE(sent_.back()->policy.active) << "its traffic stays protected: dropped, not clear";
  EXPECT_EQ(sent_.back()->policy.filters.size(), 2U);
  for (const MainModeFilter& main_mode : sent_.back()->policy.main_mode_filters) {
    EXPECT_TRUE(main_mode.authentication.empty());
  }
  ASSERT_EQ(count("preshared_key_lost"), 1U);
  for (const auto& event : events_.newest(100)) {
    if (event.name() != "preshared_key_lost") continue;
    EXPECT_THAT(event.text(), HasSubstr("rule 'lan' of policy 'Local'"));
    EXPECT_THAT(event.text(), HasSubstr("/var/lib/policyagent/policy.key"));
  }
  const auto refused = agent.apply(policy("Other", "10.98.0.0/24"));
  EXPECT_EQ(refused.status().code(), ErrorCode::kRefused);
}

// A server that answers only when the gate is opened.
class SlowSource : public store::PolicySource {
 public:
  SlowSource(std::string location, std::shared_ptr<store::PolicySource> source, std::shared_future<void> gate)
      : location_(std::move(location)), source_(std::move(source)), gate_(std::move(gate)) {}
  const std::string& location() const override { return location_; }
  Result<std::optional<store::SourcePolicy>> load_newer(const std::string& known) override {
    ++asked;
    gate_.wait();
    return source_->load_newer(known);
  }
  Result<store::PolicyTree> load_everything() override { return source_->load_everything(); }

  std::atomic<int> asked{0};

 private:
  const std::string location_;
  const std::shared_ptr<store::PolicySource> source_;
  const std::shared_future<void> gate_;
};

TEST_F(AgentStoresTest, a_central_store_that_hangs_blocks_nobody_and_is_asked_again_when_it_is_back) {
  assign_central();
  agent_.reset();
  std::promise<void> gate;
  const std::string uri = "sqlite:" + central_;
  const auto slow = std::make_shared<SlowSource>(
      uri, store::make_source(uri, {directory_.path() + "/scratch"}, system_random()).value(),
      gate.get_future().share());
  AgentStores stores(store::PolicyStore::open(directory_.path() + "/policy.db", options()).value());
  CentralStore::Settings settings;
  settings.uri = uri;
  settings.patience = milliseconds(200);
  stores.central = CentralStore::over(settings, slow).value();
  stores.cache = std::make_unique<PolicyCache>(cache_, vault_);
  Agent agent(std::move(stores), events_, [](const PolicyPointer&) {});
  agent.set_host(lan_host({"10.77.0.1/24"}));

  agent.begin_load("start");
  EXPECT_EQ(agent.state().in_force->policy.policy_name, "Central") << "from the cache, at once";
  agent.poll();
  EXPECT_THAT(agent.state().last_load_outcome, HasSubstr("from the cache"));
  EXPECT_LE(agent.next_poll(), daemon::monotonic_now() + milliseconds(200)) << "the loop wakes when patience ends";
  EXPECT_TRUE(agent.read([](const store::PolicyTree&) { return Status(); }).ok());

  EXPECT_THAT(agent.load("reload"), HasSubstr("does not answer"));
  EXPECT_EQ(name(agent.state().retrieval), "Cached");
  EXPECT_EQ(slow->asked, 1) << "one thread hangs, not one for each question";
  gate.set_value();
  pollfd waiting{agent.wake_descriptor(), POLLIN, 0};
  for (int i = 0; i < 100 && name(agent.state().retrieval) != "Central"; ++i) {
    poll(&waiting, 1, 100);
    agent.acknowledge_wake();
    agent.poll();
  }
  EXPECT_EQ(name(agent.state().retrieval), "Central");
  EXPECT_EQ(slow->asked, 2);
}

}  // namespace
}  // namespace ipsec::agent::tests
