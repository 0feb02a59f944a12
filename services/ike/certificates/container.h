#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/certificates/certificate.h"

// CERT and CERTREQ payloads (RFC 2408 sections 3.9 and 3.10).
namespace ipsec::ike {

enum class CertificateEncoding : std::uint8_t { kPkcs7 = 1, kX509Signature = 4, kX509KeyExchange = 5 };

// The body of a payload: one octet of encoding, then data.
// What one peer sent, the end certificate first: that is the first of the first payload. Encodings other than the two
// that are understood (CRLs, for one) are passed over. Refuses what does not parse, more than kMaxPeerCertificates, and
// none at all.
Result<std::vector<Certificate>> read_certificates(std::span<const Bytes> bodies);

// The end certificate first, then its intermediates: PKCS #7, or the certificate by itself where there are none
// (AUC-19). Requires one at least.
Bytes write_certificates(const std::vector<Certificate>& chain);

// The names of authorities in CERTREQ bodies, as DER. Those of encodings that are not X.509, and of empty names, which
// ask for any certificate, are left out.
std::vector<Bytes> read_requests(std::span<const Bytes> bodies);
// An empty name asks for any certificate (AUC-30).
Bytes write_request(ByteView name);

}  // namespace ipsec::ike
