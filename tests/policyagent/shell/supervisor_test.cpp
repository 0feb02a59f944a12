#include "services/policyagent/shell/supervisor.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "services/common/rpc/server.h"
#include "services/policyagent/shell/limits.h"
#include "tests/policyagent/shell/temporary_directory.h"

namespace ipsec::agent::tests {
namespace {

constexpr std::chrono::seconds kPatience{20};

class SupervisorTest : public testing::Test {
 protected:
  Supervisor::Settings settings(const std::string& mode) const { return settings(mode, POLICYAGENT_FAKE_DAEMON); }
  Supervisor::Settings settings(const std::string& mode, const std::string& program) const {
    return {"driver", {program, mode, socket()}, socket()};
  }
  std::string socket() const { return directory_.path() + "/driver.sock"; }

  // The next event of that name; its "process" field where it has one, else 0. -1: none came.
  int await(const std::string& name) {
    for (;;) {
      const auto event = queue_->pop(kPatience);
      if (!event) return -1;
      if (event->name() != name) continue;
      const auto process = event->fields().find("process");
      return process == event->fields().end() ? 0 : std::stoi(process->second);
    }
  }

  TemporaryDirectory directory_;
  EventLog events_;
  std::shared_ptr<EventLog::Queue> queue_ = events_.watch(0);
};

TEST_F(SupervisorTest, PA_25_a_killed_daemon_is_started_again) {
  Supervisor supervisor(settings("run"), events_);
  EXPECT_EQ(supervisor.state().process, 0);
  supervisor.start();
  for (std::uint32_t round = 0; round < 3; ++round) {
    const int process = await("service_started");
    ASSERT_GT(process, 0);
    ASSERT_TRUE(supervisor.wait_ready(kPatience));
    EXPECT_EQ(supervisor.state().process, process);
    EXPECT_EQ(supervisor.state().restarts, round);
    kill(process, SIGKILL);
    EXPECT_EQ(await("service_died"), process);
  }
}

TEST_F(SupervisorTest, PA_07_stop_ends_the_daemon_and_does_not_start_it_again) {
  int process = 0;
  {
    Supervisor supervisor(settings("run"), events_);
    supervisor.start();
    process = await("service_started");
    ASSERT_TRUE(supervisor.wait_ready(kPatience));
    supervisor.stop();
    EXPECT_EQ(supervisor.state().process, 0);
  }
  EXPECT_EQ(await("service_stopped"), 0);
  EXPECT_EQ(kill(process, 0), -1);
}

TEST_F(SupervisorTest, a_daemon_that_does_not_listen_is_killed) {
  Supervisor supervisor(settings("stubborn"), events_);
  supervisor.start();
  const int process = await("service_started");
  ASSERT_TRUE(supervisor.wait_ready(kPatience));
  supervisor.stop();
  EXPECT_EQ(kill(process, 0), -1);
}

TEST_F(SupervisorTest, a_daemon_that_dies_at_once_is_tried_again_with_growing_pauses) {
  Supervisor supervisor(settings("die"), events_);
  supervisor.start();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) ASSERT_GT(await("service_died"), 0);
  // 100 + 200 + 400 ms between the four.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(650));
}

TEST_F(SupervisorTest, a_missing_program_is_reported_and_stop_still_works) {
  Supervisor supervisor(settings("run", "/nonexistent/ipsec-driverd"), events_);
  supervisor.start();
  EXPECT_EQ(await("service_start_failed"), 0);
  EXPECT_EQ(supervisor.state().process, 0);
}

TEST_F(SupervisorTest, a_daemon_left_by_a_killed_agent_is_taken_over) {
  auto left_behind = ChildProcess::spawn({POLICYAGENT_FAKE_DAEMON, "run", socket()});
  ASSERT_TRUE(left_behind.ok());
  Supervisor supervisor(settings("run"), events_);
  ASSERT_TRUE(supervisor.wait_ready(kPatience));
  supervisor.start();
  EXPECT_EQ(await("service_adopted"), left_behind->id());
  EXPECT_EQ(supervisor.state().restarts, 0U);

  left_behind->signal(SIGKILL);
  EXPECT_EQ(await("service_died"), left_behind->id());
  left_behind->reap();
  EXPECT_NE(await("service_started"), left_behind->id());
  EXPECT_EQ(supervisor.state().restarts, 1U);
}

TEST_F(SupervisorTest, a_daemon_of_an_older_program_is_replaced) {
  const std::string program = directory_.path() + "/daemon";
  std::filesystem::copy_file(POLICYAGENT_FAKE_DAEMON, program);
  auto outdated = ChildProcess::spawn({program, "run", socket()});
  ASSERT_TRUE(outdated.ok());
  Supervisor::Settings upgraded = settings("run", program);
  upgraded.replace_signal = SIGKILL;
  Supervisor supervisor(upgraded, events_);
  ASSERT_TRUE(supervisor.wait_ready(kPatience));
  // As an installer does it: another file under the same name, while the old one still runs.
  std::filesystem::copy_file(POLICYAGENT_FAKE_DAEMON, program + ".new");
  std::filesystem::rename(program + ".new", program);
  supervisor.start();
  EXPECT_EQ(await("service_replaced"), outdated->id());
  EXPECT_EQ(outdated->reap(), "signal 9");
  const int process = await("service_started");
  EXPECT_GT(process, 0);
  EXPECT_NE(process, outdated->id());
}

TEST_F(SupervisorTest, a_daemon_that_is_left_goes_on) {
  Supervisor supervisor(settings("run"), events_);
  supervisor.start();
  const int process = await("service_started");
  ASSERT_TRUE(supervisor.wait_ready(kPatience));
  supervisor.leave();
  EXPECT_EQ(rpc::serving_process(socket()), process);
  Supervisor next(settings("run"), events_);
  next.start();
  EXPECT_EQ(await("service_adopted"), process);
}

TEST(ChildProcess, says_how_it_ended) {
  const TemporaryDirectory directory;
  auto dies = ChildProcess::spawn({POLICYAGENT_FAKE_DAEMON, "die", directory.path() + "/s"});
  ASSERT_TRUE(dies.ok());
  ASSERT_TRUE(dies->wait(kPatience));
  EXPECT_EQ(dies->reap(), "exit status 3");
  auto killed = ChildProcess::spawn({POLICYAGENT_FAKE_DAEMON, "run", directory.path() + "/s"});
  ASSERT_TRUE(killed.ok());
  EXPECT_FALSE(killed->wait(std::chrono::milliseconds(0)));
  killed->signal(SIGKILL);
  ASSERT_TRUE(killed->wait(kPatience));
  EXPECT_EQ(killed->reap(), "signal 9");
}

}  // namespace
}  // namespace ipsec::agent::tests
