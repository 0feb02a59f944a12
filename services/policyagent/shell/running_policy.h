#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/config_file.h"
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
  // The values that the services go by: some wait for the next start (EX-06).
  store::Config config_in_effect() const;

  // One transaction: all of `changes`, then what `apply_stored` does to the stored policies, or nothing of either. The
  // file of the properties is written and the dynamic policy compiled before the stored policies are touched. What is
  // found only afterwards: that both together, changed in one request, are too much for the driver (kExhausted). Then
  // the dynamic policy stays as it was.
  // Problem::change_index counts in `changes` or in what `apply_stored` was given; `from_stored` tells which.
  struct Outcome {
    store::Problems problems;
    bool from_stored = false;
  };
  Result<Outcome> apply(const std::vector<store::DynamicChange>& changes,
                        const std::function<Result<store::Problems>()>& apply_stored);

 private:
  Result<std::optional<FileDraft>> draft_of(const store::Config& config) const;
  Status put_in_force(const store::RunningState& state);

  Agent& agent_;
  EventLog& events_;
  const std::string config_path_;
  mutable std::mutex mutex_;
  store::RunningState state_;
  store::Config started_with_;
};

}  // namespace ipsec::agent
