#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/time.h"
#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/host_addresses.h"
#include "services/policyagent/core/policy_retrieval.h"
#include "services/policyagent/shell/event_log.h"
#include "services/policyagent/shell/file_descriptor.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/policy_messages.h"
#include "store/policy_store.h"

namespace ipsec::agent {

// The Policy Agent as one object: the local store, the retrieval of the assigned policy, its compilation for this host,
// and what is in force. Everything that can change the policy ends in a new version that goes to `distribute`. All
// members are safe from any thread.
class Agent {
 public:
  using Distribute = std::function<void(PolicyPointer)>;

  // `events` must outlive it. `distribute` must return at once; it is called under the agent's lock and may not call
  // back.
  // `quick_load`: changes of the store are loaded at once while a load takes no longer, else together (see limits.h).
  Agent(store::PolicyStore store, EventLog& events, Distribute distribute, Duration quick_load = limits::kQuickLoad);

  // ---- what happens to the host ----

  // The Interface Manager's news: an event for each change, and the loaded policy compiled again where the addresses
  // differ.
  void set_host(HostAddresses host);
  // Loads the assigned policy from the first source that has one. `reason`: "start", "poll", "reload", "store changed".
  // A load that fails leaves the policy in force as it is. The outcome in one line, also kept for the status.
  std::string load(std::string_view reason);
  // A service has a policy of this version: the next one sent will be newer.
  void version_seen(std::uint64_t version);
  // When to call poll() next; kNever: not until wake_descriptor() says so.
  Timestamp next_poll() const;
  // Loads if the polling interval is over or changes of the store have settled.
  void poll();
  // Readable after next_poll() may have become earlier; drain with acknowledge_wake().
  int wake_descriptor() const { return wake_.get(); }
  void acknowledge_wake();

  // ---- administration of the local store; a successful change is in force when these return, or soon ----

  Result<store::Problems> apply(std::span<const store::Change> changes);
  Result<store::Problems> import_json(std::string_view json);
  Result<std::string> export_json(bool with_secrets, const std::string& policy);
  // Calls `reader` with the stored tree under the lock.
  Status read(const std::function<Status(const store::PolicyTree&)>& reader);

  // ---- for listings ----

  struct State {
    RetrievalState retrieval = RetrievalState::kInitial;
    std::uint32_t polling_interval_minutes = 0;
    std::string last_load_reason;
    std::string last_load_outcome;
    PolicyPointer in_force;  // never null
    HostAddresses host;
  };
  // Puts changes that still wait in force first: it never shows less than what is stored.
  State state();

 private:
  // These require the lock.
  std::string load_locked(std::string_view reason);
  Timestamp changes_due() const;
  std::string load_local();
  Status compile_and_distribute();
  void distribute_again();
  void report_problems(const CompiledPolicy& policy);
  void report_changes(const HostAddresses& host);
  std::uint64_t next_version();
  Result<store::Problems> finish_change(Result<store::Problems> outcome, const std::string& what);

  EventLog& events_;
  const Distribute distribute_;
  const Duration quick_load_;
  const FileDescriptor wake_;
  mutable std::mutex mutex_;
  store::PolicyStore store_;
  PolicyRetrieval retrieval_;
  Compiler compiler_;
  store::PolicyTree tree_;  // the assigned policy and what its rules use, as loaded last
  HostAddresses host_;
  bool loaded_once_ = false;  // before that there is nothing to send: driver and IKE keep what they have
  Duration last_load_took_{};
  Timestamp first_change_ = kNever;  // of those not yet loaded
  Timestamp last_change_ = kNever;
  std::uint64_t version_ = 0;
  std::uint64_t highest_seen_ = 0;
  PolicyPointer in_force_;
  std::string last_reason_;
  std::string last_outcome_;
};

}  // namespace ipsec::agent
