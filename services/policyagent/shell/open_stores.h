#pragma once

#include <string>

#include "services/common/daemon/options.h"
#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/event_log.h"

namespace ipsec::agent {

// The stores of this host, as its options say: opened, their rights mended, their preshared keys sealed. What had to be
// done about it becomes events. A local store that cannot be opened is one of them: the host goes on with the others.
// Fails where an option names no store that is known.
Result<AgentStores> open_stores(const daemon::Options& options, EventLog& events);

}  // namespace ipsec::agent
