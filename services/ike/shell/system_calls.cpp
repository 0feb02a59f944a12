#include "services/ike/shell/system_calls.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace ipsec::ike {

namespace {

// clang-format off
constexpr std::array kAllowed{
    // Datagrams, the sockets of gRPC and what waits for them.
    "socketpair", "bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "read", "write", "readv", "writev", "pread64", "pwrite64",
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd2", "pipe2", "signalfd4", "timerfd_create", "timerfd_settime", "close", "close_range", "dup", "dup2", "dup3", "fcntl",
    // Files: certificates, keys and lists of revoked ones, with the locks of SQLite in tokens; modules of OpenSSL and glibc.
    "open", "openat", "openat2", "stat", "lstat", "fstat", "newfstatat", "statx", "fstatfs", "statfs", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getcwd", "getdents64", "lseek", "flock", "fsync", "fdatasync", "ftruncate", "fallocate", "fchmod", "umask",
    "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "utimensat",
    // Memory.
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mlock", "mlock2", "munlock", "mincore", "membarrier",
    // Threads, signals and the end.
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "gettid", "getpid", "getppid", "tgkill",
    "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu",
    "arch_prctl", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack", "restart_syscall",
    "exit", "exit_group",
    // Time, randomness, and questions about this process and machine.
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrandom", "getrusage", "uname",
    "sysinfo", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
};

// Of no use to this daemon and of much to who takes it over.
constexpr std::array kDeadly{
    "execve", "execveat", "mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "mount_setattr", "chroot",
    "bpf", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "keyctl", "add_key", "request_key",
    "perf_event_open", "process_vm_readv", "process_vm_writev", "userfaultfd", "unshare", "setns", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "pidfd_getfd", "kcmp", "iopl", "ioperm", "swapon", "swapoff", "reboot", "open_by_handle_at", "personality",
};
// clang-format on

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using CallFilter = std::unique_ptr<void, Release>;

// Collects the first failure; a name that this architecture does not have is none.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  template <typename... Conditions>
  void add(std::uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || error_ != 0) return;
    const std::array<scmp_arg_cmp, sizeof...(conditions)> all{conditions...};
    error_ = seccomp_rule_add_array(filter_, action, number, sizeof...(conditions), all.data());
    if (error_ != 0) name_ = name;
  }
  void set(scmp_filter_attr attribute) {
    if (error_ == 0) error_ = seccomp_attr_set(filter_, attribute, 1);
  }
  void load() {
    if (error_ == 0) error_ = seccomp_load(filter_);
  }

  Status status() const {
    if (error_ == 0) return {};
    return refused(fmt::format("cannot filter system calls{}{}: {}", *name_ != '\0' ? ", rule for " : "", name_,
                               std::strerror(-error_)));
  }

 private:
  scmp_filter_ctx filter_;
  int error_ = 0;
  const char* name_ = "";
};

#ifdef POLICYAGENT_SANITIZED

// clang-format off
// The runtimes stop all threads from a process of their own to look for leaks, and ask for more about their threads.
constexpr std::array kOfSanitizers{
    "clone", "ptrace", "wait4", "prctl", "kill", "tkill", "getrlimit", "setrlimit", "prlimit64", "sched_setaffinity", "sched_setscheduler", "ioctl",
    "pipe", "fork", "socket",
};
// clang-format on

void add_conditional(Rules& rules) {
  for (const char* name : kOfSanitizers) rules.add(SCMP_ACT_ALLOW, name);
}

#else

scmp_arg_cmp argument(unsigned index, scmp_compare compare, scmp_datum_t a, scmp_datum_t b = 0) {
  return {index, compare, a, b};
}

// Where the arguments decide.
void add_conditional(Rules& rules) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    rules.add(SCMP_ACT_ALLOW, "socket", argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
  }
  // getaddrinfo and getifaddrs.
  rules.add(SCMP_ACT_ALLOW, "socket", argument(0, SCMP_CMP_EQ, AF_NETLINK), argument(2, SCMP_CMP_EQ, 0));
  // Threads only, no processes.
  rules.add(SCMP_ACT_ALLOW, "clone", argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE}) {
    rules.add(SCMP_ACT_ALLOW, "prctl", argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(option)));
  }
  rules.add(SCMP_ACT_ALLOW, "prctl", argument(0, SCMP_CMP_EQ, PR_SET_DUMPABLE), argument(1, SCMP_CMP_EQ, 0));
  for (const unsigned request : {FIONREAD, FIONBIO, TCGETS}) {
    rules.add(SCMP_ACT_ALLOW, "ioctl", argument(1, SCMP_CMP_EQ, request));
  }
  // Reading limits, and only its own.
  rules.add(SCMP_ACT_ALLOW, "prlimit64", argument(0, SCMP_CMP_EQ, 0), argument(2, SCMP_CMP_EQ, 0));
  rules.add(SCMP_ACT_KILL_PROCESS, "ptrace");
}

#endif

}  // namespace

bool has_system_call_filters() { return seccomp_api_get() >= 3; }

Status filter_system_calls() {
  const CallFilter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return refused("cannot filter system calls: no memory");
  Rules rules(filter.get());
  rules.set(SCMP_FLTATR_CTL_TSYNC);
  rules.set(SCMP_FLTATR_CTL_LOG);
  // glibc's way around a clone3, whose flags no filter can see.
  rules.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  add_conditional(rules);
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  for (const char* name : kDeadly) rules.add(SCMP_ACT_KILL_PROCESS, name);
  rules.load();
  return rules.status();
}

}  // namespace ipsec::ike
