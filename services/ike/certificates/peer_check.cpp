#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/certificates/authentication.h"
#include "services/ike/certificates/checks.h"
#include "services/ike/certificates/container.h"
#include "services/ike/certificates/identity_match.h"
#include "services/ike/certificates/selection.h"
#include "services/ike/certificates/signature.h"

namespace ipsec::ike {

namespace {

Refused reason_of(const Verdict& failed, const Chain& chain) {
  switch (failed.check) {
    case Check::kRevocation:
      return chain.revoked.empty() ? Refused::kRevocationUnknown : Refused::kRevoked;
    case Check::kIdentity:
      return Refused::kIdentity;
    case Check::kSignature:
      return Refused::kSignature;
    case Check::kAccount:
      return Refused::kAccount;
    default:
      return Refused::kNotTrusted;
  }
}

Verdict verdict_of(Check check, const Status& status, std::string passed) {
  if (status.ok()) return {check, Outcome::kPassed, std::move(passed)};
  return {check, Outcome::kFailed, status.message()};
}

// Of the authority whose root the path ends in.
bool is_mapped(const CertificateTerms& terms, const Certificate& root) {
  const DistinguishedName subject = root.subject();
  const auto found = std::find_if(terms.authorities.begin(), terms.authorities.end(),
                                  [&](const CertificateMethod& one) { return is_meant(one.root_ca, subject); });
  return found != terms.authorities.end() && found->map_to_account;
}

Status admit(const CertificateStore& store, const Certificate& certificate) {
  if (store.accounts) return store.accounts->admit(certificate);
  return unavailable(fmt::format("there is no readable list of accounts {}/accounts", store.directory));
}

class PeerCheck {
 public:
  PeerCheck(const PeerClaim& claim, const CertificateStore& store, const CrlSource& crls, std::int64_t now)
      : claim_(claim),
        store_(store),
        crls_(crls),
        terms_{{now, claim.terms.crl_level, claim.terms.windows2003}, claim.terms.method} {}

  std::variant<ProvenPeer, Refusal, CrlsWanted> run() const {
    const auto sent = read_certificates(claim_.certificates);
    if (!sent.ok()) return Refusal{Refused::kMalformed, sent.status().message(), {}, wanted()};
    const std::vector<Certificate> roots = roots_of(claim_.terms.authorities, store_);
    std::vector<Certificate> intermediates(sent->begin() + 1, sent->end());
    intermediates.insert(intermediates.end(), store_.intermediates.begin(), store_.intermediates.end());
    const Chain chain = build_chain(sent->front(), intermediates, roots, crls_, terms_.chain);
    std::vector<Verdict> verdicts = check_certificate(chain, terms_);
    // It comes last.
    const Verdict revocation = std::move(verdicts.back());
    verdicts.pop_back();
    add_claims(chain, verdicts);
    const bool good_so_far = first_failure(verdicts) == nullptr;
    if (good_so_far && !chain.wanted.empty() && chain.revoked.empty()) return CrlsWanted{chain.wanted};
    verdicts.push_back(revocation);
    if (const Verdict* failed = first_failure(verdicts)) return refusal(chain, verdicts, *failed);
    ProvenPeer peer{identity_text(claim_.identity), sent->front().to_string(), {}};
    if (revocation.outcome == Outcome::kNotChecked && terms_.chain.crl_level != 0)
      peer.note = fmt::format("revocation {}", revocation.text);
    return peer;
  }

 private:
  // What only a peer is asked for; of a certificate that is none of ours to trust, nothing more.
  void add_claims(const Chain& chain, std::vector<Verdict>& verdicts) const {
    const Certificate& end = chain.certificates.front();
    verdicts.push_back(
        verdict_of(Check::kIdentity, match_identity(end, claim_.identity), identity_text(claim_.identity)));
    if (first_failure(verdicts) != nullptr) return;
    verdicts.push_back(verdict_of(Check::kSignature, verify(end, claim_.terms.method, claim_.hash, claim_.signature),
                                  std::string(name(claim_.terms.method))));
    if (is_mapped(claim_.terms, chain.certificates.back()))
      verdicts.push_back(verdict_of(Check::kAccount, admit(store_, end), "on the list of accounts"));
  }

  std::vector<std::string> wanted() const {
    std::vector<std::string> texts;
    for (const CertificateMethod& authority : claim_.terms.authorities)
      texts.push_back(fmt::format("certificate of {}", authority.root_ca));
    return texts;
  }

  Refusal refusal(const Chain& chain, const std::vector<Verdict>& verdicts, const Verdict& failed) const {
    const Certificate& end = chain.certificates.front();
    std::string text =
        fmt::format("certificate {} of the peer is refused: {}", end.to_string(), failures_text(verdicts));
    const auto& authorities = claim_.terms.authorities;
    const bool names_left_out = std::any_of(authorities.begin(), authorities.end(),
                                            [](const CertificateMethod& one) { return one.exclude_ca_name; });
    if (failed.check == Check::kTrust && names_left_out)
      text += "; with excludecaname:yes a peer with several roots cannot know which one is wanted";
    return {reason_of(failed, chain),
            std::move(text),
            {fmt::format("{}, issued by {}", end.to_string(), end.issuer().to_string())},
            wanted()};
  }

  const PeerClaim& claim_;
  const CertificateStore& store_;
  const CrlSource& crls_;
  CheckTerms terms_;
};

}  // namespace

std::variant<ProvenPeer, Refusal, CrlsWanted> verify_peer(const PeerClaim& claim, const CertificateStore& store,
                                                          const CrlSource& crls, std::int64_t now) {
  return PeerCheck(claim, store, crls, now).run();
}

}  // namespace ipsec::ike
