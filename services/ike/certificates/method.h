#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/algorithms.h"

namespace ipsec::ike {

// One "rootca=" of a rule (proto CertificateMethod): an authority whose certificates are trusted.
struct CertificateMethod {
  std::string root_ca;           // its subject, as the policy has it
  bool map_to_account = false;   // only peers on the list of accounts (AUC-26)
  bool exclude_ca_name = false;  // its name stays out of certificate requests (AUC-30)
  friend bool operator==(const CertificateMethod&, const CertificateMethod&) = default;
};

// How main mode is signed; the numbers of RFC 2409 appendix A and RFC 4754 section 6.
enum class SignatureMethod : std::uint16_t { kRsa = 3, kEcdsa256 = 9, kEcdsa384 = 10, kEcdsa521 = 11 };
// "RSA signature", "ECDSA-256 signature"
std::string_view name(SignatureMethod method);
// Whether an authentication method on the wire is one of these.
bool is_signature(std::uint16_t method);
// The hash of HASH_I and HASH_R: the negotiated one, or with ECDSA that of the curve (RFC 4754 section 3).
Integrity signed_hash(SignatureMethod method, Integrity negotiated);

}  // namespace ipsec::ike
