#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/ike/certificates/store.h"

// A throw-away certification authority that issues every defect the tests want. Keys are made once in a process.
namespace ipsec::ike::tests {

// The time of the tests, in seconds of Unix time.
inline constexpr std::int64_t kTestNow = 1'800'000'000;
inline constexpr std::int64_t kDay = 86'400;

using TestKey = std::shared_ptr<EVP_PKEY>;
// "rsa:2048", "rsa:512", "ec:P-256", ...; the same for the same `label`.
TestKey test_key(const std::string& kind, const std::string& label = "");

struct CertificateOptions {
  std::string subject = "CN=host";
  std::string key = "rsa:2048";
  std::string key_label;  // a key of its own
  std::int64_t not_before = kTestNow - kDay;
  std::int64_t not_after = kTestNow + 30 * kDay;
  std::string key_usage = "digitalSignature";            // empty: none
  std::string extended_key_usage = "1.3.6.1.5.5.8.2.2";  // empty: none
  std::string alternative_names;                         // "DNS:a.example.org,IP:10.0.0.1"; empty: none
  std::string distribution_points;                       // "URI:http://..."; empty: none
  bool authority = false;
  std::string digest = "SHA256";
};

struct Issued {
  Certificate certificate;
  TestKey key;

  std::shared_ptr<const PrivateKey> private_key() const;
};

class TestAuthority {
 public:
  // A root.
  explicit TestAuthority(const std::string& subject, const std::string& key = "ec:P-256");
  // Issued by another one.
  TestAuthority(TestAuthority& parent, const std::string& subject, const std::string& key = "ec:P-256");

  const Certificate& certificate() const { return *certificate_; }
  Issued issue(const CertificateOptions& options);
  // This authority's name and key, certified by another: a cross certificate.
  Certificate cross_certified_by(TestAuthority& other);
  Crl revocation_list(const std::vector<Certificate>& revoked, std::int64_t last_update = kTestNow - kDay,
                      std::int64_t next_update = kTestNow + kDay) const;

 private:
  Certificate sign(const CertificateOptions& options, EVP_PKEY* subject_key);

  TestKey key_;
  std::optional<Certificate> certificate_;
  std::int64_t next_serial_ = 1000;
};

// A store with this own certificate and these roots.
CertificateStore store_of(const std::vector<Issued>& own, const std::vector<Certificate>& roots,
                          const std::vector<Certificate>& intermediates = {});

}  // namespace ipsec::ike::tests
