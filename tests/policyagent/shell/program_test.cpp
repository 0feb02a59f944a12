#include "services/policyagent/shell/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipsec::agent {
namespace {

using testing::ElementsAre;

TEST(DaemonArguments, directories_level_and_configuration_are_passed_on) {
  daemon::Options options;
  options.runtime_directory = "/r";
  options.state_directory = "/s";
  options.log_level = "debug";
  EXPECT_THAT(daemon_arguments("/bin/ipsec-iked", options, false),
              ElementsAre("/bin/ipsec-iked", "--runtime-dir", "/r", "--state-dir", "/s", "--log-level", "debug"));
  options.config_file = "/etc/policyagent/config";
  EXPECT_THAT(daemon_arguments("/bin/ipsec-iked", options, false),
              ElementsAre("/bin/ipsec-iked", "--runtime-dir", "/r", "--state-dir", "/s", "--log-level", "debug",
                          "--config", "/etc/policyagent/config"));
}

TEST(DaemonArguments, interfaces_are_for_the_driver_alone) {
  daemon::Options options;
  options.interfaces = {"eth0", "eth1"};
  EXPECT_THAT(daemon_arguments("p", options, true), testing::IsSupersetOf({"--nic", "eth0", "--nic", "eth1"}));
  EXPECT_THAT(daemon_arguments("p", options, false), testing::Not(testing::Contains("--nic")));
}

}  // namespace
}  // namespace ipsec::agent
