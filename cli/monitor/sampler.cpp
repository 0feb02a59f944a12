#include "cli/monitor/sampler.h"

namespace ipsec::cli::monitor {

namespace {

constexpr std::uint32_t kShownEvents = 200;

template <typename T>
void keep(Result<T> reply, std::string_view what, std::optional<T>& part, Sample& sample) {
  if (reply.ok()) {
    part = *std::move(reply);
  } else {
    sample.failures.push_back(fmt::format("{}: {}", what, reply.status().message()));
  }
}

}  // namespace

Sample take_sample(Agent& agent, Timestamp at, std::int64_t wall_clock) {
  Sample sample;
  sample.at = at;
  sample.wall_clock = wall_clock;
  auto status = agent.status();
  if (!status.ok() && status.status().code() == ErrorCode::kUnavailable) {
    sample.failures.push_back(
        fmt::format("The Policy Agent does not answer at {} ({})", agent.location(), status.status().message()));
    return sample;
  }
  keep(std::move(status), "Status", sample.status, sample);
  keep(agent.main_mode_sas(), "Main mode SAs", sample.main_mode_sas, sample);
  keep(agent.quick_mode_sas(), "Quick mode SAs", sample.quick_mode_sas, sample);
  keep(agent.statistics(), "Statistics", sample.statistics, sample);
  keep(agent.events(kShownEvents), "Events", sample.events, sample);
  return sample;
}

}  // namespace ipsec::cli::monitor
