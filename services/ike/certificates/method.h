#pragma once

#include <string>

namespace ipsec::ike {

// One "rootca=" of a rule (proto CertificateMethod): an authority whose certificates are trusted.
struct CertificateMethod {
  std::string root_ca;           // its subject, as the policy has it
  bool map_to_account = false;   // only peers on the list of accounts (AUC-26)
  bool exclude_ca_name = false;  // its name stays out of certificate requests (AUC-30)
  friend bool operator==(const CertificateMethod&, const CertificateMethod&) = default;
};

}  // namespace ipsec::ike
