#pragma once

#include "services/common/result.h"

// The system calls that are left to this process (seccomp).
namespace ipsec::ike {

// Whether this kernel can filter them for all threads of a process.
bool has_system_call_filters();

// From now on, for every thread of the process, those to come included: what gRPC, OpenSSL, glibc and this daemon need
// goes on; what would start a program, reach into another process, change the kernel or leave the namespaces kills the
// process; everything else fails with EPERM, and the kernel logs it where it is told to
// (kernel.seccomp.actions_logged). There is no way back.
Status filter_system_calls();

}  // namespace ipsec::ike
