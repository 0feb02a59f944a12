#pragma once

#include "cli/agent.h"
#include "cli/monitor/model.h"

namespace ipsec::cli::monitor {

// Asks the agent for everything the monitor shows. What is not answered is left out and named in `failures`; an agent
// that does not answer at all is asked only once.
Sample take_sample(Agent& agent, Timestamp at, std::int64_t wall_clock);

}  // namespace ipsec::cli::monitor
