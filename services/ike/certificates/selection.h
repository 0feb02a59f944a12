#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/ike/certificates/authentication.h"
#include "services/ike/certificates/checks.h"
#include "services/ike/certificates/store.h"

// The documented selection of the own certificate (AUC-06 to AUC-20):
//   pass 1  the roots that the peer asks for and the policy has (all of the policy where there are none of these), and
//           only certificates for IKE intermediate use
//   pass 2  the same roots, any certificate
//   pass 3  all roots of the policy, where pass 1 and 2 had fewer
namespace ipsec::ike {

struct Candidate {
  std::size_t place = 0;  // in store.own
  std::vector<Verdict> verdicts;
  Chain chain;
  bool usable = false;
};

struct Pass {
  int number = 1;
  std::vector<std::string> roots;  // subjects
  std::vector<Candidate> candidates;
};

struct Selection {
  std::vector<Pass> passes;  // those that were made; the last candidate of the last one is the choice, if it is usable
  std::vector<std::string> unknown_roots;  // of the policy, that are not in the store
  std::vector<std::string> wanted;         // distribution points; empty where the choice does not depend on them

  const Candidate* chosen() const;
};

// The roots of the store that the policy means, in its order.
std::vector<Certificate> roots_of(const std::vector<CertificateMethod>& authorities, const CertificateStore& store);

Selection select_certificate(const CertificateTerms& terms, const std::vector<Bytes>& requests,
                             const CertificateStore& store, const CrlSource& crls, std::int64_t now);

// Every check of one certificate against these roots, the EKU included.
Candidate examine(std::size_t place, const std::vector<Certificate>& roots, const CheckTerms& terms,
                  const CertificateStore& store, const CrlSource& crls);

}  // namespace ipsec::ike
