#include "services/ike/certificates/store.h"

#include <algorithm>

#include "services/ike/certificates/container.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

CertificateSummary summary_of(const CertificateStore& store) {
  CertificateSummary summary;
  summary.directory = store.directory;
  for (const OwnCertificate& own : store.own) {
    const KeyKind kind = own.certificate.key().kind;
    if (own.key == nullptr || kind == KeyKind::kOther) continue;
    const SignatureMethod method = method_of(kind);
    if (std::find(summary.methods.begin(), summary.methods.end(), method) == summary.methods.end())
      summary.methods.push_back(method);
  }
  for (const StoredCertificate& root : store.roots) summary.roots.push_back(root.certificate.subject().der());
  return summary;
}

bool is_meant(const std::string& root_ca, const DistinguishedName& subject) {
  if (root_ca.find('=') != std::string::npos) {
    const auto wanted = DistinguishedName::from_text(root_ca);
    return wanted.ok() && wanted->same_in_any_order(subject);
  }
  const unsigned char* at = subject.der().data();
  const X509Owner<X509_NAME> name(d2i_X509_NAME(nullptr, &at, static_cast<long>(subject.der().size())));
  require(name != nullptr);
  const int place = X509_NAME_get_index_by_NID(name.get(), NID_commonName, -1);
  if (place < 0) return false;
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name.get(), place));
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return false;
  const X509Owner<char> owner(reinterpret_cast<char*>(utf8));
  return root_ca == std::string_view(owner.get(), static_cast<std::size_t>(size));
}

std::vector<Bytes> certificate_requests(const CertificateSummary& summary,
                                        const std::vector<CertificateMethod>& authorities) {
  std::vector<Bytes> bodies;
  bool any = false;
  for (const CertificateMethod& authority : authorities) {
    any = any || authority.exclude_ca_name;
    if (authority.exclude_ca_name) continue;
    for (const Bytes& root : summary.roots) {
      const auto name = DistinguishedName::from_der(root);
      Bytes body = write_request(root);
      const bool is_new = std::find(bodies.begin(), bodies.end(), body) == bodies.end();
      if (is_new && name.ok() && is_meant(authority.root_ca, *name)) bodies.push_back(std::move(body));
    }
  }
  if (any || bodies.empty()) bodies.push_back(write_request({}));
  return bodies;
}

}  // namespace ipsec::ike
