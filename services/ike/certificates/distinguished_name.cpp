#include "services/ike/certificates/distinguished_name.h"

#include <array>
#include <utility>
#include <vector>

#include <openssl/objects.h>

#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"

namespace ipsec::ike {

namespace {

using NamePointer = std::shared_ptr<X509_NAME>;

NamePointer new_name() { return {X509_NAME_new(), X509_NAME_free}; }

Bytes der_of(const X509_NAME* name) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_NAME(name, &der);
  require(size > 0);
  const X509Owner<char> owner(reinterpret_cast<char*>(der));
  return {der, der + size};
}

// What Windows calls otherwise.
constexpr std::array<std::pair<std::string_view, const char*>, 3> kAliases = {{
    {"S", "ST"},
    {"E", "emailAddress"},
    {"EMAIL", "emailAddress"},
}};

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::string upper(std::string text) {
  for (char& c : text) c = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

int attribute_id(const std::string& type) {
  for (const auto& [alias, name] : kAliases) {
    if (upper(type) == alias) return OBJ_txt2nid(name);
  }
  const int exact = OBJ_txt2nid(type.c_str());
  return exact != NID_undef ? exact : OBJ_txt2nid(upper(type).c_str());
}

struct NameAttribute {
  std::string type;
  std::string value;
};

// One "TYPE=value" up to a comma outside quotes; `at` is moved behind it.
Result<NameAttribute> read_attribute(std::string_view text, std::size_t& at) {
  const std::size_t equals = text.find('=', at);
  if (equals == std::string_view::npos) {
    return invalid(fmt::format("'{}' is no part of a name; TYPE=value is", trimmed(text.substr(at))));
  }
  NameAttribute attribute{trimmed(text.substr(at, equals - at)), {}};
  bool quoted = false;
  std::size_t kept = 0;  // of the value: what must not be trimmed, because it was quoted or escaped
  for (at = equals + 1; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      quoted = !quoted;
      kept = attribute.value.size();
      continue;
    }
    if (c == ',' && !quoted) break;
    if (c == '\\' && at + 1 < text.size()) {
      attribute.value += text[++at];
      kept = attribute.value.size();
      continue;
    }
    const bool blank = c == ' ' || c == '\t';
    if (blank && attribute.value.empty() && !quoted) continue;
    attribute.value += c;
    if (quoted) kept = attribute.value.size();
  }
  if (quoted) return invalid(fmt::format("'{}' lacks its second double quote", text));
  while (attribute.value.size() > kept && (attribute.value.back() == ' ' || attribute.value.back() == '\t')) {
    attribute.value.pop_back();
  }
  if (at < text.size()) ++at;
  return attribute;
}

Status add(X509_NAME& name, const NameAttribute& attribute) {
  const int id = attribute_id(attribute.type);
  if (id == NID_undef) {
    return invalid(fmt::format("'{}' is no attribute of a name; C, ST, L, O, OU, CN, DC, E and object identifiers are",
                               attribute.type));
  }
  const auto* value = reinterpret_cast<const unsigned char*>(attribute.value.data());
  if (X509_NAME_add_entry_by_NID(&name, id, MBSTRING_UTF8, value, static_cast<int>(attribute.value.size()), -1, 0) == 1)
    return {};
  return invalid(fmt::format("'{}' is no value of {}", attribute.value, attribute.type));
}

NamePointer reversed(const X509_NAME* name) {
  NamePointer made = new_name();
  for (int i = X509_NAME_entry_count(name) - 1; i >= 0; --i) {
    require(X509_NAME_add_entry(made.get(), X509_NAME_get_entry(name, i), -1, 0) == 1);
  }
  return made;
}

}  // namespace

DistinguishedName::DistinguishedName(std::shared_ptr<const X509_NAME> name, Bytes der)
    : name_(std::move(name)), der_(std::move(der)) {}

Result<DistinguishedName> DistinguishedName::from_der(ByteView der) {
  if (der.size() > kMaxCertificateSize) return invalid(fmt::format("a name of {} octets", der.size()));
  const unsigned char* at = der.data();
  NamePointer name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())), X509_NAME_free);
  if (!name || at != der.data() + der.size()) return invalid("not a DER Name");
  Bytes copy = der_of(name.get());
  return DistinguishedName(std::move(name), std::move(copy));
}

Result<DistinguishedName> DistinguishedName::from_text(std::string_view text) {
  NamePointer name = new_name();
  require(name != nullptr);
  for (std::size_t at = 0; at < text.size();) {
    IPSEC_ASSIGN_OR_RETURN(const NameAttribute attribute, read_attribute(text, at));
    IPSEC_RETURN_IF_ERROR(add(*name, attribute));
  }
  if (X509_NAME_entry_count(name.get()) == 0) return invalid("an empty name; TYPE=value, ... is accepted");
  return of(name.get());
}

DistinguishedName DistinguishedName::of(const X509_NAME* name) {
  NamePointer copy(X509_NAME_dup(name), X509_NAME_free);
  require(copy != nullptr);
  Bytes der = der_of(copy.get());
  return DistinguishedName(std::move(copy), std::move(der));
}

bool DistinguishedName::empty() const { return X509_NAME_entry_count(name_.get()) == 0; }

std::string DistinguishedName::to_string() const {
  const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
  require(out != nullptr);
  constexpr unsigned long kFlags = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_2253 |
                                   ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_QUOTE | ASN1_STRFLGS_UTF8_CONVERT |
                                   ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER;
  X509_NAME_print_ex(out.get(), name_.get(), 0, kFlags);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

bool DistinguishedName::same_as(const DistinguishedName& other) const {
  return X509_NAME_cmp(name_.get(), other.name_.get()) == 0;
}

bool DistinguishedName::same_in_any_order(const DistinguishedName& other) const {
  return same_as(other) || X509_NAME_cmp(reversed(name_.get()).get(), other.name_.get()) == 0;
}

}  // namespace ipsec::ike
