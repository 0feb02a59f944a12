#include "services/ike/certificates/revocation.h"

#include <ctime>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

Result<Crl> Crl::parse(ByteView octets) {
  if (octets.empty()) return invalid("an empty file and no CRL");
  if (octets.size() > kMaxCrlSize) {
    return invalid(fmt::format("a CRL of {} octets; at most {} are accepted", octets.size(), kMaxCrlSize));
  }
  const unsigned char* at = octets.data();
  X509Owner<X509_CRL> list(d2i_X509_CRL(nullptr, &at, static_cast<long>(octets.size())));
  if (!list) {
    const X509Owner<BIO> in(BIO_new_mem_buf(octets.data(), static_cast<int>(octets.size())));
    require(in != nullptr);
    list.reset(PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr));
  }
  ERR_clear_error();
  if (!list) return invalid("not a CRL in DER or PEM");
  return of(list.get());
}

Crl Crl::of(X509_CRL* list) {
  X509_CRL_up_ref(list);
  return Crl(std::shared_ptr<X509_CRL>(list, X509_CRL_free));
}

std::string Crl::issuer() const { return DistinguishedName::of(X509_CRL_get_issuer(get())).to_string(); }
std::string Crl::last_update() const { return to_string(X509_CRL_get0_lastUpdate(get())); }

std::string Crl::next_update() const {
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(get());
  return next != nullptr ? to_string(next) : "";
}

bool Crl::is_current(std::int64_t now) const {
  std::time_t at = now;
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(get());
  return next != nullptr && X509_cmp_time(next, &at) > 0 && X509_cmp_time(X509_CRL_get0_lastUpdate(get()), &at) < 0;
}

std::size_t Crl::revoked() const {
  const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(get()));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace ipsec::ike
