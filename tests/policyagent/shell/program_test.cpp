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
  options.certificate_directory = "/c";
  EXPECT_THAT(daemon_arguments("/bin/ipsec-iked", options, false),
              ElementsAre("/bin/ipsec-iked", "--runtime-dir", "/r", "--state-dir", "/s", "--log-level", "debug",
                          "--certificate-directory", "/c"));
  options.config_file = "/etc/policyagent/config";
  EXPECT_THAT(daemon_arguments("/bin/ipsec-iked", options, false),
              ElementsAre("/bin/ipsec-iked", "--runtime-dir", "/r", "--state-dir", "/s", "--log-level", "debug",
                          "--certificate-directory", "/c", "--config", "/etc/policyagent/config"));
}

TEST(DaemonArguments, interfaces_are_for_the_driver_alone) {
  daemon::Options options;
  options.interfaces = {"eth0", "eth1"};
  EXPECT_THAT(daemon_arguments("p", options, true), testing::IsSupersetOf({"--nic", "eth0", "--nic", "eth1"}));
  EXPECT_THAT(daemon_arguments("p", options, false), testing::Not(testing::Contains("--nic")));
}

TEST(DaemonArguments, what_is_for_the_driver_is_passed_on_to_it) {
  daemon::Options options;
  options.driver = {3, "openssl", "look-aside"};
  EXPECT_THAT(
      daemon_arguments("p", options, true),
      testing::IsSupersetOf({"--workers", "3", "--crypto-engine", "openssl", "--crypto-offload", "look-aside"}));
  EXPECT_THAT(daemon_arguments("p", options, false), testing::Not(testing::Contains("--crypto-engine")));
}

}  // namespace
}  // namespace ipsec::agent
