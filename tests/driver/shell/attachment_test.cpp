#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>

#include "services/common/crypto/random.h"
#include "services/driver/shell/bpf_attachment.h"
#include "services/driver/shell/netlink.h"
#include "services/driver/shell/worker_pool.h"
#include "tests/driver/shell/namespaces.h"

// The path of packets through programs, TUNs and worker threads, with a worker that lets everything pass.
namespace ipsec::driver {
namespace {

using testing::TwoHosts;

struct Seen {
  std::atomic<std::uint64_t> outbound{0};
  std::atomic<std::uint64_t> inbound{0};
  std::atomic<std::size_t> largest{0};
  std::atomic<std::uint64_t> super_packets{0};
};

class Relay : public Worker {
 public:
  explicit Relay(Seen& seen) : seen_(seen) {}
  void process_outbound(std::span<Packet> packets, const Tables&, Timestamp, Output& output) override {
    seen_.outbound += packets.size();
    pass(packets, output.to_wire);
  }
  void process_inbound(std::span<Packet> packets, const Tables&, Timestamp, Output& output) override {
    seen_.inbound += packets.size();
    pass(packets, output.to_host);
  }
  void process_released(const Tables&, Timestamp, Output&) override {}
  void tick(Timestamp) override {}

 private:
  void pass(std::span<Packet> packets, PacketList& list) {
    for (const Packet& packet : packets) {
      list.add(packet.bytes, packet.offload);
      if (packet.bytes.size() > seen_.largest) seen_.largest = packet.bytes.size();
      if (packet.offload.segmentation != Segmentation::kNone) ++seen_.super_packets;
    }
  }
  Seen& seen_;
};

// A driver without a core in host A.
class AttachmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_make_namespaces()) GTEST_SKIP() << "needs root and /dev/net/tun";
    hosts_ = std::make_unique<TwoHosts>();
  }

  void attach(unsigned workers = 2) {
    std::vector<std::unique_ptr<Worker>> relays;
    for (unsigned i = 0; i < workers; ++i) relays.push_back(std::make_unique<Relay>(seen_));
    pool_ = std::make_unique<WorkerPool>(std::move(relays), nullptr,
                                         WorkerPool::Functions{[](auto&) {}, [](auto&) { return 0U; }});
    hosts_->a.inside([&] {
      auto created = BpfAttachment::create(system_random());
      ASSERT_TRUE(created.ok()) << created.status().message();
      attachment_ = *std::move(created);
      auto ports = attachment_->attach(nic(), workers);
      ASSERT_TRUE(ports.ok()) << ports.status().message();
      pool_->add(nic().index, *std::move(ports));
    });
  }

  void detach() {
    hosts_->a.inside([&] {
      const Status status = attachment_->detach(nic());
      EXPECT_TRUE(status.ok()) << status.message();
    });
    pool_->remove(nic().index);
  }

  // eth0 of host A; called inside its namespace.
  static Nic nic() {
    auto netlink = Netlink::open();
    auto nics = netlink->list_nics();
    for (const Nic& each : *nics) {
      if (each.name == "eth0") return each;
    }
    ADD_FAILURE() << "no eth0";
    return {};
  }

  Seen seen_;
  std::unique_ptr<TwoHosts> hosts_;
  std::unique_ptr<BpfAttachment> attachment_;
  std::unique_ptr<WorkerPool> pool_;
};

TEST_F(AttachmentTest, PingPassesInBothFamiliesThroughTheWorkers) {
  attach();
  EXPECT_TRUE(hosts_->ping(hosts_->a, "10.99.0.2"));
  EXPECT_TRUE(hosts_->ping(hosts_->b, "10.99.0.1"));
  EXPECT_TRUE(hosts_->ping(hosts_->a, "fd99::2"));
  EXPECT_TRUE(hosts_->ping(hosts_->b, "fd99::1"));
  EXPECT_GE(seen_.outbound, 4U);
  EXPECT_GE(seen_.inbound, 4U);
}

TEST_F(AttachmentTest, TcpArrivesFromTheStackAsSuperPackets) {
  attach();
  const pid_t server = hosts_->b.start("iperf3 -s -1 -p 5301", "/dev/null");
  ASSERT_TRUE(
      testing::eventually([&] { return hosts_->b.run("ss -Hltn sport = 5301 | grep -q 5301").exit_code == 0; }));
  const auto sent = hosts_->a.run("iperf3 -c 10.99.0.2 -p 5301 -n 200M");
  testing::end_process(server, SIGKILL);
  EXPECT_EQ(sent.exit_code, 0) << sent.output;
  EXPECT_GT(seen_.largest, 30000U);
  EXPECT_GT(seen_.super_packets, 1000U);
}

}  // namespace
}  // namespace ipsec::driver
