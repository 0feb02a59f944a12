#pragma once

#include <memory>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "services/common/crypto/openssl_handles.h"

// Owners of OpenSSL's certificate objects. For this folder and the loading of files only.
namespace ipsec::ike {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(X509_NAME* name) const { X509_NAME_free(name); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(PKCS7* container) const { PKCS7_free(container); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(CRL_DIST_POINTS* points) const { CRL_DIST_POINTS_free(points); }
  void operator()(EXTENDED_KEY_USAGE* usages) const { EXTENDED_KEY_USAGE_free(usages); }
  void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
  void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(char* text) const { OPENSSL_free(text); }
  // The stack, not what is on it.
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
  void operator()(STACK_OF(X509_CRL) * lists) const { sk_X509_CRL_pop_free(lists, X509_CRL_free); }
};

template <typename T>
using X509Owner = std::unique_ptr<T, FreeX509>;
using KeyOwner = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

}  // namespace ipsec::ike
