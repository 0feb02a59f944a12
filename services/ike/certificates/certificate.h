#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openssl/x509.h>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/certificates/distinguished_name.h"

// One X.509 certificate as a value; copies share it. Nothing here says whether it is to be trusted.
namespace ipsec::ike {

enum class KeyKind : std::uint8_t { kRsa, kEcdsa256, kEcdsa384, kEcdsa521, kOther };

struct PublicKeyInfo {
  KeyKind kind = KeyKind::kOther;
  int bits = 0;
  std::string text;  // "RSA 2048", "EC P-256"
};

class Certificate {
 public:
  // Refuses what is no certificate, is longer than kMaxCertificateSize or has something behind it.
  static Result<Certificate> from_der(ByteView der);
  // Takes a reference of its own.
  static Certificate of(X509* certificate);

  X509* get() const { return certificate_.get(); }
  Bytes der() const;
  friend bool operator==(const Certificate& a, const Certificate& b) { return X509_cmp(a.get(), b.get()) == 0; }

  DistinguishedName subject() const;
  DistinguishedName issuer() const;
  std::string serial() const;  // hexadecimal
  // "2026-11-30T12:00:00Z"
  std::string not_before() const;
  std::string not_after() const;
  PublicKeyInfo key() const;
  bool has_key_of(const EVP_PKEY* private_key) const;

  // "DNS:a.example.org", "email:x@y", "IP:10.0.0.1"; of the subject alternative name.
  std::vector<std::string> alternative_names() const;
  bool is_self_issued() const;
  // basicConstraints says so, whatever the key usage, or it is a self-signed one of version 1.
  bool is_authority() const;
  // nullopt: it has no keyUsage, which allows everything (RFC 5280 section 4.2.1.3).
  std::optional<bool> allows_digital_signature() const;
  // Extended key usage 1.3.6.1.5.5.8.2.2 (AUC-07).
  bool is_ike_intermediate() const;
  // "iKEIntermediate", "serverAuth", "1.2.3"
  std::vector<std::string> extended_key_usages() const;
  // URIs of the CRL distribution points, in order.
  std::vector<std::string> distribution_points() const;

  // "CN=a.example.org (serial 0x12)"
  std::string to_string() const;

 private:
  explicit Certificate(std::shared_ptr<X509> certificate) : certificate_(std::move(certificate)) {}

  std::shared_ptr<X509> certificate_;  // OpenSSL caches in it, under a lock of its own
};

// "2026-11-30T12:00:00Z"
std::string to_string(const ASN1_TIME* time);

}  // namespace ipsec::ike
