#pragma once

#include <memory>

#include <openssl/bn.h>

#include "services/common/bytes.h"
#include "services/common/crypto/require.h"
#include "services/common/secret.h"

// Owners of OpenSSL numbers. Running out of memory stops the process, as it does for every allocation here.
namespace ipsec {

struct FreeBignum {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(BN_MONT_CTX* context) const { BN_MONT_CTX_free(context); }
};
using Bignum = std::unique_ptr<BIGNUM, FreeBignum>;
using BignumContext = std::unique_ptr<BN_CTX, FreeBignum>;

inline Bignum make_bignum() {
  Bignum number(BN_new());
  require(number != nullptr);
  return number;
}

inline Bignum bignum_of(ByteView bytes) {
  Bignum number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  require(number != nullptr);
  return number;
}

// Marked so that OpenSSL takes the paths whose time does not depend on the value.
inline Bignum secret_bignum_of(const SecretBytes& bytes) {
  Bignum number = bignum_of(bytes.view());
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

// Scratch memory that is wiped with the context.
inline BignumContext make_bignum_context() {
  BignumContext context(BN_CTX_secure_new());
  require(context != nullptr);
  return context;
}

// Left padded with zeros to the size of `out`.
inline void write_padded(const BIGNUM* number, MutableByteView out) {
  require(BN_bn2binpad(number, out.data(), static_cast<int>(out.size())) == static_cast<int>(out.size()));
}

}  // namespace ipsec
