#include "services/driver/shell/address_watch.h"

#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>

namespace ipsec::driver {
namespace {

void command(const std::string& line) { ASSERT_EQ(std::system(line.c_str()), 0) << line; }

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

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

TEST(AddressWatch, IM_02_knows_an_address_as_soon_as_the_kernel_has_it) {
  const bool possible = in_network_namespace([] {
    command("ip link set lo up");
    command("ip link add eth0 type bridge && ip address add 10.77.0.1/24 dev eth0 && ip link set eth0 up");
    auto watch = AddressWatch::open();
    ASSERT_TRUE(watch.ok()) << watch.status().message();
    EXPECT_TRUE((*watch)->contains(address("10.77.0.1")));
    EXPECT_FALSE((*watch)->contains(address("127.0.0.1")));
    EXPECT_FALSE((*watch)->contains(address("::1")));

    command("ip address add 10.77.0.101/24 dev eth0 && ip -6 address add fd77::101/64 dev eth0");
    EXPECT_FALSE((*watch)->contains(address("10.77.0.101"))) << "not before refresh()";
    (*watch)->refresh();
    EXPECT_TRUE((*watch)->contains(address("10.77.0.101")));
    EXPECT_TRUE((*watch)->contains(address("fd77::101"))) << "also while it is looked for duplicates of it";
    command("ip address add 192.0.2.1/32 dev lo");
    (*watch)->refresh();
    EXPECT_TRUE((*watch)->contains(address("192.0.2.1")));
  });
  if (!possible) GTEST_SKIP() << "needs the right to make a network namespace";
}

TEST(AddressWatch, IM_06_an_address_is_gone_when_no_interface_has_it_any_more) {
  const bool possible = in_network_namespace([] {
    command(
        "ip link add eth0 type bridge && ip link add eth1 type bridge && ip link set eth0 up && ip link set eth1 up");
    command("ip address add 10.77.0.1/24 dev eth0 && ip address add 10.77.0.1/32 dev eth1");
    auto watch = AddressWatch::open();
    ASSERT_TRUE(watch.ok()) << watch.status().message();
    command("ip address delete 10.77.0.1/24 dev eth0");
    (*watch)->refresh();
    EXPECT_TRUE((*watch)->contains(address("10.77.0.1"))) << "eth1 still has it";
    command("ip link delete eth1");
    (*watch)->refresh();
    EXPECT_FALSE((*watch)->contains(address("10.77.0.1")));
  });
  if (!possible) GTEST_SKIP() << "needs the right to make a network namespace";
}

}  // namespace
}  // namespace ipsec::driver
