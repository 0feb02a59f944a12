#pragma once

#include <string>

#include "services/ike/certificates/store.h"
#include "services/ike/shell/ike_places.h"

// The certificate directory of this computer:
//   own/            certificates of this host and their private keys: PEM, DER, PKCS #12; a key may stand in a file of
//   its
//                   own. FILE.password beside a FILE that is encrypted. NAME.pkcs11 holds the URI (RFC 7512) of a key
//                   in a token.
//   roots/          certificates of trusted authorities
//   intermediates/  of others, for paths
//   crls/           revocation lists
//   accounts        the list of accounts (certificates/accounts.h)
// Only the computer's certificates count, never a user's (AUC-03).
namespace ipsec::ike {

// Blocking. What cannot be used is left out and named in `problems`: a file with a private key that others than root
// and the group of IKE's account may read, a root or a list of accounts that they may write, what does not parse, what
// is too long.
CertificateStore read_certificates_of(const Place& directory);

}  // namespace ipsec::ike
