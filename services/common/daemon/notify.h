#pragma once

// The service manager's protocol (sd_notify): one datagram to the socket that NOTIFY_SOCKET names.
namespace ipsec::daemon {

// Says that the service is ready, so that what is ordered after it may start. Nothing where no manager asks. Removes
// NOTIFY_SOCKET from the environment: processes started later have nothing to say there. Before other threads read the
// environment.
void notify_ready();

}  // namespace ipsec::daemon
