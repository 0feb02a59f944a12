#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/driver/shell/driver_process.h"
#include "tests/driver/shell/namespaces.h"
#include "tests/driver/shell/sockets.h"

// The whole process between two hosts: its service, its life and its death.
namespace ipsec::driver {
namespace {

using testing::DriverProcess;
using testing::eventually;
using testing::TwoHosts;
namespace proto = testing::proto;

constexpr const char* kTraces = "ip -o link | grep -c ipsec-; tc qdisc show dev eth0 | grep -c clsact";

class DaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_make_namespaces()) GTEST_SKIP() << "needs root and /dev/net/tun";
    hosts_ = std::make_unique<TwoHosts>();
    driver_ = std::make_unique<DriverProcess>(hosts_->a);
  }
  void TearDown() override {
    if (HasFailure() && driver_) printf("%s\n", driver_->log().c_str());
  }

  void set(const proto::DriverPolicy& policy) {
    const Status status = driver_->set_policy(policy);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  bool ping(const char* address) { return hosts_->ping(hosts_->a, address); }
  // "0\n0\n": nothing of the driver is left.
  std::string traces() { return hosts_->a.run(kTraces).output; }

  std::unique_ptr<TwoHosts> hosts_;
  std::unique_ptr<DriverProcess> driver_;
};

TEST_F(DaemonTest, DRV_01_not_in_the_path_without_an_active_policy) {
  EXPECT_EQ(traces(), "0\n0\n");
  set(testing::inactive_policy());
  EXPECT_FALSE(driver_->attached());
  EXPECT_EQ(traces(), "0\n0\n");
  EXPECT_TRUE(ping("10.99.0.2"));
  const proto::DriverStatistics passed_by = driver_->statistics();
  for (const proto::Counter& counter : passed_by.verdicts()) EXPECT_EQ(counter.value(), 0U) << counter.name();

  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(driver_->attached());
  EXPECT_EQ(traces(), "2\n1\n");
  const proto::DriverStatistics attached = driver_->statistics();
  ASSERT_EQ(attached.interfaces_size(), 1);
  EXPECT_EQ(attached.interfaces(0), "eth0");
  EXPECT_EQ(attached.policy_version(), 2U);

  set(testing::inactive_policy());
  EXPECT_FALSE(driver_->attached());
  EXPECT_EQ(traces(), "0\n0\n");
  EXPECT_TRUE(ping("10.99.0.2"));
}

// Of a policy that is not known yet.
proto::DriverPolicy boot_policy(proto::BootMode mode) {
  proto::DriverPolicy policy;
  policy.set_active(true);
  policy.set_boot_mode(mode);
  return policy;
}

TEST_F(DaemonTest, TheBootModeDecidesUntilThereIsAPolicy) {
  set(boot_policy(proto::BOOT_MODE_STATEFUL));
  EXPECT_TRUE(driver_->attached());
  EXPECT_EQ(driver_->statistics().boot_mode(), proto::BOOT_MODE_STATEFUL);
  EXPECT_FALSE(hosts_->ping(hosts_->b, "10.99.0.1"));
  EXPECT_GE(driver_->verdict("inbound_boot_blocked"), 1U);
  EXPECT_TRUE(ping("10.99.0.2"));

  set(boot_policy(proto::BOOT_MODE_BLOCK));
  EXPECT_FALSE(ping("10.99.0.2"));
  proto::DriverPolicy exempting = boot_policy(proto::BOOT_MODE_BLOCK);
  for (const proto::Direction direction : {proto::DIRECTION_OUTBOUND, proto::DIRECTION_INBOUND}) {
    exempting.add_boot_exemptions()->set_direction(direction);
    exempting.mutable_boot_exemptions()->rbegin()->set_protocol(1);
  }
  set(exempting);
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_FALSE(ping("fd99::2"));

  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_EQ(driver_->statistics().boot_mode(), proto::BOOT_MODE_UNSPECIFIED);
  EXPECT_TRUE(ping("fd99::2"));
  const Status late = driver_->set_policy(boot_policy(proto::BOOT_MODE_BLOCK));
  EXPECT_EQ(late.code(), ErrorCode::kRefused) << late.message();
  EXPECT_TRUE(ping("10.99.0.2"));
}

TEST_F(DaemonTest, NoBootModeOpensWhatAKilledDriverLeftShut) {
  set(testing::policy_for_all(proto::ACTION_BLOCK));
  driver_->end(SIGKILL);
  driver_->restart();
  set(boot_policy(proto::BOOT_MODE_PERMIT));
  EXPECT_FALSE(ping("10.99.0.2"));
  EXPECT_FALSE(hosts_->ping(hosts_->b, "10.99.0.1"));
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(ping("10.99.0.2"));
}

TEST_F(DaemonTest, PermittedTrafficPassesInBothFamilies) {
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_TRUE(ping("fd99::2"));
  EXPECT_TRUE(hosts_->ping(hosts_->b, "10.99.0.1"));
  EXPECT_TRUE(hosts_->ping(hosts_->b, "fd99::1"));
  EXPECT_GE(driver_->verdict("outbound_permitted"), 4U);
  EXPECT_GE(driver_->verdict("inbound_permitted"), 4U);
}

TEST_F(DaemonTest, BlockedTrafficStaysAndIsReported) {
  grpc::ClientContext context;
  const auto events = driver_->stub().WatchEvents(&context, {});
  events->WaitForInitialMetadata();
  set(testing::policy_for_all(proto::ACTION_BLOCK));
  EXPECT_FALSE(ping("10.99.0.2"));
  EXPECT_FALSE(hosts_->ping(hosts_->b, "fd99::1"));
  EXPECT_GE(driver_->verdict("outbound_blocked"), 1U);
  EXPECT_GE(driver_->verdict("inbound_blocked"), 1U);
  proto::Event event;
  std::uint64_t sequence = 0;
  bool blocked = false;
  while (!blocked && events->Read(&event)) {
    EXPECT_EQ(event.sequence(), ++sequence);
    EXPECT_EQ(event.source(), "driver");
    blocked = event.name() == "outbound_blocked" && event.fields().at("destination") == "10.99.0.2";
  }
  EXPECT_TRUE(blocked);
  EXPECT_EQ(event.fields().at("rule"), "all traffic");
  context.TryCancel();
}

TEST_F(DaemonTest, AKilledDriverLetsNothingPassUntilItsSuccessorHasAPolicy) {
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_TRUE(ping("fd99::2"));

  driver_->end(SIGKILL);
  EXPECT_FALSE(ping("10.99.0.2"));
  EXPECT_FALSE(ping("fd99::2"));
  EXPECT_FALSE(hosts_->ping(hosts_->b, "10.99.0.1"));

  driver_->restart();
  EXPECT_FALSE(ping("10.99.0.2"));
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_TRUE(ping("fd99::2"));

  const int status = driver_->end(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_EQ(traces(), "0\n0\n");
}

TEST_F(DaemonTest, ASuccessorThatStopsInOrderOpensWhatItsPredecessorLeft) {
  set(testing::policy_for_all(proto::ACTION_BLOCK));
  driver_->end(SIGKILL);
  driver_->restart();
  EXPECT_FALSE(ping("10.99.0.2"));
  driver_->end(SIGTERM);
  EXPECT_TRUE(ping("10.99.0.2"));
  EXPECT_EQ(traces(), "0\n0\n");
}

// Packets of a blocked flow are sent all the time; none may come through, whatever happens to the driver.
TEST_F(DaemonTest, NoClearPacketEscapesThroughDeathAndReplacement) {
  set(testing::policy_for_all(proto::ACTION_BLOCK));
  testing::UdpSocket receiver(hosts_->b, false, 7100);
  testing::UdpSocket sender(hosts_->a, false, 7000);
  std::atomic<bool> enough = false;
  std::thread flood([&] {
    while (!enough) sender.try_send("10.99.0.2", 7100, "clear");
  });
  EXPECT_TRUE(eventually([&] { return driver_->verdict("outbound_blocked") > 100; }));
  for (int i = 0; i < 3; ++i) {
    driver_->end(SIGKILL);
    driver_->restart();
    set(testing::policy_for_all(proto::ACTION_BLOCK));
    EXPECT_TRUE(eventually([&] { return driver_->verdict("outbound_blocked") > 100; }));
  }
  enough = true;
  flood.join();
  EXPECT_FALSE(receiver.receive());
}

TEST_F(DaemonTest, InterfacesThatComeAndGoAreFollowed) {
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  const auto attached_to = [this] {
    const proto::DriverStatistics statistics = driver_->statistics();
    return std::vector<std::string>(statistics.interfaces().begin(), statistics.interfaces().end());
  };
  hosts_->a.run("ip link add eth1 type veth peer name ipsec-peer");
  EXPECT_TRUE(eventually([&] { return attached_to() == std::vector<std::string>{"eth0", "eth1"}; }));
  EXPECT_EQ(hosts_->a.run("tc filter show dev eth1 egress | grep -c nic_egress").output, "1\n");
  hosts_->a.run("ip link add br0 type bridge; ip link set eth1 master br0");
  EXPECT_TRUE(eventually([&] { return attached_to() == std::vector<std::string>{"eth0", "br0"}; }));
  hosts_->a.run("ip link del eth1; ip link del br0");
  EXPECT_TRUE(eventually([&] { return attached_to() == std::vector<std::string>{"eth0"}; }));
  EXPECT_TRUE(eventually([&] { return traces() == "2\n1\n"; }));
  EXPECT_TRUE(ping("10.99.0.2"));
}

TEST_F(DaemonTest, WhatOthersRemoveIsRestored) {
  set(testing::policy_for_all(proto::ACTION_BLOCK));
  EXPECT_FALSE(ping("10.99.0.2"));
  hosts_->a.run("tc qdisc del dev eth0 clsact");
  EXPECT_TRUE(
      eventually([&] { return hosts_->a.run("tc filter show dev eth0 ingress | grep -c nic_").output == "1\n"; }));
  EXPECT_FALSE(ping("10.99.0.2"));
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  EXPECT_TRUE(ping("10.99.0.2"));
  hosts_->a.run("ip link del ipsec-h2");
  EXPECT_TRUE(eventually([&] { return ping("10.99.0.2"); }));
  hosts_->a.run("tc filter del dev ipsec-w2 ingress");
  EXPECT_TRUE(eventually([&] { return ping("10.99.0.2"); }));
  EXPECT_EQ(traces(), "2\n1\n");
}

TEST_F(DaemonTest, AChangedEthernetAddressIsFollowed) {
  set(testing::policy_for_all(proto::ACTION_PERMIT));
  hosts_->a.run("ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:11; ip link set eth0 up");
  hosts_->a.run("ip addr add fd99::1/64 dev eth0 nodad");
  EXPECT_TRUE(eventually([&] { return ping("10.99.0.2"); }));
}

TEST_F(DaemonTest, PacketsThatNeedAnSaAskForIt) {
  set(testing::policy_for_all(proto::ACTION_NEGOTIATE));
  grpc::ClientContext first_context;
  const auto first = driver_->stub().WatchRequests(&first_context, {});
  first->WaitForInitialMetadata();
  EXPECT_FALSE(ping("10.99.0.2"));
  proto::DriverRequest request;
  ASSERT_TRUE(first->Read(&request));
  const proto::Acquire acquire = request.acquire();
  EXPECT_EQ(acquire.filter_id(), testing::kOutboundFilter);
  EXPECT_EQ(acquire.packet().protocol(), 1U);
  EXPECT_EQ(acquire.local().octets(), testing::address_message("10.99.0.1").octets());
  EXPECT_EQ(acquire.peer().octets(), testing::address_message("10.99.0.2").octets());
  EXPECT_GE(driver_->statistics().held_packets(), 1U);

  // Another IKE: it gets the pending acquire, the first one's stream ends.
  grpc::ClientContext second_context;
  const auto second = driver_->stub().WatchRequests(&second_context, {});
  second->WaitForInitialMetadata();
  EXPECT_FALSE(first->Read(&request));
  EXPECT_TRUE(first->Finish().ok());
  ASSERT_TRUE(second->Read(&request));
  EXPECT_EQ(request.acquire().SerializeAsString(), acquire.SerializeAsString());
  EXPECT_EQ(request.dropped(), 0U);

  grpc::ClientContext context;
  proto::AcquireFailedRequest failed;
  failed.set_acquire_id(acquire.acquire_id());
  failed.set_reason("no_proposal_chosen");
  proto::AcquireFailedReply reply;
  EXPECT_TRUE(driver_->stub().AcquireFailed(&context, failed, &reply).ok());
  EXPECT_EQ(driver_->statistics().held_packets(), 0U);
  EXPECT_GE(driver_->verdict("outbound_negotiation_failed"), 1U);
  // Open streams do not keep the process from ending.
  const int status = driver_->end(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(DaemonTest, BadInputIsRefusedByName) {
  proto::DriverPolicy policy = testing::policy_for_all(proto::ACTION_PERMIT);
  policy.mutable_filters(2)->clear_direction();
  const Status refused = driver_->set_policy(policy);
  EXPECT_EQ(refused.code(), ErrorCode::kInvalid);
  EXPECT_NE(refused.message().find("change.inserted[2].direction"), std::string::npos) << refused.message();
  EXPECT_EQ(traces(), "0\n0\n");

  set(testing::policy_for_all(proto::ACTION_NEGOTIATE));
  proto::Sa sa = testing::transport_sa(proto::DIRECTION_OUTBOUND, 0x1000, "10.99.0.1", "10.99.0.2",
                                       proto::CIPHER_AES128_CBC, proto::INTEGRITY_SHA1, 'k');
  sa.mutable_encryption_key()->pop_back();
  EXPECT_EQ(driver_->install(sa).code(), ErrorCode::kInvalid);
  // Nobody reserved it.
  const proto::Sa inbound = testing::transport_sa(proto::DIRECTION_INBOUND, 0x1000, "10.99.0.2", "10.99.0.1",
                                                  proto::CIPHER_AES128_CBC, proto::INTEGRITY_SHA1, 'k');
  EXPECT_EQ(driver_->install(inbound).code(), ErrorCode::kNotFound);
}

TEST_F(DaemonTest, ASecondDriverOnTheSameSocketIsRefused) {
  const auto second = hosts_->b.run(std::string(DRIVER_PROGRAM) + " --runtime-dir " + driver_->directory());
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.output.find("already served by process " + std::to_string(driver_->process())), std::string::npos)
      << second.output;
}

TEST_F(DaemonTest, KeepsOnlyTheCapabilitiesItNeeds) {
  const std::string status = hosts_->a.run("grep ^Cap /proc/" + std::to_string(driver_->process()) + "/status").output;
  // CAP_NET_ADMIN is bit 12, CAP_BPF bit 39.
  EXPECT_NE(status.find("CapEff:\t0000008000001000\n"), std::string::npos) << status;
  EXPECT_NE(status.find("CapPrm:\t0000008000001000\n"), std::string::npos) << status;
  EXPECT_NE(status.find("CapInh:\t0000000000000000\n"), std::string::npos) << status;
  EXPECT_NE(status.find("CapBnd:\t0000000000000000\n"), std::string::npos) << status;
}

// Two drivers with SAs that a test installed in IKE's place.
class SecuredTest : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped()) return;
    other_ = std::make_unique<DriverProcess>(hosts_->b);
    set(testing::policy_for_all(proto::ACTION_NEGOTIATE));
    ASSERT_TRUE(other_->set_policy(testing::policy_for_all(proto::ACTION_NEGOTIATE)).ok());
  }
  void TearDown() override {
    if (HasFailure() && other_) printf("host B: %s\n", other_->log().c_str());
    DaemonTest::TearDown();
  }

  // Both directions between `a` and `b`.
  void secure(const std::string& a, const std::string& b, proto::Cipher cipher, proto::Integrity integrity) {
    const std::uint32_t spi_at_a = driver_->reserve(a, b);
    const std::uint32_t spi_at_b = other_->reserve(b, a);
    ASSERT_GE(spi_at_a, 256U);
    ASSERT_GE(spi_at_b, 256U);
    const auto install = [&](DriverProcess& driver, proto::Direction direction, std::uint32_t spi,
                             const std::string& from, const std::string& to, char key) {
      const Status status = driver.install(testing::transport_sa(direction, spi, from, to, cipher, integrity, key));
      ASSERT_TRUE(status.ok()) << status.message();
    };
    install(*driver_, proto::DIRECTION_INBOUND, spi_at_a, b, a, 'p');
    install(*other_, proto::DIRECTION_INBOUND, spi_at_b, a, b, 'q');
    install(*other_, proto::DIRECTION_OUTBOUND, spi_at_a, b, a, 'p');
    install(*driver_, proto::DIRECTION_OUTBOUND, spi_at_b, a, b, 'q');
  }

  // Standard output of iperf3, run from A to B.
  testing::CommandResult iperf(const std::string& arguments) {
    const pid_t server = hosts_->b.start("iperf3 -s -1 -p 5301", "/dev/null");
    eventually([&] { return hosts_->b.run("ss -Hltn sport = 5301 | grep -q 5301").exit_code == 0; });
    auto result = hosts_->a.run("timeout 20 iperf3 -p 5301 " + arguments);
    testing::end_process(server, SIGKILL);
    return result;
  }

  std::unique_ptr<DriverProcess> other_;
};

TEST_F(SecuredTest, DRV_23_the_packet_that_asked_for_the_sa_gets_out_protected) {
  std::thread delayed([this] {
    ASSERT_TRUE(eventually([this] { return driver_->statistics().held_packets() > 0; }));
    secure("10.99.0.1", "10.99.0.2", proto::CIPHER_AES128_GCM, proto::INTEGRITY_NONE);
  });
  // One request, no retry, five seconds of patience.
  EXPECT_EQ(hosts_->a.run("ping -c 1 -W 5 10.99.0.2").exit_code, 0);
  delayed.join();
  EXPECT_GE(driver_->verdict("outbound_secured"), 1U);
  EXPECT_GE(driver_->verdict("inbound_opened"), 1U);
  EXPECT_GT(driver_->statistics().last_hold_us(), 0U);
}

// A held packet does not remember the NIC it came by.
TEST_F(SecuredTest, HeldPacketsLeaveByTheNicOfTheirRoute) {
  hosts_->a.run("ip link add eth1 type veth peer name eth1 netns " + std::to_string(hosts_->b.holder()));
  hosts_->a.run("ip link set eth1 up; ip addr add 10.98.0.1/24 dev eth1");
  hosts_->b.run("ip link set eth1 up; ip addr add 10.98.0.2/24 dev eth1");
  for (DriverProcess* driver : {driver_.get(), other_.get()}) {
    ASSERT_TRUE(eventually([driver] { return driver->statistics().interfaces_size() == 2; }));
  }
  for (const std::string network : {"10.98.0.", "10.99.0."}) {
    std::thread delayed([&] {
      EXPECT_TRUE(eventually([this] { return driver_->statistics().held_packets() > 0; }));
      secure(network + "1", network + "2", proto::CIPHER_AES128_GCM, proto::INTEGRITY_NONE);
    });
    EXPECT_EQ(hosts_->a.run("ping -c 1 -W 5 " + network + "2").exit_code, 0) << network;
    delayed.join();
  }
}

TEST_F(SecuredTest, TcpPassesUnderEveryUsualSuiteInBothFamilies) {
  const struct {
    proto::Cipher cipher;
    proto::Integrity integrity;
  } suites[] = {{proto::CIPHER_AES128_GCM, proto::INTEGRITY_NONE},
                {proto::CIPHER_AES128_CBC, proto::INTEGRITY_SHA1},
                {proto::CIPHER_AES256_CBC, proto::INTEGRITY_SHA256},
                {proto::CIPHER_TRIPLE_DES, proto::INTEGRITY_SHA1}};
  for (const auto& suite : suites) {
    secure("10.99.0.1", "10.99.0.2", suite.cipher, suite.integrity);
    secure("fd99::1", "fd99::2", suite.cipher, suite.integrity);
    for (const char* address : {"10.99.0.2", "fd99::2"}) {
      const auto result = iperf(std::string("-n 20M -c ") + address);
      EXPECT_EQ(result.exit_code, 0) << "suite with cipher " << suite.cipher << " to " << address << ": "
                                     << result.output;
    }
  }
  EXPECT_EQ(driver_->verdict("inbound_not_authentic"), 0U);
  EXPECT_EQ(other_->verdict("inbound_not_authentic"), 0U);
  EXPECT_EQ(driver_->verdict("outbound_permitted"), 0U);
}

}  // namespace
}  // namespace ipsec::driver
