#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/secret.h"
#include "services/ike/certificates/method.h"
#include "services/ike/wire/payloads.h"

// What the core asks and learns of authentication by certificate, as plain values; the work is authentication.h.
namespace ipsec::ike {

// What of the certificates of this computer the negotiation of main mode must know.
struct CertificateSummary {
  std::vector<SignatureMethod> methods;  // in which this computer can sign
  std::vector<Bytes> roots;              // subjects of those that are there, DER
  std::string directory;
};
// Bodies of CERTREQ payloads: the names of the authorities that are there, and an empty one where a name is left out or
// none is there (AUC-30).
std::vector<Bytes> certificate_requests(const CertificateSummary& summary,
                                        const std::vector<CertificateMethod>& authorities);

// How a rule authenticates by certificate.
struct CertificateTerms {
  std::vector<CertificateMethod> authorities;  // best first
  SignatureMethod method = SignatureMethod::kRsa;
  std::uint32_t crl_level = 1;
  bool windows2003 = false;
  std::string rule_name;  // for messages
};

// Why it came to nothing. The core has a failure reason for each.
enum class Refused : std::uint8_t {
  kNoCertificate,  // of our own that could be used (AUC-20)
  kSigningFailed,  // AUC-05
  kMalformed,      // CERT payloads
  kNotTrusted,     // a check failed that is not listed below
  kRevoked,
  kRevocationUnknown,  // CRL-03, CRL-11
  kIdentity,           // AUC-22
  kSignature,
  kAccount,  // AUC-26, AUC-29
};
struct Refusal {
  Refused why = Refused::kNotTrusted;
  std::string text;                     // names the check that failed
  std::vector<std::string> offered;     // what the peer showed, or our candidates each with its verdicts
  std::vector<std::string> configured;  // what was wanted
};

// What this host proves: HASH = prf(key, covered | ID body), signed.
struct ProofRequest {
  CertificateTerms terms;
  std::vector<Bytes> requests;  // bodies of the peer's CERTREQ payloads
  Integrity hash = Integrity::kSha256;
  SecretBytes key;  // SKEYID
  Bytes covered;    // g^x | g^x | CKY | CKY | SAi_b
};
struct Proof {
  IdentificationPayload identity;
  Bytes certificates;  // body of the CERT payload
  Bytes signature;
  std::string identity_text;
  std::string how;  // "CN=a (serial 1), provider software, pass 1 of the selection": for logs
};
// What a peer claims.
struct PeerClaim {
  CertificateTerms terms;
  IdentificationPayload identity;
  std::vector<Bytes> certificates;  // bodies of its CERT payloads
  Bytes hash;                       // HASH_I or HASH_R as it must be
  Bytes signature;
};
struct ProvenPeer {
  std::string identity;     // of the ID payload
  std::string certificate;  // "CN=b (serial 2)"
  std::string note;         // what could not be checked and was let pass (CRL-02); may be empty
};
}  // namespace ipsec::ike
