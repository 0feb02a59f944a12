#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/event_log.h"
#include "store/edit_dynamic.h"

namespace ipsec::agent {

// The dynamic policy, which is gone when the agent ends, and the properties, which are kept in a file. Safe from any
// thread.
class RunningPolicy {
 public:
  // `agent` and `events` must outlive it. A file that cannot be read is an event, and every property has its default.
  // Empty path: properties are kept in memory only.
  RunningPolicy(Agent& agent, EventLog& events, std::string config_path);

  store::RunningState state() const;

  // One transaction: all of `changes`, then what `apply_stored` does to the stored policies, or nothing of either.
  // Only a dynamic policy that is too large to compile, or a file that cannot be written, is found after the stored
  // changes are made: a Status then, and the dynamic policy and the properties stay as they were.
  // Problem::change_index counts in `changes` or in what `apply_stored` was given; `from_stored` tells which.
  struct Outcome {
    store::Problems problems;
    bool from_stored = false;
  };
  Result<Outcome> apply(const std::vector<store::DynamicChange>& changes,
                        const std::function<Result<store::Problems>()>& apply_stored);

 private:
  Status take(store::RunningState state);

  Agent& agent_;
  EventLog& events_;
  const std::string config_path_;
  mutable std::mutex mutex_;
  store::RunningState state_;
};

}  // namespace ipsec::agent
