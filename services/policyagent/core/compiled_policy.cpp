#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

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
