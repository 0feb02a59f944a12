#include "services/ike/shell/sandbox.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <sys/prctl.h>

#include "services/common/daemon/logging.h"
#include "services/ike/shell/system_calls.h"

namespace ipsec::ike {

namespace {

void choose_capabilities(bool will_change_account) {
  capng_clear(CAPNG_SELECT_BOTH);
  if (!will_change_account) return;
  for (const unsigned needed : {CAP_SETUID, CAP_SETGID}) {
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), needed);
  }
}

ReportEvent runs_as_root() {
  return {"ike_runs_as_root",
          Severity::kWarning,
          fmt::format("the IKE service runs as root, though without capabilities: this host has no account '{}'. Make "
                      "it with `{}`, then restart the service",
                      kIkeAccount, kMakeIkeAccount),
          {}};
}

}  // namespace

void drop_capabilities(bool will_change_account) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  choose_capabilities(will_change_account);
  if (capng_apply(CAPNG_SELECT_BOTH) == 0) return;
  // Without CAP_SETPCAP the bounding set stays; it only matters to programs started later, and there are none.
  if (const int result = capng_apply(CAPNG_SELECT_CAPS); result != 0) {
    daemon::log(daemon::LogLevel::kWarning, "privileges_kept", {{"capng_result", result}});
  }
}

Result<std::vector<ReportEvent>> enter_sandbox(const std::optional<Account>& account) {
  std::vector<ReportEvent> incomplete;
  if (account) {
    IPSEC_RETURN_IF_ERROR(become(*account));
  } else {
    incomplete.push_back(runs_as_root());
  }
  if (has_system_call_filters()) {
    IPSEC_RETURN_IF_ERROR(filter_system_calls());
  } else {
    incomplete.push_back({"system_calls_not_filtered",
                          Severity::kWarning,
                          "the IKE service may make any system call: this kernel has no seccomp filters",
                          {}});
  }
  return incomplete;
}

}  // namespace ipsec::ike
