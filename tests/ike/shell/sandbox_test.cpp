#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/ike/shell/system_calls.h"

// What is left to a process behind the filter. Each case is a process of its own, since there is no way back.
namespace ipsec::ike {
namespace {

constexpr int kAsExpected = 40;
constexpr int kNotFiltered = 41;
constexpr int kDifferent = 42;

// The wait status of a process that enters the filter and then does `work`.
int behind_filter(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (!filter_system_calls().ok()) _exit(kNotFiltered);
    _exit(work() ? kAsExpected : kDifferent);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool goes_on(const std::function<bool()>& work) {
  const int status = behind_filter(work);
  return WIFEXITED(status) && WEXITSTATUS(status) == kAsExpected;
}

bool dies(const std::function<void()>& work) {
  const int status = behind_filter([&] {
    work();
    return true;
  });
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

bool is_refused(long result) { return result == -1 && errno == EPERM; }

class SystemCalls : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_system_call_filters()) GTEST_SKIP() << "this kernel has no seccomp filters";
  }
};

TEST_F(SystemCalls, the_work_of_ike_goes_on) {
  EXPECT_TRUE(goes_on([] {
    const int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    return one >= 0 && bind(one, reinterpret_cast<const sockaddr*>(&here), size) == 0 &&
           getsockname(one, reinterpret_cast<sockaddr*>(&here), &size) == 0 &&
           sendto(one, "x", 1, 0, reinterpret_cast<const sockaddr*>(&here), size) == 1;
  })) << "datagrams";
  EXPECT_TRUE(goes_on([] {
    bool done = false;
    std::thread([&] { done = true; }).join();
    return done;
  })) << "threads";
  EXPECT_TRUE(goes_on([] {
    const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char octet = 0;
    return file >= 0 && read(file, &octet, 1) == 1 &&
           mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
  })) << "files and memory";
}

TEST_F(SystemCalls, what_ike_does_not_need_is_refused) {
  EXPECT_TRUE(goes_on([] { return is_refused(syscall(SYS_setuid, 0)); }));
  EXPECT_TRUE(goes_on([] { return is_refused(syscall(SYS_chmod, "/tmp", 0777)); }));
  EXPECT_TRUE(goes_on([] { return is_refused(syscall(SYS_vfork)); }));
#ifndef POLICYAGENT_SANITIZED
  EXPECT_TRUE(goes_on([] { return is_refused(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0)); }))
      << "a process";
  EXPECT_TRUE(goes_on([] { return is_refused(socket(AF_PACKET, SOCK_DGRAM, 0)); }));
  EXPECT_TRUE(goes_on([] { return is_refused(socket(AF_NETLINK, SOCK_RAW, 12)); })) << "NETLINK_NETFILTER";
  EXPECT_TRUE(goes_on([] { return is_refused(kill(getppid(), 0)); }));
  EXPECT_TRUE(goes_on([] {
    const rlimit core{1, 1};
    return is_refused(setrlimit(RLIMIT_CORE, &core));
  }));
#endif
}

TEST_F(SystemCalls, what_takes_over_a_machine_kills) {
  EXPECT_TRUE(dies([] { execl("/bin/true", "true", nullptr); }));
  for (const long number :
       {SYS_execveat, SYS_mount, SYS_bpf, SYS_kexec_load, SYS_init_module, SYS_keyctl, SYS_perf_event_open,
        SYS_process_vm_readv, SYS_process_vm_writev, SYS_userfaultfd, SYS_unshare, SYS_setns, SYS_io_uring_setup}) {
    EXPECT_TRUE(dies([&] { syscall(number, 0, 0, 0, 0, 0); })) << "system call " << number;
  }
#ifndef POLICYAGENT_SANITIZED
  EXPECT_TRUE(dies([] { ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }));
#endif
}

TEST_F(SystemCalls, threads_that_run_already_are_behind_it_too) {
  const pid_t child = fork();
  if (child == 0) {
    int ready[2];
    if (pipe(ready) != 0) _exit(kDifferent);
    std::thread early([&] {
      char octet = 0;
      if (read(ready[0], &octet, 1) == 1) execl("/bin/true", "true", nullptr);
    });
    if (!filter_system_calls().ok() || write(ready[1], "x", 1) != 1) _exit(kNotFiltered);
    early.join();
    _exit(kAsExpected);
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  EXPECT_TRUE(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSYS);
}

}  // namespace
}  // namespace ipsec::ike
