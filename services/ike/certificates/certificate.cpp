#include "services/ike/certificates/certificate.h"

#include <array>
#include <ctime>
#include <utility>

#include <openssl/objects.h>

#include "services/common/address.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

namespace {

constexpr const char* kIkeIntermediate = "1.3.6.1.5.5.8.2.2";

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// Names come from peers and go to terminals and logs.
std::string printable(std::string text) {
  for (char& c : text) c = (c < 0x20 || c > 0x7e) ? '?' : c;
  return text;
}

std::string text_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return "DNS:" + printable(text_of(name.d.dNSName));
    case GEN_EMAIL:
      return "email:" + printable(text_of(name.d.rfc822Name));
    case GEN_URI:
      return "URI:" + printable(text_of(name.d.uniformResourceIdentifier));
    case GEN_DIRNAME:
      return "dirName:" + DistinguishedName::of(name.d.directoryName).to_string();
    case GEN_IPADD: {
      const std::string octets = text_of(name.d.iPAddress);
      if (octets.size() != 4 && octets.size() != 16) return "IP:" + to_hex(as_bytes(octets));
      return "IP:" + IpAddress::from_bytes(as_bytes(octets)).to_string();
    }
    default:
      return "other name";
  }
}

std::string text_of(const ASN1_OBJECT* object) {
  const int id = OBJ_obj2nid(object);
  if (id != NID_undef) return OBJ_nid2sn(id);
  std::array<char, 128> text{};
  OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  return text.data();
}

X509Owner<EXTENDED_KEY_USAGE> usages_of(const X509* certificate) {
  return X509Owner<EXTENDED_KEY_USAGE>(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
}

std::pair<KeyKind, std::string> curve_of(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr);
  switch (OBJ_txt2nid(group.data())) {
    case NID_X9_62_prime256v1:
      return {KeyKind::kEcdsa256, "EC P-256"};
    case NID_secp384r1:
      return {KeyKind::kEcdsa384, "EC P-384"};
    case NID_secp521r1:
      return {KeyKind::kEcdsa521, "EC P-521"};
    default:
      return {KeyKind::kOther, fmt::format("EC {}", group.data())};
  }
}

}  // namespace

std::string to_string(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return "an unreadable time";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday,
                     fields.tm_hour, fields.tm_min, fields.tm_sec);
}

Result<Certificate> Certificate::from_der(ByteView der) {
  if (der.size() > kMaxCertificateSize) {
    return invalid(fmt::format("a certificate of {} octets; at most {} are accepted", der.size(), kMaxCertificateSize));
  }
  const unsigned char* at = der.data();
  X509Owner<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!parsed || at != der.data() + der.size()) return invalid("not a DER X.509 certificate");
  return of(parsed.get());
}

Certificate Certificate::of(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate(std::shared_ptr<X509>(certificate, X509_free));
}

Bytes Certificate::der() const {
  unsigned char* der = nullptr;
  const int size = i2d_X509(get(), &der);
  require(size > 0);
  const X509Owner<char> owner(reinterpret_cast<char*>(der));
  return {der, der + size};
}

DistinguishedName Certificate::subject() const { return DistinguishedName::of(X509_get_subject_name(get())); }
DistinguishedName Certificate::issuer() const { return DistinguishedName::of(X509_get_issuer_name(get())); }

std::string Certificate::serial() const {
  const X509Owner<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(get()), nullptr));
  require(number != nullptr);
  const X509Owner<char> text(BN_bn2hex(number.get()));
  require(text != nullptr);
  return text.get();
}

std::string Certificate::not_before() const { return ike::to_string(X509_get0_notBefore(get())); }
std::string Certificate::not_after() const { return ike::to_string(X509_get0_notAfter(get())); }

PublicKeyInfo Certificate::key() const {
  const EVP_PKEY* key = X509_get0_pubkey(get());
  if (key == nullptr) return {KeyKind::kOther, 0, "a key that cannot be read"};
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "RSA") == 1) return {KeyKind::kRsa, bits, fmt::format("RSA {}", bits)};
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    auto [kind, text] = curve_of(key);
    return {kind, bits, std::move(text)};
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  return {KeyKind::kOther, bits, type != nullptr ? type : "an unknown key"};
}

bool Certificate::has_key_of(const EVP_PKEY* private_key) const {
  const EVP_PKEY* key = X509_get0_pubkey(get());
  return key != nullptr && EVP_PKEY_eq(key, private_key) == 1;
}

std::vector<std::string> Certificate::alternative_names() const {
  std::vector<std::string> found;
  const X509Owner<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    found.push_back(text_of(*sk_GENERAL_NAME_value(names.get(), i)));
  }
  return found;
}

bool Certificate::is_self_issued() const {
  return X509_NAME_cmp(X509_get_subject_name(get()), X509_get_issuer_name(get())) == 0;
}

bool Certificate::is_authority() const {
  return X509_check_ca(get()) > 0 || (X509_get_extension_flags(get()) & EXFLAG_CA) != 0;
}

std::optional<bool> Certificate::allows_digital_signature() const {
  const std::uint32_t usage = X509_get_key_usage(get());
  if (usage == UINT32_MAX) return std::nullopt;
  return (usage & KU_DIGITAL_SIGNATURE) != 0;
}

bool Certificate::is_ike_intermediate() const {
  const X509Owner<ASN1_OBJECT> wanted(OBJ_txt2obj(kIkeIntermediate, 1));
  const auto usages = usages_of(get());
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    if (OBJ_cmp(sk_ASN1_OBJECT_value(usages.get(), i), wanted.get()) == 0) return true;
  }
  return false;
}

std::vector<std::string> Certificate::extended_key_usages() const {
  std::vector<std::string> found;
  const auto usages = usages_of(get());
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    found.push_back(text_of(sk_ASN1_OBJECT_value(usages.get(), i)));
  }
  return found;
}

std::vector<std::string> Certificate::distribution_points() const {
  std::vector<std::string> found;
  const X509Owner<CRL_DIST_POINTS> points(
      static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(get(), NID_crl_distribution_points, nullptr, nullptr)));
  for (int i = 0; points && i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT_NAME* name = sk_DIST_POINT_value(points.get(), i)->distpoint;
    if (name == nullptr || name->type != 0) continue;
    for (int j = 0; j < sk_GENERAL_NAME_num(name->name.fullname); ++j) {
      const GENERAL_NAME* each = sk_GENERAL_NAME_value(name->name.fullname, j);
      if (each->type == GEN_URI) found.push_back(printable(text_of(each->d.uniformResourceIdentifier)));
    }
  }
  return found;
}

std::string Certificate::to_string() const {
  const DistinguishedName name = subject();
  const std::vector<std::string> others = alternative_names();
  const std::string text = !name.empty() ? name.to_string() : others.empty() ? "a nameless one" : others.front();
  return fmt::format("{} (serial {})", text, serial());
}

}  // namespace ipsec::ike
