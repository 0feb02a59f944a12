#include <algorithm>

#include <sys/eventfd.h>

#include "services/common/daemon/clock.h"
#include "services/policyagent/shell/agent.h"
#include "store/json/json.h"
#include "store/lookup.h"

// How the agent loads its policy. What follows what is decided in core/policy_retrieval.h.
namespace ipsec::agent {
namespace {

// A copy of what the compiler needs. A store may hold far more than the assigned policy, and is loaded at every change.
store::PolicyTree assigned_part(const store::PolicyTree& tree) {
  const store::Policy* policy = store::assigned_policy(tree);
  return policy == nullptr ? store::PolicyTree() : store::tree_of_policy(tree, *policy);
}

std::string name_of_assigned(const store::PolicyTree& tree) {
  const store::Policy* policy = store::assigned_policy(tree);
  return policy == nullptr ? std::string() : policy->name;
}

// Takes out the preshared keys that are sealed with a key which this host does not have: the rule goes on demanding
// what it demanded, and no peer is authenticated by it.
void take_out_unopened(std::vector<store::AuthenticationMethod>& methods, const std::string& owner,
                       const store::KeyVault& vault, std::vector<std::string>& lost) {
  const auto is_unopened = [&](const store::AuthenticationMethod& method) {
    const auto* psk = std::get_if<store::PresharedKeyAuthentication>(&method);
    if (psk == nullptr || !psk->unopened) return false;
    lost.push_back(
        fmt::format("the preshared key of {} cannot be opened: {}", owner, vault.cannot_open(psk->unopened->key_id)));
    return true;
  };
  methods.erase(std::remove_if(methods.begin(), methods.end(), is_unopened), methods.end());
}

std::vector<std::string> take_out_unopened(store::PolicyTree& tree, const store::KeyVault& vault) {
  std::vector<std::string> lost;
  for (store::Policy& policy : tree.policies) {
    for (store::Rule& rule : policy.rules) {
      take_out_unopened(rule.authentication, fmt::format("rule '{}' of policy '{}'", rule.name, policy.name), vault,
                        lost);
    }
    take_out_unopened(policy.default_response.authentication,
                      fmt::format("the default response rule of policy '{}'", policy.name), vault, lost);
  }
  return lost;
}

bool is_same(const store::Origin& a, const store::Origin& b) {
  return a.version == b.version && a.location == b.location;
}

LoadTrigger trigger_of(std::string_view reason) {
  if (reason == "start") return LoadTrigger::kStart;
  return reason == "poll" ? LoadTrigger::kPoll : LoadTrigger::kReload;
}

}  // namespace

std::string Agent::load(std::string_view reason) {
  std::unique_lock lock(mutex_);
  finish_load(lock);  // one that began earlier may have read what was stored earlier
  begin(trigger_of(reason), reason);
  finish_load(lock);
  return last_outcome_;
}

void Agent::begin_load(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  // What is under way was begun before, but asks the same sources at the same moment.
  if (!retrieval_.loading()) begin(trigger_of(reason), reason);
}

Timestamp Agent::next_poll() const {
  const std::lock_guard lock(mutex_);
  return retrieval_.loading() ? central_deadline_ : std::min({retrieval_.next_poll(), changes_due(), batch_due_});
}

void Agent::poll() {
  const std::lock_guard lock(mutex_);
  go_on();
  if (retrieval_.loading()) return;
  const Timestamp now = daemon::monotonic_now();
  if (central_ && central_->came_back() && retrieval_.state() != RetrievalState::kCentral) {
    begin(LoadTrigger::kPoll, "central store answers again");
  } else if (now >= retrieval_.next_poll()) {
    begin(LoadTrigger::kPoll, "poll");
  } else if (now >= std::min(changes_due(), batch_due_)) {
    begin(LoadTrigger::kLocalChange, kStoreChanged);
  }
}

void Agent::begin(LoadTrigger trigger, std::string_view reason) {
  const Timestamp start = daemon::monotonic_now();
  first_change_ = last_change_ = batch_due_ = kNever;
  last_reason_ = std::string(reason);
  last_load_at_ = daemon::wall_clock_seconds();
  last_outcome_ = "waiting for the central store";
  failures_.clear();
  ++loads_;
  if (trigger == LoadTrigger::kReload) origin_.reset();  // everything is read and sent again
  follow(retrieval_.begin(trigger));
  last_load_ended_ = daemon::monotonic_now();
  last_load_took_ = last_load_ended_ - start;
  eventfd_write(wake_.get(), 1);
}

void Agent::follow(NextStep next) {
  for (;;) {
    if (next.clear_cache) clear_cache();
    if (next.withdraw) withdraw();
    if (!next.ask) return;
    switch (*next.ask) {
      case PolicySource::kCentral:
        if (ask_central()) return;
        next = answered(SourceAnswer::kFailed);
        break;
      case PolicySource::kCached:
        next = answered(read_cache());
        break;
      case PolicySource::kLocal:
        next = answered(read_local());
        break;
    }
  }
}

NextStep Agent::answered(SourceAnswer answer) {
  const bool nothing_found = answer == SourceAnswer::kNoneAssigned || answer == SourceAnswer::kFailed;
  const NextStep next =
      retrieval_.answered(answer, in_force_->policy.polling_interval_minutes, daemon::monotonic_now());
  if (nothing_found && next.ask) return next;
  if (nothing_found && !next.withdraw && tree_.assigned) {
    last_outcome_ = fmt::format("policy '{}' stays in force", in_force_->policy.policy_name);
  } else if (nothing_found) {
    last_outcome_ = "no policy is assigned";
  }
  if (!failures_.empty()) last_outcome_ = fmt::format("{}; {}", failures_, last_outcome_);
  const RetrievalState state = retrieval_.state();
  central_record_.in_force = state == RetrievalState::kCentral;
  cache_record_.in_force = state == RetrievalState::kCached;
  local_record_.in_force = state == RetrievalState::kLocal;
  if (!next.withdraw) report_load();
  return next;
}

bool Agent::ask_central() {
  central_record_.asked = true;
  failures_.clear();  // of a start's first round
  // What the cache does not hold, or no longer, is read again for its sake.
  const bool copied = origin_ && cache_holds(*origin_);
  const auto asked = central_->ask(copied ? origin_->version : std::string(), wake_.get());
  if (!asked.ok()) {
    source_failed(central_record_, "central store", asked.status());
    return false;
  }
  central_answer_ = *asked;
  central_deadline_ = daemon::monotonic_now() + central_->patience();
  return true;
}

bool Agent::cache_holds(const store::Origin& origin) {
  const auto copy = cache_->read();
  return copy.ok() && *copy && is_same((*copy)->origin, origin);
}

bool Agent::go_on() {
  if (!retrieval_.loading()) return false;
  const bool ready = central_answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (!ready && daemon::monotonic_now() < central_deadline_) return false;
  const CentralStore::Pending pending = std::exchange(central_answer_, {});
  central_deadline_ = kNever;
  if (ready) central_->came_back();
  const SourceAnswer answer = ready
                                  ? central_answered(pending.get())
                                  : source_failed(central_record_, "central store",
                                                  unavailable(fmt::format("{} does not answer", central_->location())));
  follow(answered(answer));
  eventfd_write(wake_.get(), 1);
  return true;
}

void Agent::finish_load(std::unique_lock<std::mutex>& lock) {
  while (retrieval_.loading()) {
    const CentralStore::Pending pending = central_answer_;
    const Duration left = central_deadline_ - daemon::monotonic_now();
    lock.unlock();
    pending.wait_for(std::max(left, Duration(0)));
    lock.lock();
    go_on();
  }
}

SourceAnswer Agent::central_answered(const CentralStore::Answer& answer) {
  if (!answer.ok()) return source_failed(central_record_, "central store", answer.status());
  central_record_.answered = true;
  central_record_.problem.clear();
  central_record_.read_at = daemon::wall_clock_seconds();
  const auto& newer = *answer;
  if (!newer) {
    last_outcome_ = fmt::format("policy '{}' of the central store is unchanged", in_force_->policy.policy_name);
    return SourceAnswer::kUnchanged;
  }
  central_record_.policy_name = name_of_assigned(newer->tree);
  central_record_.version = newer->version;
  if (!newer->tree.assigned) return SourceAnswer::kNoneAssigned;
  const store::Origin origin = {central_->location(), newer->version, daemon::wall_clock_seconds()};
  const bool in_force = origin_ && is_same(*origin_, origin);
  if (in_force) {
    last_outcome_ = fmt::format("policy '{}' of the central store is unchanged", in_force_->policy.policy_name);
  } else if (const Status status = take(newer->tree, central_->vault(), "the central store"); !status.ok()) {
    return source_failed(central_record_, "central store", status);
  }
  origin_ = origin;
  keep_copy(*newer);
  return in_force ? SourceAnswer::kUnchanged : SourceAnswer::kAssigned;
}

SourceAnswer Agent::read_cache() {
  cache_record_.asked = true;
  auto copy = cache_->read();
  if (const auto repaired = cache_->take_repaired()) {
    events_.add(Severity::kWarning, "store_made_private", *repaired, {{"store", "cache"}});
  }
  if (!copy.ok()) return source_failed(cache_record_, "cache", copy.status());
  cache_record_.answered = true;
  cache_record_.problem.clear();
  cache_record_.policy_name = *copy ? name_of_assigned((*copy)->tree) : std::string();
  cache_record_.version = *copy ? (*copy)->origin.version : std::string();
  cache_record_.read_at = *copy ? (*copy)->origin.read_at : 0;
  if (!*copy) return SourceAnswer::kNoneAssigned;
  const store::Origin& origin = (*copy)->origin;
  if (origin_ && is_same(*origin_, origin)) {
    last_outcome_ = fmt::format("policy '{}' of the cache is in force already", in_force_->policy.policy_name);
    return SourceAnswer::kUnchanged;
  }
  const std::string from =
      origin.location == central_->location() ? "the cache" : fmt::format("the cache (a copy of {})", origin.location);
  if (const Status status = take(std::move((*copy)->tree), cache_->vault(), from); !status.ok()) {
    return source_failed(cache_record_, "cache", status);
  }
  origin_ = origin;
  return SourceAnswer::kAssigned;
}

SourceAnswer Agent::read_local() {
  local_record_.asked = true;
  const auto local = store_.get();
  if (!local.ok()) return source_failed(local_record_, "local store", local.status());
  const auto stored = (*local)->tree();
  if (!stored.ok()) return source_failed(local_record_, "local store", stored.status());
  local_record_.answered = true;
  local_record_.problem.clear();
  local_record_.read_at = daemon::wall_clock_seconds();
  if (const auto counter = (*local)->change_counter(); counter.ok()) local_record_.version = std::to_string(*counter);
  store::PolicyTree tree = assigned_part(**stored);
  local_record_.policy_name = name_of_assigned(tree);
  if (!tree.assigned) return SourceAnswer::kNoneAssigned;
  if (const Status status = take(std::move(tree), (*local)->vault(), "the local store"); !status.ok()) {
    return source_failed(local_record_, "local store", status);
  }
  origin_.reset();
  return SourceAnswer::kAssigned;
}

Status Agent::take(store::PolicyTree tree, const store::KeyVault& vault, std::string_view from) {
  std::vector<std::string> lost = take_out_unopened(tree, vault);
  remember(true);
  put_addresses(known_names_, tree);
  std::swap(tree_, tree);
  if (const Status status = compile_and_distribute(); !status.ok()) {
    // So that a change of addresses does not bring the refused tree into force.
    std::swap(tree_, tree);
    events_.add(Severity::kError, "policy_compile_failed",
                fmt::format("the policy in force stays: {}", status.message()));
    return with_context(status, "its policy cannot be compiled");
  }
  loaded_once_ = true;
  look_up_names();
  report_lost_keys(std::move(lost));
  const CompiledPolicy& policy = in_force_->policy;
  last_outcome_ = fmt::format("policy '{}' from {} is in force: {} specific filters, {} problems", policy.policy_name,
                              from, policy.filters.size(), policy.problems.size() + policy.more_problems);
  return {};
}

void Agent::withdraw() {
  tree_ = {};
  origin_.reset();
  lost_keys_.clear();
  loaded_once_ = true;
  // An empty policy has no filters that could be too many.
  if (const Status status = compile_and_distribute(); !status.ok()) last_outcome_ = status.message();
  remember(false);
  report_load();
}

void Agent::remember(bool in_force) {
  if (const Status status = marker_.set(in_force); !status.ok()) {
    events_.add(
        Severity::kError, "boot_mode_not_kept",
        fmt::format("the next start will {} in the boot mode: {}", in_force ? "not begin" : "begin", status.message()));
  }
}

// ST-08, PA-10. A cache that cannot be written keeps what it has; the policy is in force all the same.
void Agent::keep_copy(const store::SourcePolicy& policy) {
  const Status status = cache_->write(policy.tree, *origin_);
  if (!status.ok()) {
    cache_record_.problem = status.message();
    events_.add(Severity::kError, "cache_not_written",
                fmt::format("without the central store the policy would not outlive a restart: {}", status.message()),
                {{"store", "cache"}, {"problem", status.message()}});
    return;
  }
  const bool in_force = cache_record_.in_force;
  cache_record_ = central_record_;
  cache_record_.name = StoreName::kCache;
  cache_record_.location = cache_->path();
  cache_record_.in_force = in_force;
}

void Agent::clear_cache() {
  if (const Status status = cache_->clear(); !status.ok()) {
    cache_record_.problem = status.message();
    events_.add(Severity::kError, "cache_not_written", status.message(),
                {{"store", "cache"}, {"problem", status.message()}});
    return;
  }
  cache_record_.policy_name.clear();
  cache_record_.version.clear();
  cache_record_.problem.clear();
}

SourceAnswer Agent::source_failed(StoreRecord& record, std::string_view source, const Status& status) {
  record.answered = false;
  record.problem = status.message();
  const std::string text = fmt::format("the {} cannot be read: {}", source, status.message());
  failures_ += fmt::format("{}{}", failures_.empty() ? "" : "; ", text);
  events_.add(record.name == StoreName::kCentral ? Severity::kWarning : Severity::kError, "policy_load_failed", text,
              {{"store", std::string(name(record.name))}, {"problem", status.message()}, {"reason", last_reason_}});
  return SourceAnswer::kFailed;
}

void Agent::report_load() {
  events_.add(Severity::kInformation, "policy_loaded", last_outcome_,
              {{"reason", last_reason_},
               {"state", std::string(name(retrieval_.state()))},
               {"policy", in_force_->policy.policy_name},
               {"version", std::to_string(in_force_->version)},
               {"filters", std::to_string(in_force_->policy.filters.size())}});
}

// Once for each change of what is lost.
void Agent::report_lost_keys(std::vector<std::string> lost) {
  if (lost == lost_keys_) return;
  lost_keys_ = std::move(lost);
  const std::size_t told = std::min(lost_keys_.size(), limits::kMaxProblemEvents);
  for (std::size_t i = 0; i < told; ++i) events_.add(Severity::kError, "preshared_key_lost", lost_keys_[i]);
}

}  // namespace ipsec::agent
