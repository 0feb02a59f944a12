#pragma once

#include <string>

#include "services/common/account.h"
#include "services/common/result.h"

// What the account of IKE may reach in the runtime directory: the directory `ike` (root's, of IKE's group, 0710) and in
// it the driver's socket (0660). It can make, replace or remove nothing there, so it cannot take the place of another
// daemon's socket; and the driver serves IKE's part of its contract only on this socket.
namespace ipsec::rpc {

// Gives a directory, or a socket that has been made, of this process's user to the account's group. The process must be
// a member (join_group).
Status open_directory_to(const Account& account, const std::string& directory);
Status open_socket_to(const Account& account, const std::string& socket_path);

// For IKE while it still has its rights: makes ike_directory(runtime_directory) where the driver has not yet, opens it
// and what is in it to the account where there is one, and returns the path of the driver's socket through a handle to
// that directory: it holds for the life of the process, whatever the directories above it allow.
Result<std::string> reach_driver(const std::string& runtime_directory, const Account* account);

}  // namespace ipsec::rpc
