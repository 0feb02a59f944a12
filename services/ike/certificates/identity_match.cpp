#include "services/ike/certificates/identity_match.h"

#include <fmt/ranges.h>

#include "services/ike/certificates/openssl_x509.h"
#include "services/ike/wire/identity.h"

namespace ipsec::ike {

namespace {

bool is_subject(const Certificate& certificate, const IdentificationPayload& identity) {
  const auto name = DistinguishedName::from_der(identity.data);
  return name.ok() && !name->empty() && name->same_as(certificate.subject());
}

bool names(const Certificate& certificate, const IdentificationPayload& identity) {
  const auto* text = reinterpret_cast<const char*>(identity.data.data());
  const std::size_t size = identity.data.size();
  // OpenSSL takes an empty text for one whose length is to be counted.
  if (size == 0) return false;
  switch (identity.type) {
    case IdentityType::kDistinguishedName:
      return is_subject(certificate, identity);
    case IdentityType::kFqdn:
      return X509_check_host(certificate.get(), text, size, X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
    case IdentityType::kUserFqdn:
      return X509_check_email(certificate.get(), text, size, 0) == 1;
    case IdentityType::kIpv4Address:
    case IdentityType::kIpv6Address:
      return X509_check_ip(certificate.get(), identity.data.data(), size, 0) == 1;
    default:
      return false;
  }
}

Bytes copy(const ASN1_STRING* string) {
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

}  // namespace

std::string identity_text(const IdentificationPayload& identity) {
  if (identity.type != IdentityType::kDistinguishedName) return to_string(identity);
  const auto name = DistinguishedName::from_der(identity.data);
  return name.ok() ? name->to_string() : to_string(identity);
}

Status match_identity(const Certificate& certificate, const IdentificationPayload& identity) {
  if (names(certificate, identity)) return {};
  const auto others = certificate.alternative_names();
  return invalid(fmt::format("the peer calls itself {}, its certificate names {}{}{}", identity_text(identity),
                             certificate.subject().to_string(), others.empty() ? "" : ", ", fmt::join(others, ", ")));
}

Result<IdentificationPayload> identity_of(const Certificate& certificate) {
  const DistinguishedName subject = certificate.subject();
  if (!subject.empty()) return IdentificationPayload{IdentityType::kDistinguishedName, 0, 0, subject.der()};
  const X509Owner<GENERAL_NAMES> others(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; others && i < sk_GENERAL_NAME_num(others.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(others.get(), i);
    if (name->type == GEN_DNS) return IdentificationPayload{IdentityType::kFqdn, 0, 0, copy(name->d.dNSName)};
    if (name->type == GEN_EMAIL) return IdentificationPayload{IdentityType::kUserFqdn, 0, 0, copy(name->d.rfc822Name)};
    if (name->type == GEN_IPADD && ASN1_STRING_length(name->d.iPAddress) == 4)
      return IdentificationPayload{IdentityType::kIpv4Address, 0, 0, copy(name->d.iPAddress)};
    if (name->type == GEN_IPADD && ASN1_STRING_length(name->d.iPAddress) == 16)
      return IdentificationPayload{IdentityType::kIpv6Address, 0, 0, copy(name->d.iPAddress)};
  }
  return invalid("the certificate names nobody: its subject is empty, and it has no alternative name");
}

}  // namespace ipsec::ike
