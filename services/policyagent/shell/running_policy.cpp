#include "services/policyagent/shell/running_policy.h"

#include "services/policyagent/shell/config_file.h"

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
  if (config_path_.empty()) return;
  auto config = read_config(config_path_);
  if (config.ok()) {
    state_.config = *std::move(config);
  } else {
    events_.add(Severity::kError, "configuration_not_read",
                fmt::format("every property has its default: {}", config.status().message()));
  }
}

store::RunningState RunningPolicy::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<RunningPolicy::Outcome> RunningPolicy::apply(const std::vector<store::DynamicChange>& changes,
                                                    const std::function<Result<store::Problems>()>& apply_stored) {
  const std::lock_guard lock(mutex_);
  store::RunningState state = state_;
  if (store::Problems problems = edit_all(state, changes); !problems.empty())
    return Outcome{std::move(problems), false};
  IPSEC_ASSIGN_OR_RETURN(store::Problems problems, apply_stored());
  if (!problems.empty()) return Outcome{std::move(problems), true};
  IPSEC_RETURN_IF_ERROR(take(std::move(state)));
  for (const store::DynamicChange& change : changes) {
    events_.add(Severity::kInformation, "dynamic_policy_changed", std::string(change_name(change)));
  }
  return Outcome{};
}

// The file first: it is what can fail.
Status RunningPolicy::take(store::RunningState state) {
  if (state.config != state_.config && !config_path_.empty()) {
    IPSEC_RETURN_IF_ERROR(write_config(config_path_, state.config));
  }
  IPSEC_RETURN_IF_ERROR(agent_.set_dynamic(state.policy));
  state_ = std::move(state);
  return {};
}

}  // namespace ipsec::agent
