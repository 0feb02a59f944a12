#include "services/ike/certificates/selection.h"

#include <algorithm>

#include "services/ike/certificates/container.h"

namespace ipsec::ike {

namespace {

std::vector<Certificate> asked_for(const std::vector<Certificate>& roots, const std::vector<Bytes>& requests) {
  std::vector<Certificate> found;
  for (const Bytes& der : read_requests(requests)) {
    const auto name = DistinguishedName::from_der(der);
    if (!name.ok()) continue;
    for (const Certificate& root : roots) {
      const bool is_new = std::find(found.begin(), found.end(), root) == found.end();
      if (is_new && root.subject().same_as(*name)) found.push_back(root);
    }
  }
  return found;
}

std::vector<std::string> subjects_of(const std::vector<Certificate>& roots) {
  std::vector<std::string> subjects;
  for (const Certificate& root : roots) subjects.push_back(root.subject().to_string());
  return subjects;
}

Verdict private_key_verdict(const OwnCertificate& own) {
  if (own.key == nullptr)
    return {Check::kPrivateKey, Outcome::kFailed, fmt::format("no private key for {} is there", own.file)};
  return {Check::kPrivateKey, Outcome::kPassed, own.key->provider()};
}

Verdict ike_intermediate_verdict(const Certificate& certificate) {
  if (certificate.is_ike_intermediate()) return {Check::kIkeIntermediate, Outcome::kPassed, "1.3.6.1.5.5.8.2.2"};
  return {Check::kIkeIntermediate, Outcome::kFailed,
          "not among its extended key usages, which only the first pass of the selection wants"};
}

class Selector {
 public:
  Selector(const CheckTerms& terms, const CertificateStore& store, const CrlSource& crls)
      : terms_(terms), store_(store), crls_(crls) {}

  // Whether a certificate was found.
  bool make_pass(int number, const std::vector<Certificate>& roots, bool wants_usage, Selection& selection) const {
    Pass& pass = selection.passes.emplace_back();
    pass.number = number;
    pass.roots = subjects_of(roots);
    for (std::size_t place = 0; place < store_.own.size(); ++place) {
      Candidate candidate = examine(place, roots, terms_, store_, crls_);
      candidate.usable = std::none_of(candidate.verdicts.begin(), candidate.verdicts.end(), [&](const Verdict& one) {
        return one.outcome == Outcome::kFailed && (wants_usage || one.check != Check::kIkeIntermediate);
      });
      // Where only revocation is open, the lists decide.
      if (matters(candidate, wants_usage)) {
        selection.wanted.insert(selection.wanted.end(), candidate.chain.wanted.begin(), candidate.chain.wanted.end());
      }
      pass.candidates.push_back(std::move(candidate));
      if (pass.candidates.back().usable) return true;
    }
    return false;
  }

 private:
  static bool matters(const Candidate& candidate, bool wants_usage) {
    return std::none_of(candidate.verdicts.begin(), candidate.verdicts.end(), [&](const Verdict& one) {
      const bool counts = one.check != Check::kRevocation && (wants_usage || one.check != Check::kIkeIntermediate);
      return one.outcome == Outcome::kFailed && counts;
    });
  }

  const CheckTerms& terms_;
  const CertificateStore& store_;
  const CrlSource& crls_;
};

}  // namespace

const Candidate* Selection::chosen() const {
  if (passes.empty() || passes.back().candidates.empty()) return nullptr;
  const Candidate& last = passes.back().candidates.back();
  return last.usable ? &last : nullptr;
}

std::vector<Certificate> roots_of(const std::vector<CertificateMethod>& authorities, const CertificateStore& store) {
  std::vector<Certificate> roots;
  for (const CertificateMethod& authority : authorities) {
    for (const StoredCertificate& root : store.roots) {
      const bool is_new = std::find(roots.begin(), roots.end(), root.certificate) == roots.end();
      if (is_new && is_meant(authority.root_ca, root.certificate.subject())) roots.push_back(root.certificate);
    }
  }
  return roots;
}

Candidate examine(std::size_t place, const std::vector<Certificate>& roots, const CheckTerms& terms,
                  const CertificateStore& store, const CrlSource& crls) {
  const OwnCertificate& own = store.own[place];
  Candidate candidate;
  candidate.place = place;
  candidate.chain = build_chain(own.certificate, store.intermediates, roots, crls, terms.chain);
  candidate.verdicts = check_certificate(candidate.chain, terms);
  candidate.verdicts.insert(candidate.verdicts.begin() + 2, private_key_verdict(own));
  candidate.verdicts.push_back(ike_intermediate_verdict(own.certificate));
  return candidate;
}

Selection select_certificate(const CertificateTerms& terms, const std::vector<Bytes>& requests,
                             const CertificateStore& store, const CrlSource& crls, std::int64_t now) {
  const CheckTerms checks{{now, terms.crl_level, terms.windows2003}, terms.method};
  Selection selection;
  for (const CertificateMethod& authority : terms.authorities) {
    const bool known = std::any_of(store.roots.begin(), store.roots.end(), [&](const StoredCertificate& root) {
      return is_meant(authority.root_ca, root.certificate.subject());
    });
    if (!known) selection.unknown_roots.push_back(authority.root_ca);
  }
  const std::vector<Certificate> all = roots_of(terms.authorities, store);
  std::vector<Certificate> listed = asked_for(all, requests);
  if (listed.empty()) listed = all;
  const Selector selector(checks, store, crls);
  if (selector.make_pass(1, listed, true, selection) || selector.make_pass(2, listed, false, selection))
    return selection;
  if (listed.size() < all.size()) selector.make_pass(3, all, false, selection);
  return selection;
}

}  // namespace ipsec::ike
