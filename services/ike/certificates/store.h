#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/ike/certificates/accounts.h"
#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/claims.h"
#include "services/ike/certificates/private_key.h"
#include "services/ike/certificates/revocation.h"

// The certificates of this computer, as they were read: a snapshot that does not change (AUC-03, AUC-32).
namespace ipsec::ike {

struct OwnCertificate {
  Certificate certificate;
  std::shared_ptr<const PrivateKey> key;  // null: there is none (AUC-10)
  std::string file;
};

struct StoredCertificate {
  Certificate certificate;
  std::string file;
};

struct StoredCrl {
  Crl list;
  std::string file;
};

struct CertificateStore {
  std::string directory;            // for messages
  std::vector<OwnCertificate> own;  // in the order of their files' names
  std::vector<StoredCertificate> roots;
  std::vector<Certificate> intermediates;
  std::vector<StoredCrl> lists;
  std::optional<AccountList> accounts;  // absent: there is no such file, or it cannot be read (AUC-29)
  std::vector<std::string> problems;    // files that are not used, and why
};

// What of it the negotiation of main mode must know.
CertificateSummary summary_of(const CertificateStore& store);

// Whether a policy means this authority. What is no distinguished name is compared with the common name, as a
// "rootca=Test Root" of an administrator in a hurry means it.
bool is_meant(const std::string& root_ca, const DistinguishedName& subject);

}  // namespace ipsec::ike
