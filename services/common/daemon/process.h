#pragma once

// What every daemon does to its own process before it touches a secret.
namespace ipsec::daemon {

// No core dumps, no ptrace or /proc/PID/mem by other processes of the same user, new files not for others (umask 027).
void harden_process();

}  // namespace ipsec::daemon
