#include "services/policyagent/shell/interface_manager.h"

#include <cstdlib>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void command(const std::string& line) { ASSERT_EQ(std::system(line.c_str()), 0) << line; }

std::vector<std::string> addresses(const Interface& interface) {
  std::vector<std::string> texts;
  for (const InterfaceAddress& each : interface.addresses) {
    texts.push_back(fmt::format("{}/{}", each.address.to_string(), each.prefix_length));
  }
  return texts;
}

// Runs `body` in a network namespace of its own, which ends with it; false where that is not allowed.
template <typename Body>
bool in_network_namespace(Body body) {
  bool possible = false;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    possible = true;
    body();
  }).join();
  return possible;
}

#define IN_NETWORK_NAMESPACE_OR_SKIP(...) \
  if (!in_network_namespace(__VA_ARGS__)) GTEST_SKIP() << "needs the right to make a network namespace"

void await_news(InterfaceManager& manager) {
  pollfd waiting{manager.file_descriptor(), POLLIN, 0};
  // The kernel sends the notice before the command returns; the limit only ends a test that would hang.
  ASSERT_EQ(poll(&waiting, 1, 1000), 1);
  EXPECT_TRUE(manager.drain());
}

TEST(InterfaceManager, IM_01_lists_interfaces_addresses_and_gateways) {
  IN_NETWORK_NAMESPACE_OR_SKIP([] {
    command("ip link set lo up");
    command("ip link add eth0 type bridge && ip address add 10.77.0.1/24 dev eth0 && ip link set eth0 up");
    command("ip -6 address add fd77::1/64 dev eth0 nodad && ip route add default via 10.77.0.254");
    command("ip link add ipsec-h3 type bridge && ip address add 192.0.2.1/24 dev ipsec-h3");
    auto manager = InterfaceManager::open({"/nonexistent", {}});
    ASSERT_TRUE(manager.ok());
    const auto host = manager->read();
    ASSERT_TRUE(host.ok()) << host.status().message();
    ASSERT_EQ(host->interfaces.size(), 1U);
    EXPECT_EQ(host->interfaces[0].name, "eth0");
    EXPECT_EQ(host->interfaces[0].kind, InterfaceKind::kLan);
    EXPECT_THAT(addresses(host->interfaces[0]), testing::IsSupersetOf({"10.77.0.1/24", "fd77::1/64"}));
    EXPECT_THAT(host->gateways, ElementsAre(address("10.77.0.254")));
    EXPECT_THAT(host->dns_servers, IsEmpty());
  });
}

TEST(InterfaceManager, addresses_on_loopback_that_others_can_reach_are_this_hosts) {
  IN_NETWORK_NAMESPACE_OR_SKIP([] {
    command("ip link set lo up && ip address add 192.0.2.53/32 dev lo");
    auto manager = InterfaceManager::open();
    ASSERT_TRUE(manager.ok());
    const auto host = manager->read();
    ASSERT_TRUE(host.ok());
    ASSERT_EQ(host->interfaces.size(), 1U);
    EXPECT_EQ(host->interfaces[0].name, "lo");
    EXPECT_THAT(addresses(host->interfaces[0]), ElementsAre("192.0.2.53/32"));
  });
}

TEST(InterfaceManager, IM_02_tells_of_address_and_link_changes) {
  IN_NETWORK_NAMESPACE_OR_SKIP([] {
    command("ip link add eth0 type bridge && ip link set eth0 up");
    auto manager = InterfaceManager::open();
    ASSERT_TRUE(manager.ok());
    manager->drain();
    command("ip address add 10.77.0.1/24 dev eth0");
    await_news(*manager);
    EXPECT_THAT(addresses(manager->read()->interfaces.at(0)), testing::Contains("10.77.0.1/24"));
    command("ip address del 10.77.0.1/24 dev eth0");
    await_news(*manager);
    EXPECT_THAT(addresses(manager->read()->interfaces.at(0)), testing::Not(testing::Contains("10.77.0.1/24")));
    command("ip link set eth0 down");
    await_news(*manager);
  });
}

TEST(InterfaceManager, IM_07_addresses_of_a_link_that_is_down_stay) {
  IN_NETWORK_NAMESPACE_OR_SKIP([] {
    command("ip link add eth0 type bridge && ip address add 10.77.0.1/24 dev eth0");
    auto manager = InterfaceManager::open();
    ASSERT_TRUE(manager.ok());
    EXPECT_THAT(addresses(manager->read()->interfaces.at(0)), ElementsAre("10.77.0.1/24"));
  });
}

TEST(InterfaceManager, IM_08_point_to_point_links_are_dialup_and_their_own_end_counts) {
  IN_NETWORK_NAMESPACE_OR_SKIP([] {
    command("ip tuntap add ppp0 mode tun && ip address add 192.0.2.7 peer 192.0.2.8 dev ppp0");
    auto manager = InterfaceManager::open();
    ASSERT_TRUE(manager.ok());
    const auto host = manager->read();
    ASSERT_TRUE(host.ok());
    ASSERT_EQ(host->interfaces.size(), 1U);
    EXPECT_EQ(host->interfaces[0].kind, InterfaceKind::kDialup);
    EXPECT_EQ(host->interfaces[0].addresses.at(0).address, address("192.0.2.7"));
  });
}

TEST(InterfaceManager, name_servers_are_read_and_bad_lines_passed_over) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/resolv.conf";
  std::ofstream(file) << "# nameserver 1.2.3.4\nnameserver 10.77.0.53\nsearch example.org\nnameserver fe80::1%eth0\n"
                         "nameserver\nnameserver nonsense\nnameserver 10.77.0.53\n";
  auto manager = InterfaceManager::open({file, {}});
  ASSERT_TRUE(manager.ok());
  EXPECT_THAT(manager->read()->dns_servers, ElementsAre(address("10.77.0.53"), address("fe80::1")));
}

}  // namespace
}  // namespace ipsec::agent::tests
