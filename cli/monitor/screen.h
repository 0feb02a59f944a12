#pragma once

#include "cli/agent.h"

namespace ipsec::cli::monitor {

// The live screen on this terminal until q is pressed or the input ends. `interval_ms` between two samples.
// kUnavailable if there is no terminal that can show it.
Status run_screen(Agent& agent, int interval_ms);

}  // namespace ipsec::cli::monitor
