#include "services/policyagent/core/compiled_policy.h"

#include <algorithm>

namespace ipsec::agent {
namespace {

bool equal(const store::AuthenticationMethod& a, const store::AuthenticationMethod& b) {
  if (a.index() != b.index()) return false;
  if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&a)) {
    const auto& other = std::get<store::PresharedKeyAuthentication>(b);
    return !key->unopened && !other.unopened && constant_time_equal(key->key.view(), other.key.view());
  }
  if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&a)) {
    const auto& other = std::get<store::CertificateAuthentication>(b);
    return certificate->root_ca == other.root_ca && certificate->map_to_account == other.map_to_account &&
           certificate->exclude_ca_name == other.exclude_ca_name;
  }
  return true;
}

}  // namespace

bool same_methods(const std::vector<store::AuthenticationMethod>& a,
                  const std::vector<store::AuthenticationMethod>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return equal(x, y); });
}

bool operator==(const MainModeFilter& a, const MainModeFilter& b) {
  return a.id == b.id && a.local == b.local && a.remote == b.remote && a.weight == b.weight &&
         a.main_mode_policy == b.main_mode_policy && a.rule_name == b.rule_name &&
         same_methods(a.authentication, b.authentication);
}

std::string_view name(Direction direction) { return direction == Direction::kOutbound ? "outbound" : "inbound"; }

std::string_view name(store::Action action) {
  switch (action) {
    case store::Action::kPermit:
      return "permit";
    case store::Action::kBlock:
      return "block";
    case store::Action::kNegotiate:
      break;
  }
  return "negotiate";
}

std::string_view name(store::ConnectionType type) {
  switch (type) {
    case store::ConnectionType::kLan:
      return "lan";
    case store::ConnectionType::kDialup:
      return "dialup";
    case store::ConnectionType::kAll:
      break;
  }
  return "all";
}

std::string_view name(store::Profile profile) { return profile == store::Profile::kModern ? "modern" : "windows2003"; }

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::kInformation:
      return "information";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

}  // namespace ipsec::agent
