#include "services/ike/certificates/method.h"

namespace ipsec::ike {

std::string_view name(SignatureMethod method) {
  switch (method) {
    case SignatureMethod::kRsa:
      return "RSA signature";
    case SignatureMethod::kEcdsa256:
      return "ECDSA-256 signature";
    case SignatureMethod::kEcdsa384:
      return "ECDSA-384 signature";
    case SignatureMethod::kEcdsa521:
      break;
  }
  return "ECDSA-521 signature";
}

bool is_signature(std::uint16_t method) {
  switch (static_cast<SignatureMethod>(method)) {
    case SignatureMethod::kRsa:
    case SignatureMethod::kEcdsa256:
    case SignatureMethod::kEcdsa384:
    case SignatureMethod::kEcdsa521:
      return true;
  }
  return false;
}

Integrity signed_hash(SignatureMethod method, Integrity negotiated) {
  switch (method) {
    case SignatureMethod::kEcdsa256:
      return Integrity::kSha256;
    case SignatureMethod::kEcdsa384:
      return Integrity::kSha384;
    case SignatureMethod::kEcdsa521:
      return Integrity::kSha512;
    case SignatureMethod::kRsa:
      break;
  }
  return negotiated;
}

}  // namespace ipsec::ike
