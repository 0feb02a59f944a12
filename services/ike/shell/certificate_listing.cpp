#include "services/ike/shell/certificate_listing.h"

#include <algorithm>

#include "services/ike/certificates/selection.h"

namespace ipsec::ike {

namespace {

void add_authorities(const std::vector<AuthenticationMethod>& methods, std::vector<CertificateMethod>& authorities) {
  for (const AuthenticationMethod& method : methods) {
    const auto* certificate = std::get_if<CertificateMethod>(&method);
    if (certificate != nullptr && std::find(authorities.begin(), authorities.end(), *certificate) == authorities.end())
      authorities.push_back(*certificate);
  }
}

std::vector<CertificateMethod> authorities_of(const IkePolicy& policy) {
  std::vector<CertificateMethod> authorities;
  for (const MainModeFilter& filter : policy.main_mode_filters) add_authorities(filter.authentication, authorities);
  add_authorities(policy.default_response.authentication, authorities);
  return authorities;
}

void describe(const Certificate& certificate, const std::string& file, proto::CertificateStatus& status) {
  status.set_file(file);
  status.set_subject(certificate.subject().to_string());
  status.set_issuer(certificate.issuer().to_string());
  status.set_serial(certificate.serial());
  status.set_not_before(certificate.not_before());
  status.set_not_after(certificate.not_after());
  status.set_key(certificate.key().text);
  for (const std::string& each : certificate.alternative_names()) status.add_alternative_names(each);
  for (const std::string& each : certificate.extended_key_usages()) status.add_extended_key_usages(each);
  for (const std::string& each : certificate.distribution_points()) status.add_distribution_points(each);
}

bool is_usable(const std::vector<Verdict>& verdicts) {
  return std::none_of(verdicts.begin(), verdicts.end(), [](const Verdict& one) {
    return one.outcome == Outcome::kFailed && one.check != Check::kIkeIntermediate;
  });
}

void describe_own(std::size_t place, const std::vector<Certificate>& roots, ChainTerms chain,
                  const CertificateStore& store, const CrlSource& crls, proto::CertificateStatus& status) {
  const OwnCertificate& own = store.own[place];
  describe(own.certificate, own.file, status);
  if (own.key) status.set_private_key(own.key->provider());
  const KeyKind kind = own.certificate.key().kind;
  const CheckTerms terms{chain, kind == KeyKind::kOther ? SignatureMethod::kRsa : method_of(kind)};
  const Candidate candidate = examine(place, roots, terms, store, crls);
  for (const Verdict& one : candidate.verdicts) {
    proto::CertificateCheck& check = *status.add_checks();
    check.set_name(std::string(name(one.check)));
    check.set_outcome(std::string(name(one.outcome)));
    check.set_text(one.text);
  }
  status.set_usable(is_usable(candidate.verdicts));
}

}  // namespace

proto::ListCertificatesReply list_certificates(const IkePolicy& policy, const CertificateStore& store,
                                               const CrlSource& crls, std::int64_t now) {
  proto::ListCertificatesReply reply;
  reply.set_directory(store.directory);
  const std::vector<CertificateMethod> authorities = authorities_of(policy);
  std::vector<Certificate> roots = roots_of(authorities, store);
  if (authorities.empty()) {
    for (const StoredCertificate& root : store.roots) roots.push_back(root.certificate);
  }
  for (const CertificateMethod& authority : authorities) reply.add_authorities(authority.root_ca);
  const ChainTerms chain{now, policy.strong_crl_check, policy.profile == "windows2003"};
  for (std::size_t place = 0; place < store.own.size(); ++place)
    describe_own(place, roots, chain, store, crls, *reply.add_own());
  for (const StoredCertificate& root : store.roots) {
    proto::CertificateStatus& status = *reply.add_roots();
    describe(root.certificate, root.file, status);
    status.set_usable(std::find(roots.begin(), roots.end(), root.certificate) != roots.end());
  }
  for (const Crl& list : crls.lists) {
    proto::RevocationListStatus& status = *reply.add_revocation_lists();
    status.set_issuer(list.issuer());
    status.set_last_update(list.last_update());
    status.set_next_update(list.next_update());
    status.set_revoked(static_cast<std::uint32_t>(list.revoked()));
  }
  for (const auto& [point, why] : crls.unavailable) {
    proto::UnavailablePoint& status = *reply.add_unavailable_points();
    status.set_point(point);
    status.set_reason(why);
  }
  for (const std::string& problem : store.problems) reply.add_problems(problem);
  return reply;
}

}  // namespace ipsec::ike
