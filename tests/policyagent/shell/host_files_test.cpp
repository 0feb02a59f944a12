#include "services/policyagent/shell/host_files.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HostServers of_lease(const std::string& text) {
  std::istringstream lines(text);
  HostServers servers;
  read_lease(lines, servers);
  return servers;
}

TEST(HostFiles, the_newest_lease_of_each_interface_counts) {
  const HostServers servers = of_lease(
      "lease {\n  interface \"eth0\";\n  option dhcp-server-identifier 10.0.0.1;\n}\n"
      "lease {\n  interface \"eth0\";\n  option dhcp-server-identifier 10.0.0.2;\n"
      "  option netbios-name-servers 10.0.0.5,10.0.0.6;\n}\n"
      "lease {\n  interface \"eth1\";\n  option dhcp-server-identifier 192.168.0.1;\n}\n");
  EXPECT_THAT(servers.dhcp, ElementsAre(address("10.0.0.2"), address("192.168.0.1")));
  EXPECT_THAT(servers.wins, ElementsAre(address("10.0.0.5"), address("10.0.0.6")));
}

TEST(HostFiles, leases_of_networkd_and_network_manager) {
  EXPECT_THAT(of_lease("# private\nADDRESS=10.0.0.7\nSERVER_ADDRESS=10.0.0.1\nDNS=10.0.0.53\n").dhcp,
              ElementsAre(address("10.0.0.1")));
}

TEST(HostFiles, what_does_not_parse_is_passed_over) {
  const HostServers servers =
      of_lease("}\n{{{\noption\nSERVER_ADDRESS=\nSERVER_ADDRESS=x\nlease {\noption dhcp-server-identifier ,;\n}\n");
  EXPECT_THAT(servers.dhcp, IsEmpty());
  EXPECT_THAT(servers.wins, IsEmpty());
}

TEST(HostFiles, a_lease_that_comes_later_is_noticed_and_read) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() + "/leases");
  const HostFiles files{directory.path() + "/resolv.conf", {directory.path() + "/leases", "/nonexistent"}};
  HostFileWatch watch(files);
  EXPECT_FALSE(watch.drain());
  std::ofstream(directory.path() + "/leases/2") << "SERVER_ADDRESS=10.0.0.1\n";
  std::ofstream(directory.path() + "/resolv.conf.new") << "nameserver 10.0.0.53\n";
  std::filesystem::rename(directory.path() + "/resolv.conf.new", directory.path() + "/resolv.conf");
  pollfd waiting{watch.descriptor(), POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, 1000), 1);
  EXPECT_TRUE(watch.drain());
  const HostServers servers = read_host_files(watch.files());
  EXPECT_THAT(servers.dhcp, ElementsAre(address("10.0.0.1")));
  EXPECT_THAT(servers.dns, ElementsAre(address("10.0.0.53")));
}

}  // namespace
}  // namespace ipsec::agent::tests
