#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/logging.h"
#include "services/common/daemon/notify.h"
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

TEST(Options, the_agents_options_are_accepted_by_every_daemon) {
  const ConfigurationFile file(
      "# where policies come from\ncentral-store = sqlite:/mnt/policies/central.db   ; a share\ncentral-timeout = 3\n"
      "polling-interval = \"15\"\nkey-file = \"/etc/policyagent/a \\\"key\\\"\"\n\nnic = [ eth0 , \"eth1\" ]\n");
  for (const char* program : {"policyagentd", "ipsec-iked"}) {
    Options options;
    OptionParser parser(program, "test", options);
    const char* arguments[] = {program, "--config", file.path()};
    EXPECT_EQ(parser.parse(3, arguments), std::nullopt) << program;
    EXPECT_EQ(options.agent.central_store, "sqlite:/mnt/policies/central.db");
    EXPECT_EQ(options.agent.central_timeout_seconds, 3U);
    EXPECT_EQ(options.agent.polling_interval_minutes, 15U);
    EXPECT_EQ(options.agent.key_file, "/etc/policyagent/a \"key\"");
    EXPECT_EQ(options.interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  }
}

TEST(Options, the_drivers_options_are_accepted_by_every_daemon) {
  const ConfigurationFile file("workers = 3\ncrypto-engine = openssl\ncrypto-offload = look-aside\n");
  for (const char* program : {"policyagentd", "ipsec-iked", "ipsec-driverd"}) {
    Options options;
    EXPECT_EQ(options.driver.workers, 0U);
    EXPECT_EQ(options.driver.crypto_engine, "auto");
    EXPECT_EQ(options.driver.crypto_offload, "off");
    OptionParser parser(program, "test", options);
    const char* arguments[] = {program, "--config", file.path()};
    EXPECT_EQ(parser.parse(3, arguments), std::nullopt) << program;
    EXPECT_EQ(options.driver.workers, 3U);
    EXPECT_EQ(options.driver.crypto_engine, "openssl");
    EXPECT_EQ(options.driver.crypto_offload, "look-aside");
  }
}

// Each complaint names file, line, option and what is accepted.
TEST(Options, PA_03_what_is_wrong_in_a_configuration_file_is_named) {
  struct Row {
    const char* text;
    std::vector<const char*> complaint;
  };
  const Row table[] = {
      {"\n\ncentral-stor = x\n", {"line 3", "there is no option 'central-stor'", "central-store"}},
      {"log-level = loud\n", {"line 1", "'log-level' is 'loud'", "debug"}},
      {"# x\ncentral-timeout = 0\n", {"line 2", "'central-timeout' is '0'", "accepted are 1 to 300 seconds"}},
      {"central-timeout = soon\n", {"'soon'", "accepted are 1 to 300 seconds"}},
      {"polling-interval = -1\n", {"'-1'", "accepted are 1 to", "minutes"}},
      {"state-dir = [\"a\", \"b\"]\n", {"line 1", "'state-dir' takes one value, found 2"}},
      {"state-dir\n", {"line 1", "name = value"}},
      {"state-dir =\n", {"line 1", "a value is missing"}},
      {"state-dir = \"/a\n", {"line 1", "does not end"}},
      {"nic = [eth0\n", {"line 1", "ends with ]"}},
      {"state-dir = /a b\n", {"'state-dir' has something behind its value"}},
      {"[section]\n", {"line 1", "name = value"}},
      {"workers = 65\n", {"'65'", "accepted are 1 to 64 threads"}},
      {"crypto-engine = gpu\n", {"'crypto-engine' is 'gpu'", "ipsec-mb", "openssl"}},
      {"crypto-offload = on\n", {"'crypto-offload' is 'on'", "look-aside"}},
      {"help = 1\n", {"there is no option 'help'"}},
  };
  for (const Row& row : table) {
    const ConfigurationFile file(row.text);
    Options options;
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    EXPECT_NE(parse(options, {"--config", file.path()}).value_or(0), 0) << row.text;
    const std::string text = testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout();
    EXPECT_NE(text.find(file.path()), std::string::npos) << text;
    for (const char* part : row.complaint) EXPECT_NE(text.find(part), std::string::npos) << row.text << text;
  }
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
  kill(getpid(), SIGUSR2);
  EXPECT_EQ(watcher.wait(), Signal::kHandOver);
  EXPECT_EQ(watcher.wait(std::chrono::milliseconds(0)), std::nullopt);
}

TEST(Notify, says_once_that_it_is_ready_and_only_to_who_asks) {
  unsetenv("NOTIFY_SOCKET");
  notify_ready();
  for (const bool abstract : {true, false}) {
    const int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = fmt::format("{}policyagent-notify-{}", abstract ? "@" : "/tmp/", getpid());
    path.copy(name.sun_path, path.size());
    if (abstract) name.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    ASSERT_EQ(bind(manager, reinterpret_cast<const sockaddr*>(&name), length), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    notify_ready();
    notify_ready();
    char text[32] = {};
    EXPECT_EQ(recv(manager, text, sizeof(text), 0), 7);
    EXPECT_STREQ(text, "READY=1");
    EXPECT_EQ(recv(manager, text, sizeof(text), 0), -1);
    EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
    close(manager);
    if (!abstract) unlink(path.c_str());
  }
}

TEST(Process, harden_forbids_dumps) {
  harden_process();
  EXPECT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

}  // namespace
}  // namespace ipsec::daemon
