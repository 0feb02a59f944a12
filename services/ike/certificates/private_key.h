#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/method.h"

// A private key and where it lives: in this process (OpenSSL wipes it when it is released) or in a token that signs.
namespace ipsec::ike {

// The method in which a key of this kind signs; requires one that does.
SignatureMethod method_of(KeyKind kind);

class PrivateKey {
 public:
  // Takes the key over. `provider` is for people: "software", "token 'ipsec'" (AUC-05).
  PrivateKey(EVP_PKEY* key, std::string provider);

  EVP_PKEY* get() const { return key_.get(); }
  const std::string& provider() const { return provider_; }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::string provider_;
};

}  // namespace ipsec::ike
