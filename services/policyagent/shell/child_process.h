#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

#include "services/common/result.h"
#include "services/policyagent/shell/file_descriptor.h"

namespace ipsec::agent {

// One running process, held by a pidfd, so that no signal can ever hit another process that got its number. It is not
// ended when this object is destroyed: a driver must outlive its agent.
class ChildProcess {
 public:
  // Starts `arguments[0]` (a path) with an empty signal mask and default signal handlers. kUnavailable where it cannot
  // be executed.
  static Result<ChildProcess> spawn(const std::vector<std::string>& arguments);
  // A process that an earlier agent has started. kNotFound where it is gone.
  static Result<ChildProcess> adopt(pid_t process);

  pid_t id() const { return id_; }
  bool adopted() const { return adopted_; }
  // Readable when it has ended.
  int file_descriptor() const { return handle_.get(); }
  // Waits up to `limit`; whether it has ended.
  bool wait(std::chrono::milliseconds limit) const;
  // Whatever is left of an ended process is cleared away: "exit status 1", "signal 9", "ended" for an adopted one.
  // Requires that it has ended.
  std::string reap();
  void signal(int number) const;

 private:
  ChildProcess(pid_t id, FileDescriptor handle, bool adopted);

  pid_t id_;
  FileDescriptor handle_;
  bool adopted_;
};

}  // namespace ipsec::agent
