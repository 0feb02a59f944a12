#include "services/ike/core/failure.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "services/ike/core/limits.h"

namespace ipsec::ike {

namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 39> kNames = {
    "no_main_mode_filter",
    "no_matching_filter",
    "no_proposal_chosen",
    "group_mismatch",
    "pfs_mismatch",
    "unsupported_authentication_method",
    "authentication_failed",
    "identity_refused",
    "modified_proposal",
    "invalid_key_exchange",
    "weak_key",
    "invalid_identity",
    "malformed_message",
    "peer_refused",
    "timeout_message_2",
    "timeout_message_3",
    "timeout_message_4",
    "timeout_message_5",
    "timeout_message_6",
    "timeout_quick_mode_message_2",
    "timeout_quick_mode_message_3",
    "driver_failed",
    "limit_reached",
    "policy_changed",
    "deleted_by_peer",
    "deleted_by_request",
    "peer_dead",
    "nat_unsupported",
    "ah_behind_nat",
    "no_usable_certificate",
    "signing_failed",
    "certificate_refused",
    "certificate_revoked",
    "revocation_unknown",
    "account_refused",
    "no_policy",
    "unsupported_exchange",
    "unsupported_version",
    "already_served",
};
static_assert(kNames.size() == static_cast<std::size_t>(FailureReason::kAlreadyServed) + 1);

}  // namespace

std::vector<std::string> shortened(std::vector<std::string> terms) {
  if (terms.size() <= kMaxTermsListed) return terms;
  const std::size_t more = terms.size() - kMaxTermsListed;
  terms.resize(kMaxTermsListed);
  terms.push_back(fmt::format("and {} more", more));
  return terms;
}

bool is_about_authentication(FailureReason reason) {
  switch (reason) {
    case FailureReason::kAuthenticationFailed:
    case FailureReason::kNoCertificate:
    case FailureReason::kSigningFailed:
    case FailureReason::kCertificateRefused:
    case FailureReason::kCertificateRevoked:
    case FailureReason::kRevocationUnknown:
    case FailureReason::kAccountRefused:
      return true;
    default:
      return false;
  }
}

std::string_view name(FailureReason reason) { return kNames[static_cast<std::size_t>(reason)]; }

}  // namespace ipsec::ike
