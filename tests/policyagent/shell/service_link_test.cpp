#include "services/policyagent/shell/service_link.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "services/common/rpc/limits.h"
#include "services/policyagent/shell/daemon_clients.h"
#include "tests/policyagent/shell/fake_services.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;

PolicyPointer in_force(CompiledPolicy policy, std::uint64_t version) {
  auto made = std::make_shared<PolicyInForce>();
  made->policy = std::move(policy);
  made->version = version;
  return made;
}

// Filters with these ids, in this order.
PolicyPointer policy(std::uint64_t version, const std::vector<std::uint64_t>& ids = {}) {
  CompiledPolicy compiled;
  compiled.active = true;
  compiled.policy_name = "Test";
  for (const std::uint64_t id : ids) {
    SpecificFilter filter;
    filter.id = id;
    filter.action = store::Action::kBlock;
    compiled.filters.push_back(filter);
  }
  return in_force(std::move(compiled), version);
}

std::vector<std::uint64_t> ids_of(const proto::DriverPolicy& policy) {
  std::vector<std::uint64_t> ids;
  for (const proto::Filter& filter : policy.filters()) ids.push_back(filter.id());
  return ids;
}

// Waits for an event of that name.
bool event_comes(EventLog& log, const std::string& name, std::size_t times = 1) {
  const auto queue = log.watch(1000);
  for (;;) {
    const auto event = queue->pop(kPatience);
    if (!event) return false;
    if (event->name() == name && --times == 0) return true;
  }
}

class ServiceLinkTest : public testing::Test {
 protected:
  std::string socket() const { return directory_.path() + "/driver.sock"; }
  void connect() {
    client_ = connect_driver(socket());
    link_ = std::make_unique<ServiceLink>(*client_, events_, [this](std::uint64_t version) { seen_.add(version); });
  }
  ~ServiceLinkTest() override {
    if (link_) link_->stop();
    link_.reset();
  }

  bool acknowledged(std::uint64_t version) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (link_->state().acknowledged_version != version) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  TemporaryDirectory directory_;
  EventLog events_;
  Received seen_;
  std::unique_ptr<DriverClient> client_;
  std::unique_ptr<ServiceLink> link_;
};

TEST_F(ServiceLinkTest, a_policy_published_before_the_service_lives_reaches_it) {
  connect();
  link_->publish(policy(7));
  EXPECT_FALSE(link_->state().connected);
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  ASSERT_TRUE(driver.received.wait_for(1));
  EXPECT_THAT(driver.received.versions(), ElementsAre(7));
  EXPECT_EQ(driver.last_policy().policy_name(), "Test");
}

TEST_F(ServiceLinkTest, each_new_policy_is_sent_once) {
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  connect();
  link_->publish(policy(1));
  ASSERT_TRUE(driver.received.wait_for(1));
  link_->publish(policy(2));
  ASSERT_TRUE(driver.received.wait_for_version(2));
  link_->publish(policy(3));
  ASSERT_TRUE(driver.received.wait_for_version(3));
  EXPECT_THAT(driver.received.versions(), ElementsAre(1, 2, 3));
}

TEST_F(ServiceLinkTest, PA_18_only_the_difference_is_sent) {
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  connect();
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = 1; id <= 5000; ++id) ids.push_back(id);
  link_->publish(policy(1, ids));
  ASSERT_TRUE(driver.received.wait_for_version(1));
  ASSERT_TRUE(acknowledged(1));
  ids.erase(ids.begin() + 2000);
  ids.insert(ids.begin() + 100, 9001);
  link_->publish(policy(2, ids));
  ASSERT_TRUE(driver.received.wait_for_version(2));
  EXPECT_EQ(ids_of(driver.last_policy()), ids);
  const std::vector<ReceivedUpdate> updates = driver.updates();
  ASSERT_EQ(updates.size(), 2U);
  EXPECT_EQ(updates[0].base_version, 0U);
  EXPECT_EQ(updates[0].inserted, 5000U);
  EXPECT_EQ(updates[0].messages, 3U) << "in pieces";
  EXPECT_EQ(updates[1].base_version, 1U);
  EXPECT_EQ(updates[1].removed, 1U);
  EXPECT_EQ(updates[1].inserted, 1U);
  EXPECT_EQ(updates[1].messages, 1U);
}

TEST_F(ServiceLinkTest, PA_18_a_service_that_has_another_version_gets_the_whole) {
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  connect();
  link_->publish(policy(1, {1, 2, 3}));
  ASSERT_TRUE(driver.received.wait_for_version(1));
  ASSERT_TRUE(acknowledged(1));
  driver.forget_version();
  link_->publish(policy(2, {1, 2, 3, 4}));
  ASSERT_TRUE(driver.received.wait_for_version(2));
  const std::vector<ReceivedUpdate> updates = driver.updates();
  ASSERT_EQ(updates.size(), 2U);
  EXPECT_EQ(updates[1].base_version, 0U);
  EXPECT_EQ(updates[1].inserted, 4U);
}

TEST_F(ServiceLinkTest, PA_24_after_a_reconnect_the_whole_policy_is_sent_again) {
  connect();
  link_->publish(policy(5));
  for (int round = 1; round <= 3; ++round) {
    FakeDriver driver;
    const auto server = serve(socket(), driver);
    ASSERT_TRUE(driver.received.wait_for(1)) << round;
    EXPECT_THAT(driver.received.versions(), ElementsAre(5));
  }
  EXPECT_TRUE(event_comes(events_, "service_disconnected", 2));
}

TEST_F(ServiceLinkTest, a_refused_policy_is_not_sent_again_but_the_next_one_is) {
  FakeDriver driver;
  driver.answer = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "filters[0]: no");
  const auto server = serve(socket(), driver);
  connect();
  link_->publish(policy(1));
  ASSERT_TRUE(event_comes(events_, "policy_not_accepted"));
  EXPECT_EQ(link_->state().acknowledged_version, 0U);
  link_->publish(policy(2));
  ASSERT_TRUE(driver.received.wait_for_version(2));
  EXPECT_THAT(driver.received.versions(), ElementsAre(1, 2));
}

TEST_F(ServiceLinkTest, a_policy_that_could_not_be_put_in_force_yet_is_tried_again) {
  FakeDriver driver;
  driver.answer = grpc::Status(grpc::StatusCode::UNAVAILABLE, "eth0 is not there");
  const auto server = serve(socket(), driver);
  connect();
  link_->publish(policy(1));
  ASSERT_TRUE(driver.received.wait_for(3));
  EXPECT_THAT(driver.received.versions(), testing::Each(1U));
}

TEST_F(ServiceLinkTest, the_version_in_force_at_the_service_is_told_on_connecting) {
  FakeDriver driver;
  driver.version_in_force = 99;
  const auto server = serve(socket(), driver);
  connect();
  ASSERT_TRUE(seen_.wait_for(1));
  EXPECT_THAT(seen_.versions(), ElementsAre(99));
}

TEST_F(ServiceLinkTest, events_of_the_service_come_unchanged) {
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  connect();
  ASSERT_TRUE(event_comes(events_, "fake_started"));
  proto::Event bad_spi;
  bad_spi.set_source("driver");
  bad_spi.set_sequence(41);
  bad_spi.set_name("bad_spi");
  driver.events.publish(bad_spi);
  ASSERT_TRUE(event_comes(events_, "bad_spi"));
  EXPECT_EQ(events_.newest(1).at(0).sequence(), 41U);
  EXPECT_EQ(events_.newest(1).at(0).source(), "driver");
}

TEST_F(ServiceLinkTest, stops_at_once_whether_connected_or_not) {
  connect();
  link_->stop();
  link_.reset();
  FakeDriver driver;
  const auto server = serve(socket(), driver);
  connect();
  ASSERT_TRUE(event_comes(events_, "fake_started"));
  link_->stop();
  link_.reset();
}

// Sent after one another: the quick mode policies of each message, as the names of them or "kept".
std::string quick_mode_policies_of(const PolicyInForce& policy, const PolicyInForce* base) {
  std::string told;
  for_each_update(policy, base, std::function([&told](const proto::IkePolicyUpdate& message) {
                    if (message.keeps_quick_mode_policies()) told += "kept ";
                    for (const auto& each : message.settings().quick_mode_policies()) told += each.name() + " ";
                    return true;
                  }));
  return told;
}

TEST(PolicyUpdates, PA_18_quick_mode_policies_that_are_the_same_are_not_sent_again) {
  CompiledPolicy compiled;
  compiled.active = true;
  QuickModePolicy secure;
  secure.name = "Secure";
  secure.offers.emplace_back();
  compiled.quick_mode_policies.push_back(secure);
  const PolicyPointer first = in_force(compiled, 1);
  const PolicyPointer same = in_force(compiled, 2);
  compiled.quick_mode_policies[0].offers[0].lifetime_seconds = 900;
  const PolicyPointer other = in_force(compiled, 3);
  EXPECT_EQ(quick_mode_policies_of(*first, nullptr), "Secure ");
  EXPECT_EQ(quick_mode_policies_of(*same, first.get()), "kept ");
  EXPECT_EQ(quick_mode_policies_of(*other, same.get()), "Secure ");
}

// What a listing of the documented scale needs would be more than one message may have.
TEST(PolicyParts, IM_03_a_listing_of_100000_filters_comes_in_parts_that_each_fit_a_message) {
  constexpr std::uint64_t kFilters = 100000;
  CompiledPolicy compiled;
  compiled.active = true;
  SpecificFilter filter;
  filter.rule_name = filter.filter_list_name = filter.filter_action_name = std::string(200, 'n');
  for (filter.id = 1; filter.id <= kFilters; ++filter.id) compiled.filters.push_back(filter);
  GenericFilter written;
  written.rule_name = filter.rule_name;
  for (written.id = 1; written.id <= kFilters; ++written.id) compiled.generic_filters.push_back(written);
  const PolicyPointer listed = in_force(std::move(compiled), 1);
  std::size_t largest = 0;
  std::size_t octets = 0;
  std::uint64_t specific = 0;
  std::uint64_t generic = 0;
  for_each_part(*listed, [&](const proto::CompiledPolicyReply& part) {
    for (const auto& each : part.driver().filters()) EXPECT_EQ(each.id(), ++specific);
    for (const auto& each : part.generic_filters()) EXPECT_EQ(each.id(), ++generic);
    largest = std::max(largest, part.ByteSizeLong());
    octets += part.ByteSizeLong();
    return true;
  });
  EXPECT_EQ(specific, kFilters);
  EXPECT_EQ(generic, kFilters);
  EXPECT_GT(octets, static_cast<std::size_t>(rpc::kMaxMessageSize));
  EXPECT_LT(largest, static_cast<std::size_t>(rpc::kMaxMessageSize) / 8);
}

TEST(IkeLink, keys_reach_ike_and_only_ike) {
  const TemporaryDirectory directory;
  const std::string socket = directory.path() + "/ike.sock";
  FakeIke ike;
  const auto server = serve(socket, ike);
  CompiledPolicy compiled;
  compiled.active = true;
  MainModeFilter filter;
  filter.authentication.emplace_back(store::PresharedKeyAuthentication{SecretBytes(std::string_view("s3cret"))});
  compiled.main_mode_filters.push_back(filter);
  const PolicyPointer sent = in_force(compiled, 3);
  for_each_update(*sent, nullptr, std::function([](const proto::DriverPolicyUpdate& message) {
    EXPECT_EQ(message.SerializeAsString().find("s3cret"), std::string::npos);
    return true;
  }));
  EventLog events;
  const auto client = connect_ike(socket);
  ServiceLink link(*client, events, [](std::uint64_t) {});
  link.publish(sent);
  ASSERT_TRUE(ike.received.wait_for(1));
  EXPECT_EQ(ike.last_policy().main_mode_filters(0).authentication(0).preshared_key(), "s3cret");
}

}  // namespace
}  // namespace ipsec::agent::tests
