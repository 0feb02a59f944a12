#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/x509.h>

#include "services/common/bytes.h"
#include "services/common/result.h"

// X.500 names: as policies write them, as certificates and DER_ASN1_DN identities carry them.
namespace ipsec::ike {

class DistinguishedName {
 public:
  // A whole DER Name; refuses anything behind it.
  static Result<DistinguishedName> from_der(ByteView der);
  // "C=US, O=\"Big, Corp\", CN=Root": attributes by OpenSSL's short names (and S, E, as Windows has them) or object
  // identifiers, in double quotes or with backslashes where a value needs it. Refuses unknown attributes by name.
  static Result<DistinguishedName> from_text(std::string_view text);
  // Copies.
  static DistinguishedName of(const X509_NAME* name);

  const Bytes& der() const { return der_; }
  bool empty() const;
  // "C=US, O=X, CN=Root", in the order of the name.
  std::string to_string() const;

  // As RFC 5280 section 7.1 compares: without regard to case and repeated blanks.
  bool same_as(const DistinguishedName& other) const;
  // Also where one of them is written backwards: tools disagree on which end comes first.
  bool same_in_any_order(const DistinguishedName& other) const;

 private:
  explicit DistinguishedName(std::shared_ptr<const X509_NAME> name, Bytes der);

  std::shared_ptr<const X509_NAME> name_;
  Bytes der_;
};

}  // namespace ipsec::ike
