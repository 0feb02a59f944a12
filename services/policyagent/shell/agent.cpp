#include "services/policyagent/shell/agent.h"

#include <algorithm>
#include <cassert>

#include <sys/eventfd.h>

#include "services/common/daemon/clock.h"
#include "services/policyagent/core/dynamic_layer.h"
#include "services/policyagent/core/host_changes.h"
#include "services/policyagent/shell/limits.h"
#include "store/json/json.h"
#include "store/lookup.h"

namespace ipsec::agent {
namespace {

std::string change_names(std::span<const store::Change> changes) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(changes.size(), kNamed); ++i) {
    names += fmt::format("{}{}", i == 0 ? "" : ", ", store::change_name(changes[i]));
  }
  if (changes.size() > kNamed) names += fmt::format(" and {} more", changes.size() - kNamed);
  return names;
}

constexpr std::string_view kChangeOpen =
    "it is not known whether the change was made; look with `show` before it is made again";

}  // namespace

std::string_view name(StoreName store) {
  switch (store) {
    case StoreName::kLocal:
      return "local";
    case StoreName::kCentral:
      return "central";
    case StoreName::kCache:
      break;
  }
  return "cache";
}

Agent::Agent(AgentStores stores, EventLog& events, Distribute distribute, LoadPace pace, NameWatch::Resolver resolver)
    : events_(events),
      distribute_(std::move(distribute)),
      pace_(pace),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      store_(std::move(stores.local)),
      central_(std::move(stores.central)),
      cache_(std::move(stores.cache)),
      retrieval_(central_ != nullptr, daemon::monotonic_now(), stores.default_polling_minutes),
      marker_(std::move(stores.marker_path)),
      in_force_(std::make_shared<PolicyInForce>()),
      names_(resolver ? std::make_unique<NameWatch>(std::move(resolver),
                                                    [this](KnownNames news) { names_changed(std::move(news)); })
                      : nullptr) {
  assert((central_ == nullptr) == (cache_ == nullptr));
  local_record_.location = store_.path();
  central_record_.name = StoreName::kCentral;
  cache_record_.name = StoreName::kCache;
  if (!central_) return;
  central_record_.location = central_->location();
  cache_record_.location = cache_->path();
}

Agent::~Agent() {
  if (central_answer_.valid()) central_answer_.wait_for(limits::kCentralGrace);
}

void Agent::stop() {
  if (names_) names_->stop();
}

void Agent::set_host(HostAddresses host) {
  const std::lock_guard lock(mutex_);
  if (host == host_) return;
  if (loaded_once_) report_changes(host);
  std::swap(host_, host);
  if (!loaded_once_ || !compiles_differently(host, host_)) return;
  const Status status = compile_and_distribute();
  if (!status.ok()) {
    events_.add(Severity::kError, "policy_compile_failed",
                fmt::format("the policy in force stays: {}", status.message()));
    return;
  }
  events_.add(Severity::kInformation, "interfaces_changed",
              "addresses of this host have changed, the policy is compiled for them",
              {{"version", std::to_string(version_)},
               {"local_addresses", std::to_string(in_force_->policy.local_addresses.size())}});
}

bool Agent::had_policy() const {
  const std::lock_guard lock(mutex_);
  return marker_.is_set();
}

bool Agent::local_store_is_readable() const {
  const std::lock_guard lock(mutex_);
  return store_.is_open();
}

void Agent::look_up_names() {
  if (names_) names_->look_again();
}

void Agent::names_changed(KnownNames news) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = news.size();
  news.merge(known_names_);  // keeps the newer of two
  known_names_ = std::move(news);
  const bool stored_changed = put_addresses(known_names_, tree_);
  const bool dynamic_changed = put_addresses(known_names_, dynamic_);
  if (!loaded_once_ || !(stored_changed || dynamic_changed)) return;
  if (const Status status = compile_and_distribute(); !status.ok()) {
    events_.add(Severity::kError, "policy_compile_failed",
                fmt::format("the policy in force stays: {}", status.message()));
    return;
  }
  events_.add(Severity::kInformation, "host_names_changed",
              "host names in filters have other addresses, the policy is compiled for them",
              {{"version", std::to_string(version_)}, {"names", std::to_string(count)}});
}

// Those that are in no filter any more are forgotten.
void Agent::follow_names() {
  if (!names_) return;
  std::vector<std::string> names = names_in(tree_, dynamic_);
  std::erase_if(known_names_,
                [&](const auto& known) { return !std::binary_search(names.begin(), names.end(), known.first); });
  names_->set_names(names);
}

void Agent::version_seen(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  highest_seen_ = std::max(highest_seen_, version);
  if (loaded_once_ && version > version_) distribute_again();
}

void Agent::acknowledge_wake() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
}

Result<store::Problems> Agent::apply(std::span<const store::Change> changes, StoreName where, bool is_batch) {
  IPSEC_RETURN_IF_ERROR(check_writable(where));
  const std::string what = change_names(changes);
  if (where == StoreName::kCentral) {
    std::vector<store::Change> copy(changes.begin(), changes.end());
    return change_central(
        [copy = std::move(copy)](store::PolicyStore& store) { return store.apply(copy, daemon::wall_clock_seconds()); },
        what);
  }
  const std::lock_guard lock(mutex_);
  IPSEC_ASSIGN_OR_RETURN(store::PolicyStore* const local, store_.get());
  return finish_change(local->apply(changes, daemon::wall_clock_seconds()), what, is_batch);
}

Status Agent::set_dynamic(store::DynamicPolicy policy, const ServiceSettings& settings) {
  const std::lock_guard lock(mutex_);
  put_addresses(known_names_, policy);
  std::swap(dynamic_, policy);
  const ServiceSettings before = std::exchange(settings_, settings);
  // Before the first load there is nothing it could lie over; the load brings it.
  Status status = loaded_once_ ? compile_and_distribute() : Status();
  if (status.ok()) return status;
  std::swap(dynamic_, policy);
  settings_ = before;
  return status;
}

Status Agent::check_dynamic(const store::DynamicPolicy& policy) {
  const std::lock_guard lock(mutex_);
  return loaded_once_ ? compile_for_host(policy).status() : Status();
}

Result<store::Problems> Agent::import_json(std::string_view json, StoreName where) {
  IPSEC_RETURN_IF_ERROR(check_writable(where));
  if (where == StoreName::kCentral) {
    return change_central(
        [text = SecretBytes(json)](store::PolicyStore& store) {
          return store.import_json(text.reveal_text(), store::ImportMode::kMerge, daemon::wall_clock_seconds());
        },
        "import");
  }
  const std::lock_guard lock(mutex_);
  IPSEC_ASSIGN_OR_RETURN(store::PolicyStore* const local, store_.get());
  return finish_change(local->import_json(json, store::ImportMode::kMerge, daemon::wall_clock_seconds()), "import");
}

Result<std::string> Agent::export_json(bool with_secrets, const std::string& policy, StoreName where) {
  std::string json;
  IPSEC_RETURN_IF_ERROR(read(
      [&](const store::PolicyTree& tree) -> Status {
        if (policy.empty()) {
          json = store::export_json(tree, {with_secrets});
          return {};
        }
        const store::Policy* one = store::find_policy(tree, policy);
        if (one == nullptr) return not_found(fmt::format("there is no policy '{}'", policy));
        json = store::export_json(store::tree_of_policy(tree, *one), {with_secrets});
        return {};
      },
      where));
  return json;
}

Status Agent::read(const std::function<Status(const store::PolicyTree&)>& reader, StoreName where) {
  if (where != StoreName::kLocal) {
    IPSEC_ASSIGN_OR_RETURN(const store::PolicyTree tree, read_other(where));
    return reader(tree);
  }
  const std::lock_guard lock(mutex_);
  IPSEC_ASSIGN_OR_RETURN(store::PolicyStore* const local, store_.get());
  IPSEC_ASSIGN_OR_RETURN(const store::PolicyTree* tree, local->tree());
  return reader(*tree);
}

store::PolicyTree Agent::assigned_tree() const {
  const std::lock_guard lock(mutex_);
  return tree_;
}

Status Agent::grant(const FilterRequest& request) {
  const std::lock_guard lock(mutex_);
  if (!loaded_once_) return unavailable("no policy is loaded yet");
  const std::size_t before = dynamic_filters_.size();
  IPSEC_RETURN_IF_ERROR(dynamic_filters_.grant(request, compiled_, daemon::monotonic_now()));
  if (dynamic_filters_.size() == before) return {};
  put_in_force();
  events_.add(Severity::kInformation, "dynamic_filter_added",
              fmt::format("the default response rule secures {}, as the peer has asked", request.outbound.to_string()),
              {{"peer", request.peer.to_string()}, {"version", std::to_string(in_force_->version)}});
  return {};
}

bool Agent::has_dynamic_filters() const {
  const std::lock_guard lock(mutex_);
  return !dynamic_filters_.empty();
}

void Agent::dynamic_filters_in_use(const absl::flat_hash_set<std::uint64_t>& filter_ids) {
  const std::lock_guard lock(mutex_);
  const Timestamp now = daemon::monotonic_now();
  dynamic_filters_.in_use(filter_ids, now);
  const std::vector<FilterRequest> removed = dynamic_filters_.remove_idle(now);
  if (removed.empty()) return;
  put_in_force();
  for (const FilterRequest& request : removed) {
    events_.add(Severity::kInformation, "dynamic_filter_removed",
                fmt::format("the default response rule leaves {} alone again: it had no SA for {} s",
                            request.outbound.to_string(),
                            std::chrono::duration_cast<std::chrono::seconds>(kDynamicFilterIdle).count()),
                {{"peer", request.peer.to_string()}, {"version", std::to_string(in_force_->version)}});
  }
}

const std::string& Agent::central_location() const { return central_record_.location; }

Agent::State Agent::state() {
  const std::lock_guard lock(mutex_);
  if (changes_due() != kNever && !retrieval_.loading()) begin(LoadTrigger::kLocalChange, kStoreChanged);
  State state;
  state.retrieval = retrieval_.state();
  state.polling_interval_minutes = retrieval_.polling_interval_minutes();
  state.last_load_reason = last_reason_;
  state.last_load_outcome = last_outcome_;
  state.in_force = in_force_;
  state.host = host_;
  if (central_) state.stores = {central_record_, cache_record_};
  state.stores.push_back(local_record_);
  state.next_poll = retrieval_.next_poll();
  state.loads = loads_;
  state.last_load_at = last_load_at_;
  return state;
}

Timestamp Agent::changes_due() const {
  if (first_change_ == kNever) return kNever;
  return std::min(last_change_ + limits::kChangesSettle, first_change_ + limits::kChangesLatest);
}

Result<CompiledPolicy> Agent::compile_for_host(const store::DynamicPolicy& dynamic) {
  IPSEC_ASSIGN_OR_RETURN(CompiledPolicy assigned, compiler_.compile(tree_, host_));
  IPSEC_ASSIGN_OR_RETURN(CompiledPolicy compiled, lay_over(std::move(assigned), dynamic, host_));
  compiled.settings = settings_;
  return compiled;
}

Status Agent::compile_and_distribute() {
  IPSEC_ASSIGN_OR_RETURN(CompiledPolicy compiled, compile_for_host(dynamic_));
  if (compiled.problems != in_force_->policy.problems) report_problems(compiled);
  compiled_ = std::move(compiled);
  put_in_force();
  follow_names();
  return {};
}

void Agent::put_in_force() {
  auto in_force = std::make_shared<PolicyInForce>();
  const std::size_t before = dynamic_filters_.size();
  in_force->policy = dynamic_filters_.lay_over(compiled_);
  if (const std::size_t gone = before - dynamic_filters_.size(); gone != 0) {
    events_.add(Severity::kInformation, "dynamic_filter_removed",
                fmt::format("{} dynamic filters of the default response rule have no place in the new policy", gone));
  }
  in_force->version = next_version();
  in_force_ = std::move(in_force);
  distribute_(in_force_);
}

void Agent::distribute_again() {
  auto in_force = std::make_shared<PolicyInForce>(*in_force_);
  in_force->version = next_version();
  in_force_ = std::move(in_force);
  distribute_(in_force_);
}

void Agent::report_changes(const HostAddresses& host) {
  std::size_t told = 0;
  for (const HostChange& change : changes_between(host_, host)) {
    if (++told > limits::kMaxHostChangeEvents) return;
    EventFields fields = {{"interface", change.interface}};
    if (!change.address.empty()) fields.emplace_back("address", change.address);
    events_.add(Severity::kInformation, change.name, fmt::format("{} {}", change.interface, change.address), fields);
  }
}

void Agent::report_problems(const CompiledPolicy& policy) {
  const std::size_t all = policy.problems.size() + policy.more_problems;
  const std::size_t told = std::min(policy.problems.size(), limits::kMaxProblemEvents);
  for (std::size_t i = 0; i < told; ++i) {
    const PolicyProblem& problem = policy.problems[i];
    events_.add(problem.severity, problem.name, fmt::format("{}: {}", problem.object, problem.text),
                {{"object", problem.object}});
  }
  if (all > told) {
    events_.add(Severity::kWarning, "more_policy_problems",
                fmt::format("{} more problems of this policy are not listed", all - told));
  }
}

// Wall clock seconds in front keep a version above those of an earlier agent, to which running services still hold;
// where the clock was set back, what they report does.
std::uint64_t Agent::next_version() {
  const auto by_clock = static_cast<std::uint64_t>(std::max<store::WallClock>(daemon::wall_clock_seconds(), 0)) << 16U;
  version_ = std::max({version_ + 1, highest_seen_ + 1, by_clock});
  return version_;
}

Result<store::Problems> Agent::finish_change(Result<store::Problems> outcome, const std::string& what, bool is_batch) {
  if (!outcome.ok() || !outcome->empty()) return outcome;
  events_.add(Severity::kInformation, "store_changed", fmt::format("the local store has changed: {}", what),
              {{"changes", what}, {"store", "local"}});
  if (!retrieval_.obeys_local_store()) return outcome;
  if (is_batch) {
    batch_due_ = std::min(batch_due_, daemon::monotonic_now() + limits::kBatchLatest);
    eventfd_write(wake_.get(), 1);
    return outcome;
  }
  const bool rested = daemon::monotonic_now() - last_load_ended_ >= pace_.rest * last_load_took_;
  if ((last_load_took_ <= pace_.quick || rested) && !retrieval_.loading()) {
    begin(LoadTrigger::kLocalChange, kStoreChanged);
    return outcome;
  }
  last_change_ = daemon::monotonic_now();
  first_change_ = std::min(first_change_, last_change_);
  eventfd_write(wake_.get(), 1);
  return outcome;
}

Status Agent::check_writable(StoreName where) const {
  if (where == StoreName::kLocal) return {};
  if (!central_) return refused("this host has no central store: its configuration names none (central-store)");
  if (where == StoreName::kCentral) return {};
  return refused("the cache can be neither configured nor edited; change the central store, of which it is a copy");
}

Result<store::PolicyTree> Agent::read_other(StoreName where) {
  if (!central_) return check_writable(where);
  if (where == StoreName::kCentral) return central_->read();
  const std::lock_guard lock(mutex_);
  IPSEC_ASSIGN_OR_RETURN(auto copy, cache_->read());
  return copy ? std::move(copy->tree) : store::PolicyTree();
}

Result<store::Problems> Agent::change_central(std::function<Result<store::Problems>(store::PolicyStore&)> make,
                                              const std::string& what) {
  auto outcome = central_->change(std::move(make));
  if (!outcome.ok() && outcome.status().code() == ErrorCode::kUnavailable) {
    return unavailable(fmt::format("{}: {}", outcome.status().message(), kChangeOpen));
  }
  if (!outcome.ok() || !outcome->empty()) return outcome;
  events_.add(Severity::kInformation, "store_changed",
              fmt::format("the central store {} was changed from here: {}", central_->location(), what),
              {{"changes", what}, {"store", "central"}});
  load("central store changed");
  return outcome;
}

}  // namespace ipsec::agent
