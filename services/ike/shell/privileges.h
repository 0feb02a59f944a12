#pragma once

namespace ipsec::ike {

// Gives up every capability of the process, for good: the sockets are bound, and nothing that follows needs one. Call
// it before other threads start, because capabilities belong to threads. What cannot be given up is logged.
void drop_privileges();

}  // namespace ipsec::ike
