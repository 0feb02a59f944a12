#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/common/daemon/options.h"
#include "services/common/daemon/signals.h"
#include "services/common/result.h"

namespace ipsec::agent {

// The command line of one of the two daemons the agent starts: the same directories, log level and configuration;
// interfaces for the driver only.
std::vector<std::string> daemon_arguments(const std::string& program, const daemon::Options& options,
                                          bool with_interfaces);

// policyagentd from start to SIGTERM. An error says why it could not start.
Status run_agent(const daemon::Options& options, daemon::SignalWatcher& signals);

}  // namespace ipsec::agent
