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

#include <absl/container/flat_hash_set.h>

#include "services/common/time.h"
#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/default_response.h"
#include "services/policyagent/core/host_addresses.h"
#include "services/policyagent/core/host_names.h"
#include "services/policyagent/core/policy_retrieval.h"
#include "services/policyagent/shell/central_store.h"
#include "services/policyagent/shell/event_log.h"
#include "services/policyagent/shell/file_descriptor.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/local_store.h"
#include "services/policyagent/shell/name_watch.h"
#include "services/policyagent/shell/policy_cache.h"
#include "services/policyagent/shell/policy_marker.h"
#include "services/policyagent/shell/policy_messages.h"
#include "store/policy_store.h"

namespace ipsec::agent {

// The stores that a host has. A central one comes with a cache.
struct AgentStores {
  AgentStores(LocalStore local_store) : local(std::move(local_store)) {}
  AgentStores(store::PolicyStore local_store) : local(std::move(local_store)) {}
  LocalStore local;
  std::unique_ptr<CentralStore> central = {};
  std::unique_ptr<PolicyCache> cache = {};
  std::uint32_t default_polling_minutes = kDefaultPollingMinutes;
  // Where it is remembered that a policy was in force (PolicyMarker); empty: nowhere.
  std::string marker_path = {};
};

// The reason of loads after changes of the local store.
inline constexpr std::string_view kStoreChanged = "store changed";

// A change of the store is loaded at once if the load before was quick, or has been over for `rest` times as long as it
// took; else together with others (see limits.h).
struct LoadPace {
  Duration quick = limits::kQuickLoad;
  unsigned rest = limits::kLoadRest;
};

// Which of them administration means.
enum class StoreName : std::uint8_t { kLocal, kCentral, kCache };
std::string_view name(StoreName store);  // "local", "central", "cache"

// What is known about one store, for listings.
struct StoreRecord {
  StoreName name = StoreName::kLocal;
  std::string location;
  bool asked = false;
  bool answered = false;  // the last time; if not, `problem` says why
  bool in_force = false;
  std::string policy_name{};  // assigned there when it was read last
  std::string version{};      // of its content then
  store::WallClock read_at = 0;
  std::string problem{};
};

// The Policy Agent as one object: the stores, the retrieval of the assigned policy, its compilation for this host,
// and what is in force. Everything that can change the policy ends in a new version that goes to `distribute`. All
// members are safe from any thread.
class Agent {
 public:
  using Distribute = std::function<void(PolicyPointer)>;

  // `events` must outlive it. `distribute` must return at once; it is called under the agent's lock and may not call
  // back.
  // `pace`: when changes of the store are loaded at once.
  // `resolver` looks up the host names of filters; without it they keep the addresses that are stored.
  Agent(AgentStores stores, EventLog& events, Distribute distribute, LoadPace pace = {},
        NameWatch::Resolver resolver = {});
  // Waits a moment for a central store that is just being read; one that hangs is left to its thread.
  ~Agent();

  // From now on nothing is distributed but by the calls below.
  void stop();

  // ---- what happens to the host ----

  // The Interface Manager's news: an event for each change, and the loaded policy compiled again where the addresses
  // differ.
  void set_host(HostAddresses host);
  // Host names are looked up again, whatever the lifetime of the answers: another network may have other answers.
  void look_up_names();
  // Loads the assigned policy from the first source that has one, as core/policy_retrieval.h tells. `reason`: "start",
  // "poll", "reload", "store changed". A load that fails leaves the policy in force as it is. Waits for a central store
  // as long as its patience lasts; the outcome in one line, also kept for the status.
  std::string load(std::string_view reason);
  // The same without waiting: poll() goes on with it when wake_descriptor() says so.
  void begin_load(std::string_view reason);
  // How the driver has to begin: whether a policy was in force when the agent ran last, and whether it may be one of
  // the local store, which cannot be read.
  bool had_policy() const;
  bool local_store_is_readable() const;
  // A service has a policy of this version: the next one sent will be newer.
  void version_seen(std::uint64_t version);
  // When to call poll() next; kNever: not until wake_descriptor() says so.
  Timestamp next_poll() const;
  // Loads if the polling interval is over, changes of the store have settled, or a central store is back; goes on with
  // a load whose central store has answered or ran out of time. Never waits.
  void poll();
  // Readable after next_poll() may have become earlier; drain with acknowledge_wake().
  int wake_descriptor() const { return wake_.get(); }
  void acknowledge_wake();

  // ---- administration; a successful change is in force when these return, or soon ----
  // kRefused: this host has no such store, or (ST-11) the cache is to be changed.

  // `is_batch`: of the local store, loaded with the next change that is none, by load(), or kBatchLatest after the
  // first.
  Result<store::Problems> apply(std::span<const store::Change> changes, StoreName where = StoreName::kLocal,
                                bool is_batch = false);
  Result<store::Problems> import_json(std::string_view json, StoreName where = StoreName::kLocal);
  Result<std::string> export_json(bool with_secrets, const std::string& policy, StoreName where = StoreName::kLocal);
  // Lays this over the assigned policy, and gives driver and IKE these settings. kExhausted, and everything stays as it
  // was: both policies together are too much.
  Status set_dynamic(store::DynamicPolicy policy, const ServiceSettings& settings);
  // What set_dynamic() would say now.
  Status check_dynamic(const store::DynamicPolicy& policy);
  // A peer asks for this traffic: makes dynamic filters for it beside the policy in force, unless there are some.
  // kRefused, kExhausted: as core/default_response.h says. kUnavailable: nothing is loaded yet.
  Status grant(const FilterRequest& request);
  bool has_dynamic_filters() const;
  // The driver has SAs of these filters now: those that were idle for too long go.
  void dynamic_filters_in_use(const absl::flat_hash_set<std::uint64_t>& filter_ids);
  // The URI of the central store; empty: this host has none.
  const std::string& central_location() const;
  // Calls `reader` with the stored tree, that of the local store under the lock.
  Status read(const std::function<Status(const store::PolicyTree&)>& reader, StoreName where = StoreName::kLocal);

  // ---- for listings ----

  // A copy of the assigned policy as it was loaded last, and of what its rules use.
  store::PolicyTree assigned_tree() const;

  struct State {
    RetrievalState retrieval = RetrievalState::kInitial;
    std::uint32_t polling_interval_minutes = 0;
    std::string last_load_reason;
    std::string last_load_outcome;
    PolicyPointer in_force;  // never null
    HostAddresses host;
    std::vector<StoreRecord> stores;  // in the order in which they are tried
    Timestamp next_poll = kNever;
    std::uint64_t loads = 0;
    store::WallClock last_load_at = 0;
  };
  // Puts changes that still wait in force first: it never shows less than what is stored.
  State state();

 private:
  // ---- retrieval (agent_retrieval.cpp); these require the lock ----

  void begin(LoadTrigger trigger, std::string_view reason);
  // Until the load needs the central store's answer, or is over.
  void follow(NextStep next);
  // True if the load can go on, and went on.
  bool go_on();
  // Lets go of the lock while it waits.
  void finish_load(std::unique_lock<std::mutex>& lock);
  bool ask_central();
  bool cache_holds(const store::Origin& origin);
  SourceAnswer central_answered(const CentralStore::Answer& answer);
  SourceAnswer read_cache();
  SourceAnswer read_local();
  NextStep answered(SourceAnswer answer);
  // Puts the tree in force; what cannot be compiled leaves everything as it is.
  Status take(store::PolicyTree tree, const store::KeyVault& vault, std::string_view from);
  void withdraw();
  void keep_copy(const store::SourcePolicy& policy);
  void clear_cache();
  SourceAnswer source_failed(StoreRecord& record, std::string_view source, const Status& status);
  void report_load();
  void report_lost_keys(std::vector<std::string> lost);
  void remember(bool in_force);

  // ---- these require the lock, too ----

  void names_changed(KnownNames news);
  void follow_names();
  Timestamp changes_due() const;
  Result<CompiledPolicy> compile_for_host(const store::DynamicPolicy& dynamic);
  Status compile_and_distribute();
  // With the dynamic filters, under a new version.
  void put_in_force();
  Status check_writable(StoreName where) const;
  Result<store::Problems> change_central(std::function<Result<store::Problems>(store::PolicyStore&)> make,
                                         const std::string& what);
  // Without the lock: the tree of a store that is not the local one.
  Result<store::PolicyTree> read_other(StoreName where);
  void distribute_again();
  void report_problems(const CompiledPolicy& policy);
  void report_changes(const HostAddresses& host);
  std::uint64_t next_version();
  Result<store::Problems> finish_change(Result<store::Problems> outcome, const std::string& what,
                                        bool is_batch = false);

  EventLog& events_;
  const Distribute distribute_;
  const LoadPace pace_;
  const FileDescriptor wake_;
  mutable std::mutex mutex_;
  LocalStore store_;
  const std::unique_ptr<CentralStore> central_;
  const std::unique_ptr<PolicyCache> cache_;
  PolicyRetrieval retrieval_;
  // Of the load under way: the central store's answer, awaited until then.
  CentralStore::Pending central_answer_;
  Timestamp central_deadline_ = kNever;
  std::string failures_;  // of the sources asked so far, for the outcome
  // Which central content is in force, from the central store itself or from its copy.
  std::optional<store::Origin> origin_;
  PolicyMarker marker_;
  StoreRecord central_record_;
  StoreRecord cache_record_;
  StoreRecord local_record_;
  std::uint64_t loads_ = 0;
  store::WallClock last_load_at_ = 0;
  std::vector<std::string> lost_keys_;  // as reported last
  Compiler compiler_;
  store::PolicyTree tree_;  // the assigned policy and what its rules use, as loaded last
  HostAddresses host_;
  bool loaded_once_ = false;  // before that there is nothing to send: driver and IKE keep what they have
  Duration last_load_took_{};
  Timestamp last_load_ended_{};
  Timestamp first_change_ = kNever;  // of those not yet loaded
  Timestamp last_change_ = kNever;
  Timestamp batch_due_ = kNever;  // changes of a batch wait until then
  store::DynamicPolicy dynamic_;
  ServiceSettings settings_;
  std::uint64_t version_ = 0;
  std::uint64_t highest_seen_ = 0;
  CompiledPolicy compiled_;  // without dynamic filters
  DynamicFilters dynamic_filters_;
  PolicyPointer in_force_;
  std::string last_reason_;
  std::string last_outcome_;
  KnownNames known_names_;  // of the filters of tree_ and dynamic_
  const std::unique_ptr<NameWatch> names_;
};

}  // namespace ipsec::agent
