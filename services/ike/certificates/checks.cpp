#include "services/ike/certificates/checks.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/certificates/limits.h"

namespace ipsec::ike {

namespace {

constexpr std::array<std::string_view, 12> kNames = {
    "trust",         "not_root_only", "private_key",      "key_kind", "key_length", "digital_signature",
    "not_authority", "revocation",    "ike_intermediate", "identity", "signature",  "account",
};

Verdict verdict(Check check, bool passed, std::string text) {
  return {check, passed ? Outcome::kPassed : Outcome::kFailed, std::move(text)};
}

Verdict check_trust(const Chain& chain, const CheckTerms&) {
  if (chain.problems.empty())
    return verdict(Check::kTrust, true, fmt::format("root {}", chain.certificates.back().subject().to_string()));
  return verdict(Check::kTrust, false, fmt::format("{}", fmt::join(chain.problems, "; ")));
}

Verdict check_not_root_only(const Chain& chain, const CheckTerms&) {
  const Certificate& end = chain.certificates.front();
  const bool root_only = chain.certificates.size() == 1 && end.is_self_issued();
  return verdict(Check::kNotRootOnly, !root_only,
                 root_only ? "it is a root itself; one issued by a root is accepted"
                           : fmt::format("path of {}", chain.certificates.size()));
}

Verdict check_key_kind(const Chain& chain, const CheckTerms& terms) {
  const PublicKeyInfo key = chain.certificates.front().key();
  if (terms.chain.windows2003 && key.kind != KeyKind::kRsa)
    return verdict(Check::kKeyKind, false, fmt::format("{}; profile windows2003 accepts RSA", key.text));
  const bool fits = key.kind != KeyKind::kOther && method_of(key.kind) == terms.method;
  return verdict(Check::kKeyKind, fits,
                 fits ? key.text : fmt::format("{}; the two sides agreed on {}", key.text, name(terms.method)));
}

Verdict check_key_length(const Chain& chain, const CheckTerms& terms) {
  const PublicKeyInfo key = chain.certificates.front().key();
  const int least = terms.chain.windows2003 ? kMinRsaBits2003 : kMinRsaBits;
  const bool fits = key.kind != KeyKind::kRsa || key.bits >= least;
  return verdict(Check::kKeyLength, fits,
                 fits ? key.text : fmt::format("{}; at least {} bits are accepted", key.text, least));
}

// Absent key usage is no usage to the documented system, and every usage to RFC 5280.
Verdict check_digital_signature(const Chain& chain, const CheckTerms& terms) {
  const auto allowed = chain.certificates.front().allows_digital_signature();
  if (!allowed) {
    return verdict(Check::kDigitalSignature, !terms.chain.windows2003,
                   terms.chain.windows2003 ? "no key usage; profile windows2003 wants digitalSignature"
                                           : "no key usage, which allows all");
  }
  return verdict(Check::kDigitalSignature, *allowed,
                 *allowed ? "digitalSignature" : "the key usage lacks digitalSignature");
}

Verdict check_not_authority(const Chain& chain, const CheckTerms&) {
  const bool authority = chain.certificates.front().is_authority();
  return verdict(
      Check::kNotAuthority, !authority,
      authority ? "it is that of a certification authority; an end certificate is accepted" : "an end certificate");
}

Verdict check_revocation(const Chain& chain, const CheckTerms& terms) {
  const std::uint32_t level = terms.chain.crl_level;
  if (level == 0) return {Check::kRevocation, Outcome::kNotChecked, "strongcrlcheck is 0"};
  if (!chain.problems.empty()) return {Check::kRevocation, Outcome::kNotChecked, "the certificate is not trusted"};
  if (!chain.revoked.empty())
    return verdict(Check::kRevocation, false, fmt::format("revoked: {}", fmt::join(chain.revoked, "; ")));
  if (chain.unchecked.empty()) return verdict(Check::kRevocation, true, "not revoked");
  const std::string text = fmt::format("could not be checked: {}", fmt::join(chain.unchecked, "; "));
  if (level == 1) return {Check::kRevocation, Outcome::kNotChecked, text};
  return verdict(Check::kRevocation, false, text + "; strongcrlcheck 2 accepts only what could be");
}

using Checker = Verdict (*)(const Chain&, const CheckTerms&);
constexpr Checker kCheckers[] = {check_trust,      check_not_root_only,     check_key_kind,
                                 check_key_length, check_digital_signature, check_not_authority,
                                 check_revocation};

}  // namespace

std::string_view name(Check check) { return kNames[static_cast<std::size_t>(check)]; }

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotChecked:
      break;
  }
  return "not checked";
}

std::vector<Verdict> check_certificate(const Chain& chain, const CheckTerms& terms) {
  std::vector<Verdict> verdicts;
  for (const Checker checker : kCheckers) verdicts.push_back(checker(chain, terms));
  return verdicts;
}

const Verdict* first_failure(const std::vector<Verdict>& verdicts) {
  const auto found = std::find_if(verdicts.begin(), verdicts.end(),
                                  [](const Verdict& one) { return one.outcome == Outcome::kFailed; });
  return found != verdicts.end() ? &*found : nullptr;
}

std::string failures_text(const std::vector<Verdict>& verdicts) {
  std::string text;
  for (const Verdict& one : verdicts) {
    if (one.outcome == Outcome::kFailed)
      text += fmt::format("{}{} failed: {}", text.empty() ? "" : "; ", name(one.check), one.text);
  }
  return text;
}

}  // namespace ipsec::ike
