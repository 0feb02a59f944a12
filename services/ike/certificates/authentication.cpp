#include "services/ike/certificates/authentication.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/common/crypto/hash.h"
#include "services/ike/certificates/container.h"
#include "services/ike/certificates/identity_match.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/selection.h"
#include "services/ike/certificates/signature.h"
#include "services/ike/wire/payloads.h"

namespace ipsec::ike {

namespace {

std::vector<std::string> wanted_roots(const CertificateTerms& terms) {
  std::vector<std::string> wanted;
  for (const CertificateMethod& authority : terms.authorities)
    wanted.push_back(fmt::format("certificate of {}", authority.root_ca));
  return wanted;
}

bool asks_for_any(const std::vector<Bytes>& requests) {
  return std::any_of(requests.begin(), requests.end(), [](const Bytes& body) { return body.size() <= 1; });
}

Refusal no_certificate(const ProofRequest& request, const CertificateStore& store, const Selection& selection) {
  Refusal refusal{Refused::kNoCertificate, {}, {}, wanted_roots(request.terms)};
  for (const Candidate& candidate : selection.passes.back().candidates) {
    if (refusal.offered.size() == kMaxCandidatesListed) {
      refusal.offered.push_back(fmt::format("and {} more", store.own.size() - kMaxCandidatesListed));
      break;
    }
    const OwnCertificate& own = store.own[candidate.place];
    refusal.offered.push_back(
        fmt::format("{} in {}: {}", own.certificate.to_string(), own.file, failures_text(candidate.verdicts)));
  }
  refusal.text =
      fmt::format("no certificate in {}/own can be used for a {}", store.directory, name(request.terms.method));
  if (store.own.empty()) refusal.text += ": there is none";
  for (const std::string& each : refusal.offered) refusal.text += fmt::format("; {}", each);
  if (!selection.unknown_roots.empty()) {
    refusal.text += fmt::format("; not in {}/roots: {}", store.directory, fmt::join(selection.unknown_roots, ", "));
  }
  if (asks_for_any(request.requests) && selection.passes.front().roots.size() > 1)
    refusal.text += "; the peer leaves CA names out of its requests (excludecaname)";
  return refusal;
}

// As far as the root, which the peer must have itself (AUC-19).
std::vector<Certificate> without_root(const Chain& chain) {
  std::vector<Certificate> sent(chain.certificates.begin(), chain.certificates.end());
  if (sent.size() > 1) sent.pop_back();
  return sent;
}

}  // namespace

std::variant<Proof, Refusal, CrlsWanted> prove(const ProofRequest& request, const CertificateStore& store,
                                               const CrlSource& crls, std::int64_t now) {
  const Selection selection = select_certificate(request.terms, request.requests, store, crls, now);
  if (!selection.wanted.empty()) return CrlsWanted{selection.wanted};
  const Candidate* chosen = selection.chosen();
  if (chosen == nullptr) return no_certificate(request, store, selection);
  const OwnCertificate& own = store.own[chosen->place];
  auto identity = identity_of(own.certificate);
  if (!identity.ok()) {
    return Refusal{Refused::kNoCertificate, fmt::format("{}: {}", own.file, identity.status().message()), {}, {}};
  }
  const Integrity hash = signed_hash(request.terms.method, request.hash);
  const SecretBytes proof = hmac(hash, request.key.view(), {request.covered, body_octets(*identity)});
  auto signature = sign(*own.key, request.terms.method, proof.view());
  if (!signature.ok()) {
    return Refusal{Refused::kSigningFailed, fmt::format("{}: {}", own.file, signature.status().message()), {}, {}};
  }
  std::string text = identity_text(*identity);
  return Proof{*std::move(identity), write_certificates(without_root(chosen->chain)), *std::move(signature),
               std::move(text),
               fmt::format("{} of {}, key of provider '{}', pass {} of the selection", own.certificate.to_string(),
                           own.file, own.key->provider(), selection.passes.back().number)};
}

}  // namespace ipsec::ike
