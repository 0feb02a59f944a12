#include "services/policyagent/shell/agent.h"

#include <algorithm>
#include <array>

#include <sys/eventfd.h>

#include "services/common/daemon/clock.h"
#include "services/policyagent/core/host_changes.h"
#include "services/policyagent/shell/limits.h"
#include "store/json/json.h"
#include "store/lookup.h"

namespace ipsec::agent {
namespace {

// Central and cached stores are not built yet: a host has its local store alone.
constexpr std::array kSources{PolicySource::kLocal};

constexpr std::string_view kStoreChanged = "store changed";

store::WallClock now_utc() { return daemon::wall_clock_ms() / 1000; }

// A copy of what the compiler needs. A store may hold far more than the assigned policy, and is loaded at every change.
store::PolicyTree assigned_part(const store::PolicyTree& tree) {
  const store::Policy* policy = store::assigned_policy(tree);
  return policy == nullptr ? store::PolicyTree() : store::tree_of_policy(tree, *policy);
}

std::string change_names(std::span<const store::Change> changes) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(changes.size(), kNamed); ++i) {
    names += fmt::format("{}{}", i == 0 ? "" : ", ", store::change_name(changes[i]));
  }
  if (changes.size() > kNamed) names += fmt::format(" and {} more", changes.size() - kNamed);
  return names;
}

}  // namespace

Agent::Agent(store::PolicyStore store, EventLog& events, Distribute distribute, Duration quick_load)
    : events_(events),
      distribute_(std::move(distribute)),
      quick_load_(quick_load),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      store_(std::move(store)),
      retrieval_(kSources, daemon::monotonic_now()),
      in_force_(std::make_shared<PolicyInForce>()) {}

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

std::string Agent::load(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  return load_locked(reason);
}

void Agent::version_seen(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  highest_seen_ = std::max(highest_seen_, version);
  if (loaded_once_ && version > version_) distribute_again();
}

Timestamp Agent::next_poll() const {
  const std::lock_guard lock(mutex_);
  return std::min(retrieval_.next_poll(), changes_due());
}

void Agent::poll() {
  const std::lock_guard lock(mutex_);
  const Timestamp now = daemon::monotonic_now();
  if (now >= retrieval_.next_poll()) {
    load_locked("poll");
  } else if (now >= changes_due()) {
    load_locked(kStoreChanged);
  }
}

void Agent::acknowledge_wake() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
}

Result<store::Problems> Agent::apply(std::span<const store::Change> changes) {
  const std::lock_guard lock(mutex_);
  return finish_change(store_.apply(changes, now_utc()), change_names(changes));
}

Result<store::Problems> Agent::import_json(std::string_view json) {
  const std::lock_guard lock(mutex_);
  return finish_change(store_.import_json(json, store::ImportMode::kMerge, now_utc()), "import");
}

Result<std::string> Agent::export_json(bool with_secrets, const std::string& policy) {
  const std::lock_guard lock(mutex_);
  if (policy.empty()) return store_.export_json(with_secrets);
  return store_.export_json(with_secrets, store::Reference(policy));
}

Status Agent::read(const std::function<Status(const store::PolicyTree&)>& reader) {
  const std::lock_guard lock(mutex_);
  IPSEC_ASSIGN_OR_RETURN(const store::PolicyTree* tree, store_.tree());
  return reader(*tree);
}

Agent::State Agent::state() {
  const std::lock_guard lock(mutex_);
  if (changes_due() != kNever) load_locked(kStoreChanged);
  return {retrieval_.state(), retrieval_.polling_interval_minutes(), last_reason_, last_outcome_, in_force_, host_};
}

std::string Agent::load_locked(std::string_view reason) {
  const Timestamp start = daemon::monotonic_now();
  first_change_ = last_change_ = kNever;
  last_reason_ = std::string(reason);
  last_outcome_ = load_local();
  last_load_took_ = daemon::monotonic_now() - start;
  eventfd_write(wake_.get(), 1);
  events_.add(Severity::kInformation, "policy_loaded", last_outcome_,
              {{"reason", last_reason_},
               {"state", std::string(name(retrieval_.state()))},
               {"policy", in_force_->policy.policy_name},
               {"version", std::to_string(in_force_->version)},
               {"filters", std::to_string(in_force_->policy.filters.size())}});
  return last_outcome_;
}

Timestamp Agent::changes_due() const {
  if (first_change_ == kNever) return kNever;
  return std::min(last_change_ + limits::kChangesSettle, first_change_ + limits::kChangesLatest);
}

std::string Agent::load_local() {
  const auto stored = store_.tree();
  if (!stored.ok()) {
    retrieval_.failed(daemon::monotonic_now());
    events_.add(Severity::kError, "policy_load_failed",
                fmt::format("the policy in force stays: {}", stored.status().message()));
    return fmt::format("the local store cannot be read: {}", stored.status().message());
  }
  store::PolicyTree tree = assigned_part(**stored);
  std::swap(tree_, tree);
  if (const Status status = compile_and_distribute(); !status.ok()) {
    // So that a change of addresses does not bring the refused tree into force.
    std::swap(tree_, tree);
    retrieval_.failed(daemon::monotonic_now());
    events_.add(Severity::kError, "policy_compile_failed",
                fmt::format("the policy in force stays: {}", status.message()));
    return fmt::format("the policy cannot be compiled: {}", status.message());
  }
  loaded_once_ = true;
  const CompiledPolicy& policy = in_force_->policy;
  if (!policy.active) {
    retrieval_.failed(daemon::monotonic_now());
    return "no policy is assigned";
  }
  retrieval_.loaded(PolicySource::kLocal, policy.polling_interval_minutes, daemon::monotonic_now());
  return fmt::format("policy '{}' from the local store is in force: {} specific filters, {} problems",
                     policy.policy_name, policy.filters.size(), policy.problems.size() + policy.more_problems);
}

Status Agent::compile_and_distribute() {
  IPSEC_ASSIGN_OR_RETURN(CompiledPolicy compiled, compiler_.compile(tree_, host_));
  if (compiled.problems != in_force_->policy.problems) report_problems(compiled);
  auto in_force = std::make_shared<PolicyInForce>();
  in_force->policy = std::move(compiled);
  in_force->version = next_version();
  in_force_ = std::move(in_force);
  distribute_(in_force_);
  return {};
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
  const auto by_clock = static_cast<std::uint64_t>(std::max<store::WallClock>(now_utc(), 0)) << 16U;
  version_ = std::max({version_ + 1, highest_seen_ + 1, by_clock});
  return version_;
}

Result<store::Problems> Agent::finish_change(Result<store::Problems> outcome, const std::string& what) {
  if (!outcome.ok() || !outcome->empty()) return outcome;
  events_.add(Severity::kInformation, "store_changed", fmt::format("the local store has changed: {}", what),
              {{"changes", what}});
  if (last_load_took_ <= quick_load_) {
    load_locked(kStoreChanged);
    return outcome;
  }
  last_change_ = daemon::monotonic_now();
  first_change_ = std::min(first_change_, last_change_);
  eventfd_write(wake_.get(), 1);
  return outcome;
}

}  // namespace ipsec::agent
