#include "services/ike/certificates/container.h"

#include <cassert>

#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

namespace {

Bytes body_of(CertificateEncoding encoding, ByteView data) {
  ByteWriter body;
  body.u8(static_cast<std::uint8_t>(encoding)).bytes(data);
  return body.take();
}

// The certificates of a container in the order in which they stand there. Their signatures are not looked at: the
// certificates prove themselves.
Result<std::vector<Certificate>> unpack(ByteView data) {
  const unsigned char* at = data.data();
  const X509Owner<PKCS7> container(d2i_PKCS7(nullptr, &at, static_cast<long>(data.size())));
  ERR_clear_error();
  if (!container || PKCS7_type_is_signed(container.get()) == 0 || container->d.sign == nullptr)
    return invalid("CERT payload: not a PKCS #7 SignedData");
  std::vector<Certificate> found;
  const STACK_OF(X509)* certificates = container->d.sign->cert;
  if (sk_X509_num(certificates) > static_cast<int>(kMaxPeerCertificates)) {
    return invalid(fmt::format("CERT payload: {} certificates in one PKCS #7; at most {} are accepted",
                               sk_X509_num(certificates), kMaxPeerCertificates));
  }
  for (int i = 0; i < sk_X509_num(certificates); ++i) found.push_back(Certificate::of(sk_X509_value(certificates, i)));
  return found;
}

// In a set the order means nothing: the end certificate is the one that has issued none of the others.
void put_end_certificate_first(std::vector<Certificate>& certificates) {
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    bool has_issued = false;
    for (const Certificate& other : certificates) {
      has_issued = has_issued ||
                   (!(other == certificates[i]) && X509_check_issued(certificates[i].get(), other.get()) == X509_V_OK);
    }
    if (has_issued) continue;
    std::swap(certificates[0], certificates[i]);
    return;
  }
}

}  // namespace

Result<std::vector<Certificate>> read_certificates(std::span<const Bytes> bodies) {
  std::vector<Certificate> found;
  for (const Bytes& body : bodies) {
    if (body.size() < 2) return invalid("CERT payload: empty");
    const ByteView data = ByteView(body).subspan(1);
    switch (static_cast<CertificateEncoding>(body[0])) {
      case CertificateEncoding::kX509Signature: {
        auto certificate = Certificate::from_der(data);
        ERR_clear_error();
        if (!certificate.ok()) return with_context(certificate.status(), "CERT payload");
        found.push_back(*std::move(certificate));
        break;
      }
      case CertificateEncoding::kPkcs7: {
        IPSEC_ASSIGN_OR_RETURN(std::vector<Certificate> unpacked, unpack(data));
        if (found.empty() && !unpacked.empty()) put_end_certificate_first(unpacked);
        found.insert(found.end(), unpacked.begin(), unpacked.end());
        break;
      }
      default:
        break;
    }
    if (found.size() > kMaxPeerCertificates) {
      return invalid(fmt::format("CERT payloads: more than {} certificates", kMaxPeerCertificates));
    }
  }
  if (found.empty()) return not_found("no X.509 certificate came with the signature");
  return found;
}

Bytes write_certificates(const std::vector<Certificate>& chain) {
  assert(!chain.empty());
  if (chain.size() == 1) return body_of(CertificateEncoding::kX509Signature, chain.front().der());
  const X509Owner<PKCS7> container(PKCS7_new());
  require(container && PKCS7_set_type(container.get(), NID_pkcs7_signed) == 1 &&
          PKCS7_content_new(container.get(), NID_pkcs7_data) == 1);
  for (const Certificate& certificate : chain) require(PKCS7_add_certificate(container.get(), certificate.get()) == 1);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS7(container.get(), &der);
  require(size > 0);
  const X509Owner<char> owner(reinterpret_cast<char*>(der));
  return body_of(CertificateEncoding::kPkcs7, {der, static_cast<std::size_t>(size)});
}

std::vector<Bytes> read_requests(std::span<const Bytes> bodies) {
  std::vector<Bytes> names;
  for (const Bytes& body : bodies) {
    if (body.size() < 2) continue;
    const auto encoding = static_cast<CertificateEncoding>(body[0]);
    if (encoding == CertificateEncoding::kX509Signature || encoding == CertificateEncoding::kX509KeyExchange ||
        encoding == CertificateEncoding::kPkcs7) {
      names.emplace_back(body.begin() + 1, body.end());
    }
  }
  return names;
}

Bytes write_request(ByteView name) { return body_of(CertificateEncoding::kX509Signature, name); }

}  // namespace ipsec::ike
