#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/logging.h"
#include "services/common/daemon/options.h"
#include "services/common/daemon/process.h"
#include "services/common/daemon/signals.h"

namespace ipsec::daemon {
namespace {

std::optional<int> parse(Options& options, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "policyagentd");
  OptionParser parser("policyagentd", "test", options);
  return parser.parse(static_cast<int>(arguments.size()), arguments.data());
}

class ConfigurationFile {
 public:
  explicit ConfigurationFile(const std::string& text) {
    char pattern[] = "/tmp/policyagent-config-XXXXXX";
    close(mkstemp(pattern));
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~ConfigurationFile() { std::filesystem::remove(path_); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

TEST(Options, defaults) {
  Options options;
  EXPECT_EQ(parse(options, {}), std::nullopt);
  EXPECT_EQ(options.runtime_directory, "/run/policyagent");
  EXPECT_EQ(options.state_directory, "/var/lib/policyagent");
  EXPECT_TRUE(options.interfaces.empty());
  EXPECT_EQ(options.config_file, "");
}

TEST(Options, command_line) {
  Options options;
  EXPECT_EQ(parse(options,
                  {"--runtime-dir", "/r", "--state-dir=/s", "--nic", "eth0", "--nic", "eth1", "--log-level", "debug"}),
            std::nullopt);
  EXPECT_EQ(options.runtime_directory, "/r");
  EXPECT_EQ(options.state_directory, "/s");
  EXPECT_EQ(options.interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_EQ(options.log_level, "debug");
}

TEST(Options, configuration_file_yields_to_the_command_line) {
  const ConfigurationFile file(
      "runtime-dir = \"/from-file\"\nstate-dir = \"/state-from-file\"\nnic = [\"eth0\", \"eth1\"]\n");
  Options options;
  EXPECT_EQ(parse(options, {"--config", file.path(), "--runtime-dir", "/r"}), std::nullopt);
  EXPECT_EQ(options.config_file, file.path());
  EXPECT_EQ(options.runtime_directory, "/r");
  EXPECT_EQ(options.state_directory, "/state-from-file");
  EXPECT_EQ(options.interfaces, (std::vector<std::string>{"eth0", "eth1"}));
}

TEST(Options, bad_input_is_refused) {
  Options options;
  EXPECT_NE(parse(options, {"--no-such-option"}).value_or(0), 0);
  EXPECT_NE(parse(options, {"--log-level", "loud"}).value_or(0), 0);
  EXPECT_NE(parse(options, {"--config", "/nonexistent/file"}).value_or(0), 0);
  const ConfigurationFile file("no-such-option = 1\n");
  EXPECT_NE(parse(options, {"--config", file.path()}).value_or(0), 0);
  EXPECT_EQ(parse(options, {"--help"}), 0);
}

std::string line(std::string_view name, std::initializer_list<LogField> fields) {
  return format_line(name, std::span<const LogField>(fields.begin(), fields.size()));
}

TEST(Logging, values_cannot_break_the_line) {
  EXPECT_EQ(line("started", {}), "started");
  EXPECT_EQ(line("policy_set", {{"version", 7}, {"name", "Partner link"}}),
            "policy_set version=7 name=\"Partner link\"");
  EXPECT_EQ(line("x", {{"a", "one\ntwo=\"3\"\\"}}), "x a=\"one\\x0atwo=\\\"3\\\"\\\\\"");
  EXPECT_EQ(line("x", {{"empty", ""}}), "x empty=\"\"");
}

TEST(Clock, never_goes_back) {
  const Timestamp first = monotonic_now();
  EXPECT_LE(first, monotonic_now());
  EXPECT_GT(wall_clock_ms(), 1700000000000);
}

TEST(Signals, are_read_as_values) {
  SignalWatcher watcher;
  EXPECT_EQ(watcher.read(), std::nullopt);
  kill(getpid(), SIGHUP);
  EXPECT_EQ(watcher.wait(), Signal::kReload);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(watcher.wait(), Signal::kStop);
  EXPECT_EQ(watcher.wait(std::chrono::milliseconds(0)), std::nullopt);
}

TEST(Process, harden_forbids_dumps) {
  harden_process();
  EXPECT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

}  // namespace
}  // namespace ipsec::daemon
