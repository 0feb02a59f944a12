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

struct CertificatePlaces {
  Place certificates;  // the certificate directory
  Place crl_cache;
};

// For IKE while it still has its rights. The certificate directory stays as the administrator has made it: the account
// reads what its owner, group and mode let it. The cache is made where it is not there yet and becomes the account's,
// where there is one.
// Errors: kUnavailable where the cache cannot be made or given away.
Result<CertificatePlaces> reach_certificates(const std::string& certificates, const std::string& crl_cache,
                                             const Account* account);

}  // namespace ipsec::ike
