#pragma once

#include <string>

#include "services/common/account.h"
#include "services/common/result.h"

namespace ipsec::ike {

// A directory that the account of IKE may reach whatever the directories above it allow.
struct Place {
  std::string name;  // as configured, for messages
  std::string path;  // to open: through a handle that holds for the life of the process, where there is one
};

struct IkePlaces {
  Place certificates;  // the certificate directory
  Place state;         // what IKE itself keeps: revocation lists, its log
};

// For IKE while it still has its rights. The certificate directory stays as the administrator has made it: the account
// reads what its owner, group and mode let it. The directory `ike` in the state directory is made where it is not there
// yet, and becomes the account's with all that is in it, where there is one.
// Errors: kUnavailable where it cannot be made or given away.
Result<IkePlaces> reach_places(const std::string& certificates, const std::string& state_directory,
                               const Account* account);

}  // namespace ipsec::ike
