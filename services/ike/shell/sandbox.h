#pragma once

#include <optional>
#include <vector>

#include "services/common/account.h"
#include "services/common/result.h"
#include "services/ike/core/actions.h"

// What is left to this process once its sockets are open: a user of its own, no capability, and the system calls of its
// work. Two steps, because the socket of its service belongs to root and its server brings threads.
namespace ipsec::ike {

// Gives up, for good, every capability but the two by which the account is taken on, or all of them where it is not to
// be. Call it before other threads start, because capabilities belong to threads. What cannot be given up is logged.
void drop_capabilities(bool will_change_account);

// All threads, those to come included: become the account, then let through only the system calls of system_calls.h.
// The events tell what this host does not have for it (no account, a kernel without filters); what is there and fails
// is an error, and the process must end.
Result<std::vector<ReportEvent>> enter_sandbox(const std::optional<Account>& account);

}  // namespace ipsec::ike
