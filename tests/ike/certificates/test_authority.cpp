#include "tests/ike/certificates/test_authority.h"

#include <ctime>
#include <map>
#include <stdexcept>
#include <utility>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike::tests {

namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

X509Owner<X509_NAME> name_of(const std::string& text) {
  const auto parsed = DistinguishedName::from_text(text);
  X509Owner<X509_NAME> name(X509_NAME_new());
  if (!parsed.ok()) return name;  // an empty subject
  const unsigned char* at = parsed->der().data();
  name.reset(d2i_X509_NAME(nullptr, &at, static_cast<long>(parsed->der().size())));
  return name;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  must(extension != nullptr, "an extension");
  must(X509_add_ext(certificate, extension, -1) == 1, "adding an extension");
  X509_EXTENSION_free(extension);
}

}  // namespace

TestKey test_key(const std::string& kind, const std::string& label) {
  static std::map<std::string, TestKey> made;
  TestKey& key = made[kind + " " + label];
  if (key) return key;
  const std::string parameter = kind.substr(kind.find(':') + 1);
  EVP_PKEY* fresh = kind.starts_with("rsa") ? EVP_RSA_gen(static_cast<unsigned>(std::stoul(parameter)))
                                            : EVP_EC_gen(parameter.c_str());
  must(fresh != nullptr, "a key");
  key = TestKey(fresh, EVP_PKEY_free);
  return key;
}

std::shared_ptr<const PrivateKey> Issued::private_key() const {
  EVP_PKEY_up_ref(key.get());
  return std::make_shared<PrivateKey>(key.get(), "software");
}

TestAuthority::TestAuthority(const std::string& subject, const std::string& key) : key_(test_key(key, subject)) {
  CertificateOptions options;
  options.subject = subject;
  options.key_usage = "keyCertSign,cRLSign";
  options.extended_key_usage.clear();
  options.authority = true;
  options.not_before = kTestNow - 1000 * kDay;
  options.not_after = kTestNow + 1000 * kDay;
  certificate_ = sign(options, key_.get());
}

TestAuthority::TestAuthority(TestAuthority& parent, const std::string& subject, const std::string& key)
    : key_(test_key(key, subject)) {
  CertificateOptions options;
  options.subject = subject;
  options.key_usage = "keyCertSign,cRLSign";
  options.extended_key_usage.clear();
  options.authority = true;
  certificate_ = parent.sign(options, key_.get());
}

Certificate TestAuthority::sign(const CertificateOptions& options, EVP_PKEY* subject_key) {
  X509Owner<X509> made(X509_new());
  must(X509_set_version(made.get(), X509_VERSION_3) == 1, "version");
  must(ASN1_INTEGER_set_int64(X509_get_serialNumber(made.get()), next_serial_++) == 1, "serial");
  const auto subject = name_of(options.subject);
  X509_set_subject_name(made.get(), subject.get());
  X509_set_issuer_name(made.get(), certificate_ ? X509_get_subject_name(certificate_->get()) : subject.get());
  ASN1_TIME_set(X509_getm_notBefore(made.get()), static_cast<std::time_t>(options.not_before));
  ASN1_TIME_set(X509_getm_notAfter(made.get()), static_cast<std::time_t>(options.not_after));
  X509_set_pubkey(made.get(), subject_key);
  X509* issuer = certificate_ ? certificate_->get() : made.get();
  add_extension(made.get(), issuer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE");
  add_extension(made.get(), issuer, NID_key_usage, options.key_usage);
  add_extension(made.get(), issuer, NID_ext_key_usage, options.extended_key_usage);
  add_extension(made.get(), issuer, NID_subject_alt_name, options.alternative_names);
  add_extension(made.get(), issuer, NID_crl_distribution_points, options.distribution_points);
  must(X509_sign(made.get(), key_.get(), EVP_get_digestbyname(options.digest.c_str())) > 0, "signing");
  return Certificate::of(made.get());
}

Issued TestAuthority::issue(const CertificateOptions& options) {
  TestKey key = test_key(options.key, options.key_label);
  Certificate certificate = sign(options, key.get());
  return {std::move(certificate), std::move(key)};
}

Certificate TestAuthority::cross_certified_by(TestAuthority& other) {
  CertificateOptions options;
  options.subject = certificate_->subject().to_string();
  options.key_usage = "keyCertSign,cRLSign";
  options.extended_key_usage.clear();
  options.authority = true;
  return other.sign(options, key_.get());
}

Crl TestAuthority::revocation_list(const std::vector<Certificate>& revoked, std::int64_t last_update,
                                   std::int64_t next_update) const {
  X509Owner<X509_CRL> list(X509_CRL_new());
  X509Owner<ASN1_TIME> time(ASN1_TIME_new());
  must(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1, "version");
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_->get()));
  ASN1_TIME_set(time.get(), static_cast<std::time_t>(last_update));
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  if (next_update != 0) {
    ASN1_TIME_set(time.get(), static_cast<std::time_t>(next_update));
    X509_CRL_set1_nextUpdate(list.get(), time.get());
  }
  ASN1_TIME_set(time.get(), static_cast<std::time_t>(last_update));
  for (const Certificate& each : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each.get()));
    X509_REVOKED_set_revocationDate(entry, time.get());
    must(X509_CRL_add0_revoked(list.get(), entry) == 1, "an entry");
  }
  X509_CRL_sort(list.get());
  must(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0, "signing a list");
  return Crl::of(list.get());
}

CertificateStore store_of(const std::vector<Issued>& own, const std::vector<Certificate>& roots,
                          const std::vector<Certificate>& intermediates) {
  CertificateStore store;
  store.directory = "/certificates";
  int number = 0;
  for (const Issued& each : own) {
    store.own.push_back(
        {each.certificate, each.key ? each.private_key() : nullptr, fmt::format("own/{}.pem", ++number)});
  }
  for (const Certificate& root : roots) store.roots.push_back({root, "roots/root.pem"});
  store.intermediates = intermediates;
  return store;
}

}  // namespace ipsec::ike::tests
