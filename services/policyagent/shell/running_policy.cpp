#include "services/policyagent/shell/running_policy.h"

#include "services/policyagent/shell/configuration.h"

namespace ipsec::agent {

namespace {

store::Problems edit_all(store::RunningState& state, const std::vector<store::DynamicChange>& changes) {
  store::Problems problems;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    for (store::Problem& problem : edit(state, changes[i])) {
      problem.change_index = i;
      problems.push_back(std::move(problem));
    }
  }
  return problems;
}

}  // namespace

RunningPolicy::RunningPolicy(Agent& agent, EventLog& events, std::string config_path)
    : agent_(agent), events_(events), config_path_(std::move(config_path)) {
  auto config = config_path_.empty() ? Result<store::Config>(store::Config()) : read_config(config_path_);
  if (config.ok()) {
    state_.config = *std::move(config);
  } else {
    events_.add(Severity::kError, "configuration_not_read",
                fmt::format("every property has its default: {}", config.status().message()));
  }
  started_with_ = state_.config;
  // An empty policy has no filters that could be too many.
  static_cast<void>(put_in_force(state_));
}

store::RunningState RunningPolicy::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

store::Config RunningPolicy::config_in_effect() const {
  const std::lock_guard lock(mutex_);
  return store::config_in_effect(started_with_, state_.config);
}

Result<RunningPolicy::Outcome> RunningPolicy::apply(const std::vector<store::DynamicChange>& changes,
                                                    const std::function<Result<store::Problems>()>& apply_stored) {
  const std::lock_guard lock(mutex_);
  store::RunningState state = state_;
  if (store::Problems problems = edit_all(state, changes); !problems.empty())
    return Outcome{std::move(problems), false};
  IPSEC_ASSIGN_OR_RETURN(std::optional<FileDraft> file, draft_of(state.config));
  IPSEC_RETURN_IF_ERROR(agent_.check_dynamic(state.policy));
  IPSEC_ASSIGN_OR_RETURN(store::Problems problems, apply_stored());
  if (!problems.empty()) return Outcome{std::move(problems), true};
  if (file) IPSEC_RETURN_IF_ERROR(file->commit());
  state_.config = state.config;
  IPSEC_RETURN_IF_ERROR(put_in_force(state));
  state_ = std::move(state);
  for (const store::DynamicChange& change : changes) {
    events_.add(Severity::kInformation, "dynamic_policy_changed", std::string(change_name(change)));
  }
  return Outcome{};
}

// Nothing where nothing has to be written.
Result<std::optional<FileDraft>> RunningPolicy::draft_of(const store::Config& config) const {
  std::optional<FileDraft> none;
  if (config == state_.config || config_path_.empty()) return none;
  IPSEC_ASSIGN_OR_RETURN(FileDraft draft, draft_config(config_path_, config));
  return std::optional<FileDraft>(std::move(draft));
}

Status RunningPolicy::put_in_force(const store::RunningState& state) {
  return agent_.set_dynamic(state.policy, service_settings(store::config_in_effect(started_with_, state.config)));
}

}  // namespace ipsec::agent
