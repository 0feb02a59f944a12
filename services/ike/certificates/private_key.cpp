#include "services/ike/certificates/private_key.h"

#include <cassert>
#include <utility>

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

SignatureMethod method_of(KeyKind kind) {
  assert(kind != KeyKind::kOther);
  switch (kind) {
    case KeyKind::kEcdsa256:
      return SignatureMethod::kEcdsa256;
    case KeyKind::kEcdsa384:
      return SignatureMethod::kEcdsa384;
    case KeyKind::kEcdsa521:
      return SignatureMethod::kEcdsa521;
    default:
      return SignatureMethod::kRsa;
  }
}

PrivateKey::PrivateKey(EVP_PKEY* key, std::string provider)
    : key_(key, EVP_PKEY_free), provider_(std::move(provider)) {}

}  // namespace ipsec::ike
