#include "services/ike/certificates/private_key.h"

#include <cassert>
#include <utility>

namespace ipsec::ike {

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
