#include "services/ike/certificates/signature.h"

#include <algorithm>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "services/ike/certificates/openssl_error.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

// Octets of r and of s.
std::size_t half_size(SignatureMethod method) {
  switch (method) {
    case SignatureMethod::kEcdsa256:
      return 32;
    case SignatureMethod::kEcdsa384:
      return 48;
    default:
      return 66;
  }
}

Result<Bytes> fixed_length(ByteView der, std::size_t half) {
  const unsigned char* at = der.data();
  const X509Owner<ECDSA_SIG> parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes fixed(2 * half);
  const bool fits = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), fixed.data(), static_cast<int>(half)) > 0 &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), fixed.data() + half, static_cast<int>(half)) > 0;
  if (!fits) return Status(ErrorCode::kInternal, "a signature that is none");
  return fixed;
}

Result<Bytes> der_of(ByteView fixed, std::size_t half) {
  if (fixed.size() != 2 * half) {
    return invalid(fmt::format("a signature of {} octets, r and s have {}", fixed.size(), 2 * half));
  }
  const X509Owner<ECDSA_SIG> made(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(fixed.data(), static_cast<int>(half), nullptr);
  BIGNUM* s = BN_bin2bn(fixed.data() + half, static_cast<int>(half), nullptr);
  require(made && r != nullptr && s != nullptr && ECDSA_SIG_set0(made.get(), r, s) == 1);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(made.get(), &der);
  require(size > 0);
  const X509Owner<char> owner(reinterpret_cast<char*>(der));
  return Bytes(der, der + size);
}

bool set_padding(EVP_PKEY_CTX* context, SignatureMethod method) {
  return method != SignatureMethod::kRsa || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
}

}  // namespace

Result<Bytes> sign(const PrivateKey& key, SignatureMethod method, ByteView hash) {
  const KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  std::size_t size = 0;
  bool done = context && EVP_PKEY_sign_init(context.get()) == 1 && set_padding(context.get(), method) &&
              EVP_PKEY_sign(context.get(), nullptr, &size, hash.data(), hash.size()) == 1;
  Bytes signature(size);
  done = done && EVP_PKEY_sign(context.get(), signature.data(), &size, hash.data(), hash.size()) == 1;
  if (!done) {
    return Status(ErrorCode::kInternal, fmt::format("the provider '{}' of the private key does not make a {}: {}",
                                                    key.provider(), name(method), take_openssl_error()));
  }
  signature.resize(size);
  if (method == SignatureMethod::kRsa) return signature;
  return fixed_length(signature, half_size(method));
}

Status verify(const Certificate& certificate, SignatureMethod method, ByteView hash, ByteView signature) {
  const PublicKeyInfo key = certificate.key();
  if (key.kind == KeyKind::kOther || method_of(key.kind) != method) {
    return invalid(fmt::format("a key {} does not make a {}", key.text, name(method)));
  }
  Bytes octets(signature.begin(), signature.end());
  if (method != SignatureMethod::kRsa) {
    IPSEC_ASSIGN_OR_RETURN(octets, der_of(signature, half_size(method)));
  }
  const KeyContext context(EVP_PKEY_CTX_new(X509_get0_pubkey(certificate.get()), nullptr));
  const bool right = context && EVP_PKEY_verify_init(context.get()) == 1 && set_padding(context.get(), method) &&
                     EVP_PKEY_verify(context.get(), octets.data(), octets.size(), hash.data(), hash.size()) == 1;
  ERR_clear_error();
  if (right) return {};
  return invalid(fmt::format("the {} was not made with the key of this certificate", name(method)));
}

}  // namespace ipsec::ike
