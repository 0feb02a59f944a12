#pragma once

#include <string>

#include "services/common/result.h"
#include "services/ike/certificates/certificate.h"
#include "services/ike/wire/payloads.h"

// Identities of phase 1 and the names in certificates (AUC-22, RFC 2407 section 4.6.2).
namespace ipsec::ike {

// As ike::to_string, with distinguished names in words.
std::string identity_text(const IdentificationPayload& identity);

// The identity must be the subject, or a subject alternative name of its type; a host name may also be the common name
// where there is no alternative name of that type. No wildcards. The refusal gives both.
Status match_identity(const Certificate& certificate, const IdentificationPayload& identity);

// What a host with this certificate calls itself: its subject, or where that is empty its first alternative name that
// is a host name, mail or address.
Result<IdentificationPayload> identity_of(const Certificate& certificate);

}  // namespace ipsec::ike
