#pragma once

#include <memory>
#include <string>

#include "services/common/result.h"
#include "services/ike/certificates/private_key.h"

// Private keys that stay in a PKCS #11 token (AUC-04, AUC-05).
namespace ipsec::ike {

// By its URI (RFC 7512): "pkcs11:token=ipsec;object=host?pin-source=/etc/policyagent/ike/pin&module-path=...".
// Blocking. The token signs, by OpenSSL's engine "pkcs11" (Debian: libengine-pkcs11-openssl). Errors name what is
// missing and never a PIN.
Result<std::shared_ptr<const PrivateKey>> token_key(const std::string& uri);

}  // namespace ipsec::ike
