#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/ike.grpc.pb.h"
#include "services/common/account.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/server.h"
#include "tests/ike/shell/fake_driver.h"
#include "tests/ike/shell/network_namespace.h"
#include "tests/ike/shell/policy_messages.h"

// ipsec-iked as it is installed, in network namespaces, over real UDP. Only the driver is the test's own.
namespace ipsec::ike {
namespace {

// One machine: a network, a driver and a running ipsec-iked.
class Host {
 public:
  explicit Host(std::unique_ptr<NetworkNamespace> network) : network_(std::move(network)) {
    char pattern[] = "/tmp/policyagent-ike-XXXXXX";
    directory_ = mkdtemp(pattern);
    driver_ = std::make_unique<FakeDriver>(rpc::driver_socket_for_ike(directory_));
    driver_->start();
    start();
  }
  ~Host() {
    stop();
    if (testing::Test::HasFailure()) std::fprintf(stderr, "%s", log().c_str());
    driver_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    process_ = network_->start({"/bin/sh", "-c",
                                std::string("exec " IPSEC_IKED " --log-level debug --runtime-dir ") + directory_ +
                                    " --state-dir " + directory_ + " 2>>" + directory_ + "/log"});
    channel_ = rpc::connect_channel(rpc::ike_socket(directory_));
    ike_ = proto::Ike::NewStub(channel_);
    const auto patience = std::chrono::system_clock::now() + std::chrono::seconds(20);
    if (!channel_->WaitForConnected(patience)) throw std::runtime_error("ipsec-iked does not serve:\n" + log());
    if (!driver_->wait_for([](const FakeDriver::Seen& seen) { return seen.streams > 0; })) {
      throw std::runtime_error("ipsec-iked does not come to the driver");
    }
  }
  // The exit status; -1 where it was killed.
  int stop() {
    if (process_ <= 0) return exit_status_;
    kill(process_, SIGTERM);
    int status = 0;
    waitpid(std::exchange(process_, 0), &status, 0);
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return exit_status_;
  }

  grpc::Status set_policy(const proto::IkePolicy& policy) {
    grpc::ClientContext context;
    proto::UpdateIkePolicyReply reply;
    const auto writer = ike_->UpdatePolicy(&context, &reply);
    writer->WriteLast(whole_policy(policy), grpc::WriteOptions());
    return writer->Finish();
  }
  std::vector<proto::MainModeSa> main_modes() {
    grpc::ClientContext context;
    proto::ListMainModeSasReply reply;
    EXPECT_TRUE(ike_->ListMainModeSas(&context, {}, &reply).ok());
    return {reply.sas().begin(), reply.sas().end()};
  }
  std::uint64_t counter(const std::string& name) {
    grpc::ClientContext context;
    proto::IkeStatistics reply;
    EXPECT_TRUE(ike_->GetStatistics(&context, {}, &reply).ok());
    for (const auto& counter : reply.counters()) {
      if (counter.name() == name) return counter.value();
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
  // The line of /proc/PID/status of that name, without it.
  std::string process_status(const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(process_) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(" \t", name.size() + 1));
    }
    return "absent";
  }
  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/log").rdbuf();
    return text.str();
  }

  FakeDriver& driver() { return *driver_; }
  proto::Ike::Stub& ike() { return *ike_; }
  const NetworkNamespace& network() const { return *network_; }
  const std::string& directory() const { return directory_; }

 private:
  std::unique_ptr<NetworkNamespace> network_;
  std::string directory_;
  std::unique_ptr<FakeDriver> driver_;
  pid_t process_ = 0;
  int exit_status_ = -1;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<proto::Ike::Stub> ike_;
};

bool has_pair(const FakeDriver::Seen& seen) { return seen.inbound.size() == 1 && seen.outbound.size() == 1; }

// Reads events until one has this name.
class EventReader {
 public:
  explicit EventReader(proto::Ike::Stub& ike) : stream_(ike.WatchEvents(&context_, proto::WatchIkeEventsRequest())) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_->WaitForInitialMetadata();
  }
  ~EventReader() {
    context_.TryCancel();
    (void)stream_->Finish();
  }
  std::optional<proto::Event> find(const std::string& name) {
    for (proto::Event event; stream_->Read(&event);) {
      if (event.name() == name) return event;
    }
    return std::nullopt;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<proto::Event>> stream_;
};

// What IKE asks of the agent.
class RequestReader {
 public:
  explicit RequestReader(proto::Ike::Stub& ike) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = ike.WatchRequests(&context_, {});
    stream_->WaitForInitialMetadata();
  }
  ~RequestReader() {
    context_.TryCancel();
    (void)stream_->Finish();
  }
  // Waits for one; nullopt when the stream has ended.
  std::optional<proto::DefaultResponseRequest> next() {
    proto::IkeRequest request;
    if (!stream_->Read(&request)) return std::nullopt;
    return request.default_response();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<proto::IkeRequest>> stream_;
};

// A policy with the default response rule and no filter.
proto::IkePolicy default_response_policy() {
  proto::IkePolicy policy = host_to_host_policy("10.77.0.2", "10.77.0.1", "a key");
  proto::DefaultResponse& rule = *policy.mutable_default_response();
  rule.set_active(true);
  rule.set_main_mode_policy("main");
  *rule.mutable_quick_mode_policy() = policy.quick_mode_policies(0);
  rule.add_authentication()->set_preshared_key("a key");
  policy.clear_filters();
  policy.clear_main_mode_filters();
  return policy;
}

class DaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    auto first = NetworkNamespace::make();
    auto second = NetworkNamespace::make();
    if (first == nullptr || second == nullptr) GTEST_SKIP() << "network namespaces need root";
    NetworkNamespace::connect(*first, *second);
    first->set_address("10.77.0.1/24");
    first->set_address("fd77::1/64");
    second->set_address("10.77.0.2/24");
    second->set_address("fd77::2/64");
    first_ = std::make_unique<Host>(std::move(first));
    second_ = std::make_unique<Host>(std::move(second));
  }

  void set_policies(const std::string& first, const std::string& second, const std::string& first_key = "a key",
                    const std::string& second_key = "a key") {
    ASSERT_TRUE(first_->set_policy(host_to_host_policy(first, second, first_key)).ok());
    ASSERT_TRUE(second_->set_policy(host_to_host_policy(second, first, second_key)).ok());
  }

  void expect_protected(const std::string& first, const std::string& second) {
    ASSERT_TRUE(first_->driver().wait_for(has_pair)) << "the initiator's driver has no pair of SAs";
    ASSERT_TRUE(second_->driver().wait_for(has_pair)) << "the responder's driver has no pair of SAs";
    const auto ours = first_->driver().seen(), theirs = second_->driver().seen();
    expect_same_sa(ours.outbound.begin()->second, theirs.inbound.begin()->second, first, second);
    expect_same_sa(theirs.outbound.begin()->second, ours.inbound.begin()->second, second, first);
    EXPECT_EQ(ours.outbound.begin()->second.filter_id(), 1U);
    EXPECT_EQ(ours.inbound.begin()->second.filter_id(), 2U);
    EXPECT_EQ(theirs.outbound.begin()->second.filter_id(), 1U);
    EXPECT_EQ(theirs.inbound.begin()->second.filter_id(), 2U);
  }

  // The two ends of one SA.
  static void expect_same_sa(const proto::Sa& sender, const proto::Sa& receiver, const std::string& source,
                             const std::string& destination) {
    EXPECT_EQ(sender.spi(), receiver.spi());
    EXPECT_EQ(sender.encryption_key().size(), 20U) << "AES128-GCM with its salt";
    EXPECT_EQ(sender.encryption_key(), receiver.encryption_key());
    EXPECT_EQ(sender.encapsulation(), proto::ENCAPSULATION_TRANSPORT);
    for (const proto::Sa* sa : {&sender, &receiver}) {
      EXPECT_EQ(rpc::from_proto(sa->source(), "")->to_string(), source);
      EXPECT_EQ(rpc::from_proto(sa->destination(), "")->to_string(), destination);
      EXPECT_EQ(sa->cipher(), proto::CIPHER_AES128_GCM);
      EXPECT_EQ(sa->lifetime_seconds(), 3600U);
    }
  }

  std::unique_ptr<Host> first_, second_;
};

TEST_F(DaemonTest, two_hosts_make_main_and_quick_mode) {
  EventReader our_events(first_->ike()), their_events(second_->ike());
  set_policies("10.77.0.1", "10.77.0.2");
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  expect_protected("10.77.0.1", "10.77.0.2");
  const auto calls = first_->driver().seen().calls;
  EXPECT_EQ(calls, (std::vector<std::string>{"reserve", "install inbound", "install outbound"}));

  // The responder counts when its driver has answered.
  ASSERT_TRUE(our_events.find("quick_mode_established"));
  ASSERT_TRUE(their_events.find("quick_mode_established"));
  for (Host* host : {first_.get(), second_.get()}) {
    const auto sas = host->main_modes();
    ASSERT_EQ(sas.size(), 1U);
    EXPECT_EQ(sas[0].state(), "established");
    EXPECT_EQ(sas[0].initiator(), host == first_.get());
    EXPECT_EQ(sas[0].quick_modes(), 1U);
    EXPECT_EQ(sas[0].authentication(), "Preshared key");
    EXPECT_EQ(host->counter("main_modes"), 1U);
    EXPECT_EQ(host->counter("quick_modes"), 1U);
  }
  EXPECT_EQ(first_->main_modes()[0].initiator_cookie(), second_->main_modes()[0].initiator_cookie());
  EXPECT_EQ(first_->log().find("a key"), std::string::npos) << "no key in the log";
}

TEST_F(DaemonTest, DR_08_the_agent_is_asked_and_its_filter_answers_the_peer) {
  RequestReader requests(second_->ike());
  ASSERT_TRUE(first_->set_policy(host_to_host_policy("10.77.0.1", "10.77.0.2", "a key")).ok());
  ASSERT_TRUE(second_->set_policy(default_response_policy()).ok());
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  const auto asked = requests.next();
  ASSERT_TRUE(asked);
  EXPECT_EQ(rpc::from_proto(asked->local(), "")->to_string(), "10.77.0.2");
  EXPECT_EQ(rpc::from_proto(asked->peer(), "")->to_string(), "10.77.0.1");
  EXPECT_EQ(rpc::from_proto(asked->outbound(), "")->destination.to_string(), "10.77.0.1");

  proto::IkePolicy policy = default_response_policy();
  policy.set_version(2);
  *policy.mutable_filters() = host_to_host_policy("10.77.0.2", "10.77.0.1", "a key").filters();
  for (proto::Filter& filter : *policy.mutable_filters()) filter.set_dynamic(true);
  ASSERT_TRUE(second_->set_policy(policy).ok());
  expect_protected("10.77.0.1", "10.77.0.2");
}

TEST_F(DaemonTest, the_newest_watcher_of_requests_wins_and_hears_what_still_waits) {
  EventReader events(second_->ike());
  auto former = std::make_unique<RequestReader>(second_->ike());
  ASSERT_TRUE(first_->set_policy(host_to_host_policy("10.77.0.1", "10.77.0.2", "a key")).ok());
  ASSERT_TRUE(second_->set_policy(default_response_policy()).ok());
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  const auto asked = former->next();
  ASSERT_TRUE(asked);
  RequestReader newer(second_->ike());
  const auto again = newer.next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->SerializeAsString(), asked->SerializeAsString());
  EXPECT_FALSE(former->next()) << "its stream has ended";

  grpc::ClientContext context;
  proto::DeclineIkeRequestRequest declined;
  *declined.mutable_default_response() = *again;
  declined.set_reason("rule 'web' permits it");
  proto::DeclineIkeRequestReply reply;
  ASSERT_TRUE(second_->ike().DeclineRequest(&context, declined, &reply).ok());
  const auto event = events.find("no_matching_filter");
  ASSERT_TRUE(event);
  EXPECT_NE(event->text().find("rule 'web' permits it"), std::string::npos) << event->text();
}

TEST_F(DaemonTest, over_ipv6_too) {
  set_policies("fd77::1", "fd77::2");
  second_->driver().ask(acquire(1, "fd77::2", "fd77::1"));
  std::swap(first_, second_);
  expect_protected("fd77::2", "fd77::1");
}

TEST_F(DaemonTest, different_keys_are_told_by_name_and_no_sa_comes) {
  EventReader events(second_->ike());
  set_policies("10.77.0.1", "10.77.0.2", "one key", "another key");
  first_->driver().ask(acquire(9, "10.77.0.1", "10.77.0.2"));
  const auto event = events.find("authentication_failed");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->source(), "ike");
  EXPECT_NE(event->text().find("10.77.0.1"), std::string::npos) << event->text();
  EXPECT_EQ(second_->counter("authentication_failures"), 1U);
  EXPECT_TRUE(first_->driver().seen().outbound.empty());
  EXPECT_TRUE(second_->driver().seen().inbound.empty());
}

TEST_F(DaemonTest, an_acquire_for_no_filter_fails_by_name) {
  set_policies("10.77.0.1", "10.77.0.2");
  proto::DriverRequest request = acquire(5, "10.77.0.1", "10.77.0.2");
  request.mutable_acquire()->set_filter_id(99);
  first_->driver().ask(request);
  ASSERT_TRUE(first_->driver().wait_for([](const auto& seen) { return !seen.failed_acquires.empty(); }));
  EXPECT_EQ(first_->driver().seen().failed_acquires[0].acquire_id(), 5U);
  EXPECT_EQ(first_->driver().seen().failed_acquires[0].reason(), "no_matching_filter");
}

TEST_F(DaemonTest, a_restarted_driver_gets_new_sas) {
  set_policies("10.77.0.1", "10.77.0.2");
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  expect_protected("10.77.0.1", "10.77.0.2");
  const std::uint32_t old_spi = first_->driver().seen().outbound.begin()->first;
  first_->driver().stop();
  first_->driver().start();
  ASSERT_TRUE(first_->driver().wait_for([](const auto& seen) { return seen.streams == 1; }));
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  ASSERT_TRUE(first_->driver().wait_for(has_pair));
  EXPECT_NE(first_->driver().seen().outbound.begin()->first, old_spi);
}

TEST_F(DaemonTest, stopping_deletes_the_sas_on_both_sides) {
  set_policies("10.77.0.1", "10.77.0.2");
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  expect_protected("10.77.0.1", "10.77.0.2");
  EXPECT_EQ(first_->stop(), 0);
  const auto nothing = [](const FakeDriver::Seen& seen) { return seen.inbound.empty() && seen.outbound.empty(); };
  EXPECT_TRUE(nothing(first_->driver().seen()));
  EXPECT_TRUE(second_->driver().wait_for(nothing)) << "the peer still has SAs";
  // The socket is in a directory of root, to which the service has no right by then.
  EXPECT_EQ(rpc::serving_process(rpc::ike_socket(first_->directory())), 0);
}

TEST_F(DaemonTest, policies_are_refused_with_the_field_and_the_old_one_stays) {
  proto::IkePolicy policy = host_to_host_policy("10.77.0.1", "10.77.0.2", "a key");
  policy.set_version(7);
  ASSERT_TRUE(first_->set_policy(policy).ok());
  policy.set_version(6);
  const grpc::Status older = first_->set_policy(policy);
  EXPECT_EQ(older.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(older.error_message(), "policy version 6 is older than version 7 in force");
  policy.set_version(8);
  policy.mutable_filters(1)->clear_direction();
  const grpc::Status bad = first_->set_policy(policy);
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(bad.error_message().starts_with("change.inserted[1].direction: ")) << bad.error_message();
  grpc::ClientContext context;
  proto::IkeStatistics statistics;
  ASSERT_TRUE(first_->ike().GetStatistics(&context, {}, &statistics).ok());
  EXPECT_EQ(statistics.policy_version(), 7U);
  EXPECT_TRUE(statistics.driver_connected());
}

TEST_F(DaemonTest, the_process_has_no_privileges_left) {
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(first_->process_status(set), "0000000000000000") << set;
  }
  EXPECT_EQ(first_->process_status("NoNewPrivs"), "1");
  EXPECT_EQ(first_->process_status("Seccomp"), "2");
  const auto account = find_account(kIkeAccount);
  if (account) {
    const std::string user = std::to_string(account->user);
    EXPECT_EQ(first_->process_status("Uid"), user + "\t" + user + "\t" + user + "\t" + user);
    const std::string group = std::to_string(account->group);
    EXPECT_EQ(first_->process_status("Gid"), group + "\t" + group + "\t" + group + "\t" + group);
  } else {
    EXPECT_NE(first_->log().find(kMakeIkeAccount), std::string::npos) << "it says what to do";
  }
}

TEST_F(DaemonTest, a_second_one_on_the_same_host_says_what_is_in_its_way) {
  const std::string log = first_->directory() + "/second";
  int status = 0;
  waitpid(
      first_->network().start(
          {"/bin/sh", "-c", std::string("exec " IPSEC_IKED " --runtime-dir ") + second_->directory() + " 2>" + log}),
      &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  std::ostringstream text;
  text << std::ifstream(log).rdbuf();
  EXPECT_NE(text.str().find("cannot bind UDP port 500 for IPv4"), std::string::npos) << text.str();
}

TEST_F(DaemonTest, garbage_on_the_wire_changes_nothing) {
  set_policies("10.77.0.1", "10.77.0.2");
  const auto visit = first_->network().visit();
  const int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(0x0a4d0002);
  for (const std::uint16_t port : {std::uint16_t{500}, std::uint16_t{4500}}) {
    to.sin_port = htons(port);
    for (std::size_t size = 0; size < 200; ++size) {
      const std::string bytes(size, static_cast<char>(size * 7));
      (void)sendto(file, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
  }
  close(file);
  first_->driver().ask(acquire(1, "10.77.0.1", "10.77.0.2"));
  expect_protected("10.77.0.1", "10.77.0.2");
  EXPECT_GE(second_->counter("invalid_packets_received"), 100U);
}

}  // namespace
}  // namespace ipsec::ike
