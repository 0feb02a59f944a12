#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/chain.h"
#include "services/ike/certificates/private_key.h"

// The documented checks of a certificate as a table of named verdicts (AUC-08 to AUC-15, AUC-21 to AUC-26).
namespace ipsec::ike {

enum class Check : std::uint8_t {
  kTrust,        // a path without error to a root of the policy
  kNotRootOnly,  // which is more than a root
  kPrivateKey,   // own certificates only
  kKeyKind,      // as the signature method, and RSA with profile windows2003
  kKeyLength,
  kDigitalSignature,  // key usage
  kNotAuthority,      // an end certificate
  kRevocation,        // as strongcrlcheck says
  kIkeIntermediate,   // extended key usage; wanted in the first pass of the selection only
  kIdentity,          // of peers: the ID payload is a name of the certificate
  kSignature,         // of peers
  kAccount,           // of peers, with certmap:yes
};
// "trust", "not_root_only", ...; stable, for events and --json.
std::string_view name(Check check);

enum class Outcome : std::uint8_t { kPassed, kFailed, kNotChecked };
std::string_view name(Outcome outcome);  // "passed", "failed", "not checked"

struct Verdict {
  Check check = Check::kTrust;
  Outcome outcome = Outcome::kPassed;
  std::string text;  // what was found; for people
};

struct CheckTerms {
  ChainTerms chain;
  SignatureMethod method = SignatureMethod::kRsa;
};

// All checks of this certificate that need no peer: kTrust to kNotAuthority without kPrivateKey, then kRevocation.
std::vector<Verdict> check_certificate(const Chain& chain, const CheckTerms& terms);

// The first that failed; nullptr: none.
const Verdict* first_failure(const std::vector<Verdict>& verdicts);
// "trust passed; key_length failed: RSA 512, ..."; without those that passed.
std::string failures_text(const std::vector<Verdict>& verdicts);

}  // namespace ipsec::ike
