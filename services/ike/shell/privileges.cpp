#include "services/ike/shell/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>

#include "services/common/daemon/logging.h"

namespace ipsec::ike {

void drop_privileges() {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  capng_clear(CAPNG_SELECT_BOTH);
  if (capng_apply(CAPNG_SELECT_BOTH) == 0) return;
  // Without CAP_SETPCAP the bounding set stays; it only matters to programs started later, and there are none.
  capng_clear(CAPNG_SELECT_CAPS);
  if (const int result = capng_apply(CAPNG_SELECT_CAPS); result != 0) {
    daemon::log(daemon::LogLevel::kWarning, "privileges_kept", {{"capng_result", result}});
  }
}

}  // namespace ipsec::ike
