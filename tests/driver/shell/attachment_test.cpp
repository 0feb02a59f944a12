#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>

#include "services/common/crypto/random.h"
#include "services/common/selector.h"
#include "services/driver/shell/bpf_attachment.h"
#include "services/driver/shell/netlink.h"
#include "services/driver/shell/worker_pool.h"
#include "tests/driver/shell/namespaces.h"
#include "tests/driver/shell/sockets.h"

// The path of packets through programs, TUNs and worker threads, with a worker that lets everything pass.
namespace ipsec::driver {
namespace {

using testing::FrameSocket;
using testing::TwoHosts;
using testing::UdpSocket;

struct Seen {
  std::atomic<std::uint64_t> outbound{0};
  std::atomic<std::uint64_t> inbound{0};
  // IPv4 only; the host's own chatter (neighbours, multicast groups) is none of it.
  std::atomic<std::uint64_t> udp_outbound{0};
  std::atomic<std::uint64_t> udp_inbound{0};
  std::atomic<std::size_t> largest{0};
  std::atomic<std::uint64_t> super_packets{0};
  // Bit N: worker N has seen IPv4 TCP of this direction.
  std::atomic<unsigned> tcp_workers_outbound{0};
  std::atomic<unsigned> tcp_workers_inbound{0};
  // Bit N: worker N has seen ESP (IPv4) whose SPI ends in the index.
  std::array<std::atomic<unsigned>, 16> esp_workers{};
};

class Relay : public Worker {
 public:
  Relay(Seen& seen, unsigned number) : seen_(seen), number_(number) {}
  void process_outbound(std::span<Packet> packets, const Tables&, Timestamp, Output& output) override {
    seen_.outbound += packets.size();
    seen_.udp_outbound += count(packets, kProtocolUdp);
    if (count(packets, kProtocolTcp) > 0) seen_.tcp_workers_outbound |= 1U << number_;
    pass(packets, output.to_wire);
  }
  void process_inbound(std::span<Packet> packets, const Tables&, Timestamp, Output& output) override {
    seen_.inbound += packets.size();
    seen_.udp_inbound += count(packets, kProtocolUdp);
    if (count(packets, kProtocolTcp) > 0) seen_.tcp_workers_inbound |= 1U << number_;
    for (const Packet& packet : packets) {
      if (packet.bytes[0] == 0x45 && packet.bytes[9] == kProtocolEsp) {
        seen_.esp_workers[packet.bytes[23] % 16] |= 1U << number_;
      }
    }
    pass(packets, output.to_host);
  }
  void process_released(const Tables&, Timestamp, Output&) override {}
  bool process_offloaded(const Tables&, Timestamp, Output&) override { return false; }
  bool has_offloaded() const override { return false; }
  void on_offloaded(std::function<void()>) override {}
  PacketTrace explain(Direction, Packet, const Tables&, Timestamp) override { return {}; }
  void tick(Timestamp) override {}

 private:
  static std::uint64_t count(std::span<Packet> packets, std::uint8_t protocol) {
    return static_cast<std::uint64_t>(std::count_if(packets.begin(), packets.end(), [protocol](const Packet& packet) {
      return packet.bytes[0] == 0x45 && packet.bytes[9] == protocol;
    }));
  }
  void pass(std::span<Packet> packets, PacketList& list) {
    for (const Packet& packet : packets) {
      list.add(packet.bytes, packet.offload);
      if (packet.bytes.size() > seen_.largest) seen_.largest = packet.bytes.size();
      if (packet.offload.segmentation != Segmentation::kNone) ++seen_.super_packets;
    }
  }
  Seen& seen_;
  const unsigned number_;
};

// A driver without a core in host A.
class AttachmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_make_namespaces()) GTEST_SKIP() << "needs root and /dev/net/tun";
    hosts_ = std::make_unique<TwoHosts>();
  }

  // With 0 workers nobody reads the one queue.
  void attach(unsigned workers = 2) {
    std::vector<std::unique_ptr<Worker>> relays;
    for (unsigned i = 0; i < workers; ++i) relays.push_back(std::make_unique<Relay>(seen_, i));
    pool_ = std::make_unique<WorkerPool>(std::move(relays), std::make_shared<const Tables>(),
                                         WorkerPool::Functions{[](auto&) {}, [](auto&) { return 0U; }});
    hosts_->a.inside([&] {
      auto created = BpfAttachment::create(system_random());
      ASSERT_TRUE(created.ok()) << created.status().message();
      attachment_ = *std::move(created);
      nic_index_ = nic().index;
      auto ports = attachment_->attach(nic(), std::max(workers, 1U));
      ASSERT_TRUE(ports.ok()) << ports.status().message();
      if (workers == 0) {
        unread_ = *std::move(ports);
      } else {
        pool_->add(nic_index_, *std::move(ports));
      }
    });
  }

  void detach() {
    hosts_->a.inside([&] {
      const Status status = attachment_->detach(nic());
      EXPECT_TRUE(status.ok()) << status.message();
    });
    pool_->remove(nic_index_);
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
  std::vector<PortPair> unread_;
  std::uint32_t nic_index_ = 0;
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

Bytes first_octets(const Bytes& frame) { return {frame.begin(), frame.begin() + 6}; }

TEST_F(AttachmentTest, AllBetweenTwoHostsGoesToOneWorker) {
  hosts_->a.run("ip addr add 10.99.0.7/24 dev eth0");
  attach(8);
  const pid_t server = hosts_->b.start("iperf3 -s -p 5301", "/dev/null");
  ASSERT_TRUE(
      testing::eventually([&] { return hosts_->b.run("ss -Hltn sport = 5301 | grep -q 5301").exit_code == 0; }));
  EXPECT_EQ(hosts_->a.run("iperf3 -c 10.99.0.2 -B 10.99.0.1 -p 5301 -n 5M -P 8").exit_code, 0);
  EXPECT_EQ(std::popcount(seen_.tcp_workers_outbound.load()), 1);
  EXPECT_EQ(seen_.tcp_workers_inbound, seen_.tcp_workers_outbound);
  // Another pair of hosts; the two addresses were chosen to go to different workers.
  EXPECT_EQ(hosts_->a.run("iperf3 -c 10.99.0.2 -B 10.99.0.7 -p 5301 -n 5M -P 8").exit_code, 0);
  EXPECT_EQ(std::popcount(seen_.tcp_workers_outbound.load()), 2);
  EXPECT_EQ(seen_.tcp_workers_inbound, seen_.tcp_workers_outbound);
  testing::end_process(server, SIGKILL);
}

TEST_F(AttachmentTest, EachSaOfTwoGatewaysHasOneWorkerAndTogetherTheyHaveSeveral) {
  attach(8);
  attachment_->set_has_tunnels(true);
  FrameSocket to(hosts_->a), wire(hosts_->b);
  for (std::uint8_t round = 0; round < 3; ++round) {
    for (std::uint8_t spi = 0; spi < 16; ++spi) {
      Bytes frame = testing::udp_frame(to.address(), wire.address(), {}, "10.99.0.2", "10.99.0.1", 7000, "0123456789");
      frame[14 + 9] = kProtocolEsp;
      store_u32(&frame[14 + 20], 0x1000U + spi);
      wire.send(frame);
    }
  }
  ASSERT_TRUE(testing::eventually([&] {
    return std::all_of(seen_.esp_workers.begin(), seen_.esp_workers.end(), [](auto& workers) { return workers != 0; });
  }));
  ASSERT_TRUE(testing::eventually([&] { return seen_.inbound >= 48; }));
  unsigned all = 0;
  for (const auto& workers : seen_.esp_workers) {
    EXPECT_EQ(std::popcount(workers.load()), 1);
    all |= workers;
  }
  EXPECT_GE(std::popcount(all), 4);
}

// Fragments do not show the SPI: where they come beside whole packets, both must meet at one worker.
TEST_F(AttachmentTest, WithoutTunnelsAllSasBetweenTwoHostsHaveOneWorker) {
  attach(8);
  FrameSocket to(hosts_->a), wire(hosts_->b);
  for (std::uint8_t spi = 0; spi < 16; ++spi) {
    Bytes frame = testing::udp_frame(to.address(), wire.address(), {}, "10.99.0.2", "10.99.0.1", 7000, "0123456789");
    frame[14 + 9] = kProtocolEsp;
    store_u32(&frame[14 + 20], 0x1000U + spi);
    wire.send(frame);
  }
  ASSERT_TRUE(testing::eventually([&] {
    return std::all_of(seen_.esp_workers.begin(), seen_.esp_workers.end(), [](auto& workers) { return workers != 0; });
  }));
  unsigned all = 0;
  for (const auto& workers : seen_.esp_workers) all |= workers;
  EXPECT_EQ(std::popcount(all), 1);
}

TEST_F(AttachmentTest, ForTunnelsAllThatTheHostSendsGoesToTheFirstWorker) {
  hosts_->a.run("ip addr add 10.99.0.7/24 dev eth0");
  attach(8);
  attachment_->set_has_tunnels(true);
  const pid_t server = hosts_->b.start("iperf3 -s -p 5301", "/dev/null");
  ASSERT_TRUE(
      testing::eventually([&] { return hosts_->b.run("ss -Hltn sport = 5301 | grep -q 5301").exit_code == 0; }));
  for (const char* source : {"10.99.0.1", "10.99.0.7"}) {
    EXPECT_EQ(hosts_->a.run(std::string("iperf3 -c 10.99.0.2 -p 5301 -n 5M -B ") + source).exit_code, 0);
  }
  EXPECT_EQ(seen_.tcp_workers_outbound, 1U);
  EXPECT_EQ(std::popcount(seen_.tcp_workers_inbound.load()), 2);
  testing::end_process(server, SIGKILL);
}

TEST_F(AttachmentTest, BroadcastsAndMulticastsLeaveWithTheEthernetAddressOfTheirGroup) {
  attach();
  UdpSocket v4(hosts_->a, false, 7000);
  UdpSocket v6(hosts_->a, true, 7000);
  FrameSocket wire(hosts_->b);
  const struct {
    UdpSocket& socket;
    const char* destination;
    Bytes ethernet;
  } cases[] = {
      {v4, "224.129.2.3", {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}},  // the 24th bit is not carried (RFC 1112)
      {v4, "10.99.0.255", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
      {v4, "255.255.255.255", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
      {v6, "ff02::1:ff04:506", {0x33, 0x33, 0xff, 0x04, 0x05, 0x06}},
  };
  for (const auto& each : cases) {
    const std::uint64_t before = seen_.outbound;
    const std::string text = std::string("group ") + each.destination;
    each.socket.send(each.destination, 7001, text);
    const auto frame = wire.receive_with(text);
    ASSERT_TRUE(frame) << each.destination;
    EXPECT_EQ(first_octets(*frame), each.ethernet) << each.destination;
    EXPECT_GT(seen_.outbound, before) << each.destination;
  }
}

TEST_F(AttachmentTest, BroadcastsAndMulticastsOfOthersAreDelivered) {
  attach();
  UdpSocket v4(hosts_->a, false, 7001);
  UdpSocket v6(hosts_->a, true, 7001);
  v4.join("239.1.2.3");
  v6.join("ff05::1:3");
  UdpSocket sender4(hosts_->b, false, 7000);
  UdpSocket sender6(hosts_->b, true, 7000);
  for (const char* destination : {"239.1.2.3", "10.99.0.255", "255.255.255.255"}) {
    const std::uint64_t before = seen_.inbound;
    sender4.send(destination, 7001, destination);
    const auto datagram = v4.receive();
    ASSERT_TRUE(datagram) << destination;
    EXPECT_EQ(datagram->text, destination);
    EXPECT_GT(seen_.inbound, before) << destination;
  }
  sender6.send("ff05::1:3", 7001, "six");
  const auto datagram = v6.receive();
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->text, "six");
}

TEST_F(AttachmentTest, TheHostSeesNoMarkOnDeliveredPackets) {
  attach();
  UdpSocket receiver(hosts_->a, false, 7001);
  UdpSocket sender(hosts_->b, false, 7000);
  sender.send("10.99.0.1", 7001, "unmarked");
  const auto datagram = receiver.receive();
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->mark, 0U);
}

TEST_F(AttachmentTest, UdpSuperPacketsKeepTheirDatagrams) {
  attach();
  UdpSocket receiver(hosts_->b, false, 7001);
  UdpSocket sender(hosts_->a, false, 7000);
  const std::string first(1200, 'a');
  const std::string second(1200, 'b');
  const std::string rest(700, 'c');
  sender.send_segmented("10.99.0.2", 7001, first + second + rest, 1200);
  for (const std::string& expected : {first, second, rest}) {
    const auto datagram = receiver.receive();
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->text, expected);
  }
}

// A frame with a VLAN number belongs to the VLAN's interface, not to this one.
TEST_F(AttachmentTest, TaggedFramesPassByTheDriver) {
  attach();
  FrameSocket a(hosts_->a);
  FrameSocket b(hosts_->b);
  const Bytes vlan_5{0x81, 0x00, 0x00, 0x05};
  const Bytes out = testing::udp_frame(b.address(), a.address(), vlan_5, "10.5.0.1", "10.5.0.2", 7001, "tagged out");
  a.send(out);
  EXPECT_EQ(b.receive_with("tagged out"), out);
  const Bytes in = testing::udp_frame(a.address(), b.address(), vlan_5, "10.5.0.2", "10.5.0.1", 7001, "tagged in");
  b.send(in);
  EXPECT_EQ(a.receive_with("tagged in"), in);
  EXPECT_EQ(seen_.udp_outbound, 0U);
  EXPECT_EQ(seen_.udp_inbound, 0U);
}

// The stack takes frames of VLAN 0 as untagged: they must not get past the driver, however many tags there are.
TEST_F(AttachmentTest, PriorityTagsDoNotLeadPastTheDriver) {
  attach();
  UdpSocket receiver(hosts_->a, false, 7001);
  FrameSocket b(hosts_->b);
  const FrameSocket a(hosts_->a);
  const Bytes priority{0x81, 0x00, 0x60, 0x00};
  Bytes tags;
  for (std::uint64_t count = 1; count <= 3; ++count) {
    tags.insert(tags.end(), priority.begin(), priority.end());
    b.send(testing::udp_frame(a.address(), b.address(), tags, "10.99.0.2", "10.99.0.1", 7001, "urgent"));
    const auto datagram = receiver.receive();
    ASSERT_TRUE(datagram) << count << " tags";
    EXPECT_EQ(seen_.udp_inbound, count);
  }
  for (int i = 0; i < 3; ++i) tags.insert(tags.end(), priority.begin(), priority.end());
  b.send(testing::udp_frame(a.address(), b.address(), tags, "10.99.0.2", "10.99.0.1", 7001, "absurd"));
  EXPECT_FALSE(receiver.receive());
}

TEST_F(AttachmentTest, FramesForOthersAreNotTaken) {
  hosts_->a.run("ip link set eth0 promisc on");
  attach();
  UdpSocket receiver(hosts_->a, false, 7001);
  FrameSocket b(hosts_->b);
  const std::array<std::uint8_t, 6> other{0x02, 0, 0, 0, 0, 0x77};
  b.send(testing::udp_frame(other, b.address(), {}, "10.99.0.2", "10.99.0.1", 7001, "not ours"));
  EXPECT_FALSE(receiver.receive());
  EXPECT_EQ(seen_.udp_inbound, 0U);
}

// A packet socket may claim any protocol for its frames.
TEST_F(AttachmentTest, FramesOfPacketSocketsGoThroughTheDriver) {
  attach();
  FrameSocket a(hosts_->a);
  FrameSocket b(hosts_->b);
  a.send(testing::udp_frame(b.address(), a.address(), {}, "10.99.0.1", "10.99.0.2", 7001, "raw"));
  EXPECT_TRUE(b.receive_with("raw"));
  EXPECT_EQ(seen_.udp_outbound, 1U);
}

TEST_F(AttachmentTest, NeighboursAreFoundWithoutTheDriver) {
  attach(0);
  EXPECT_FALSE(hosts_->ping(hosts_->b, "10.99.0.1"));
  EXPECT_FALSE(hosts_->ping(hosts_->b, "fd99::1"));
  EXPECT_EQ(hosts_->b.run("ip -4 neigh show 10.99.0.1 dev eth0 | grep -c lladdr").output, "1\n");
  EXPECT_EQ(hosts_->b.run("ip -6 neigh show fd99::1 dev eth0 | grep -c lladdr").output, "1\n");
}

TEST_F(AttachmentTest, AChangedEthernetAddressIsTakenOver) {
  attach();
  hosts_->a.run("ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:11; ip link set eth0 up");
  hosts_->a.run("ip addr add fd99::1/64 dev eth0 nodad");
  EXPECT_FALSE(hosts_->ping(hosts_->b, "10.99.0.1"));
  hosts_->a.inside([&] { EXPECT_TRUE(attachment_->update(nic()).ok()); });
  EXPECT_TRUE(hosts_->ping(hosts_->b, "10.99.0.1"));
  EXPECT_TRUE(hosts_->ping(hosts_->a, "fd99::2"));
}

TEST_F(AttachmentTest, DetachingLeavesNothingBehind) {
  const std::string before = hosts_->a.run("ip -o link; tc qdisc show dev eth0").output;
  attach();
  EXPECT_NE(hosts_->a.run("ip -o link; tc qdisc show dev eth0").output, before);
  detach();
  EXPECT_EQ(hosts_->a.run("ip -o link; tc qdisc show dev eth0").output, before);
  EXPECT_TRUE(hosts_->ping(hosts_->a, "10.99.0.2"));
}

TEST_F(AttachmentTest, FiltersOfOthersStayAndStillDecide) {
  // Its program: drop UDP.
  hosts_->a.run(
      "tc qdisc add dev eth0 clsact; tc filter add dev eth0 egress prio 9 bpf da bytecode '4,48 0 0 23,21 0 1 17,6 0 0 "
      "2,6 0 0 4294967295'");
  attach();
  UdpSocket receiver(hosts_->b, false, 7009);
  UdpSocket sender(hosts_->a, false, 7000);
  sender.send("10.99.0.2", 7009, "dropped by the administrator's filter");
  EXPECT_FALSE(receiver.receive());
  EXPECT_EQ(seen_.udp_outbound, 1U);
  detach();
  EXPECT_EQ(hosts_->a.run("tc filter show dev eth0 egress | grep -c bytecode").output, "1\n");
}

TEST_F(AttachmentTest, ASecondDriverIsRefused) {
  attach();
  hosts_->a.inside([&] {
    auto second = BpfAttachment::create(system_random());
    ASSERT_TRUE(second.ok());
    const auto ports = (*second)->attach(nic(), 1);
    ASSERT_FALSE(ports.ok());
    EXPECT_EQ(ports.status().code(), ErrorCode::kAlreadyExists);
    EXPECT_NE(ports.status().message().find("another driver"), std::string::npos) << ports.status().message();
  });
  EXPECT_TRUE(hosts_->ping(hosts_->a, "10.99.0.2"));
}

}  // namespace
}  // namespace ipsec::driver
