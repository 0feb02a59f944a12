#include "services/policyagent/core/host_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HostChanges, IM_02_addresses_that_come_and_go) {
  EXPECT_THAT(changes_between(lan_host({"10.77.0.1/24", "10.77.0.2/24"}), lan_host({"10.77.0.2/24", "fd77::1/64"})),
              ElementsAre(HostChange{"address_removed", "eth0", "10.77.0.1/24"},
                          HostChange{"address_added", "eth0", "fd77::1/64"}));
}

TEST(HostChanges, interfaces_that_come_and_go_take_their_addresses_along) {
  HostAddresses other;
  add_interface(other, "eth1", InterfaceKind::kLan, {"10.78.0.1/24"});
  EXPECT_THAT(changes_between(lan_host({"10.77.0.1/24"}), other),
              ElementsAre(HostChange{"address_removed", "eth0", "10.77.0.1/24"},
                          HostChange{"interface_removed", "eth0", ""}, HostChange{"interface_added", "eth1", ""},
                          HostChange{"interface_up", "eth1", ""}, HostChange{"address_added", "eth1", "10.78.0.1/24"}));
}

TEST(HostChanges, IM_07_up_and_down_do_not_ask_for_another_policy) {
  const HostAddresses up = lan_host({"10.77.0.1/24"});
  HostAddresses down = up;
  down.interfaces[0].up = false;
  EXPECT_THAT(changes_between(up, down), ElementsAre(HostChange{"interface_down", "eth0", ""}));
  EXPECT_THAT(changes_between(down, up), ElementsAre(HostChange{"interface_up", "eth0", ""}));
  EXPECT_THAT(changes_between(up, up), IsEmpty());
  EXPECT_FALSE(compiles_differently(up, down));
}

TEST(HostChanges, addresses_kinds_and_servers_ask_for_another_policy) {
  const HostAddresses host = lan_host({"10.77.0.1/24"});
  EXPECT_TRUE(compiles_differently(host, lan_host({"10.77.0.2/24"})));
  HostAddresses changed = host;
  changed.gateways = {address("10.77.0.254")};
  EXPECT_TRUE(compiles_differently(host, changed));
  changed = host;
  changed.interfaces[0].kind = InterfaceKind::kDialup;
  EXPECT_TRUE(compiles_differently(host, changed));
}

}  // namespace
}  // namespace ipsec::agent::tests
