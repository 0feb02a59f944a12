#include "services/ike/core/windows_ids.h"

#include <algorithm>
#include <array>

namespace ipsec::ike {

namespace {

// ERROR_IPSEC_IKE_*: [MS-ERREF].
std::uint32_t status_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNoMainModeFilter:
      return 13850;  // NO_MM_POLICY
    case FailureReason::kNoMatchingFilter:
    case FailureReason::kNoPolicy:
      return 13825;  // NO_POLICY
    case FailureReason::kNoProposalChosen:
    case FailureReason::kGroupMismatch:
    case FailureReason::kPfsMismatch:
    case FailureReason::kUnsupportedMethod:
    case FailureReason::kAhBehindNat:
      return 13868;  // POLICY_MATCH
    case FailureReason::kAuthenticationFailed:
    case FailureReason::kIdentityRefused:
    case FailureReason::kCertificateRefused:
    case FailureReason::kCertificateRevoked:
    case FailureReason::kAccountRefused:
      return 13801;  // AUTH_FAIL
    case FailureReason::kNoCertificate:
      return 13806;  // NO_CERT
    case FailureReason::kRevocationUnknown:
      return 13817;  // CRL_FAILED
    case FailureReason::kModifiedProposal:
      return 13831;  // PROCESS_ERR_PROP
    case FailureReason::kInvalidKeyExchange:
      return 13833;  // PROCESS_ERR_KE
    case FailureReason::kInvalidIdentity:
      return 13834;  // PROCESS_ERR_ID
    case FailureReason::kMalformedMessage:
      return 13843;  // INVALID_PAYLOAD
    case FailureReason::kUnsupportedExchange:
    case FailureReason::kUnsupportedVersion:
      return 13824;  // INVALID_HEADER
    case FailureReason::kTimeoutMessage2:
    case FailureReason::kTimeoutMessage3:
    case FailureReason::kTimeoutMessage4:
    case FailureReason::kTimeoutMessage5:
    case FailureReason::kTimeoutMessage6:
    case FailureReason::kTimeoutQuickMode2:
    case FailureReason::kTimeoutQuickMode3:
      return 13805;  // TIMED_OUT
    case FailureReason::kDriverFailed:
      return 13860;  // ADD_UPDATE_KEY_FAILED
    case FailureReason::kLimitReached:
      return 13882;  // MM_LIMIT
    case FailureReason::kPolicyChanged:
      return 13849;  // POLICY_CHANGE
    case FailureReason::kDeletedByPeer:
      return 13807;  // SA_DELETED
    case FailureReason::kDeletedByRequest:
      return 13877;  // RPC_DELETE
    case FailureReason::kPeerDead:
      return 13886;  // PEER_MM_ASSUMED_INVALID
    case FailureReason::kWeakKey:
    case FailureReason::kSigningFailed:
    case FailureReason::kPeerRefused:
    case FailureReason::kNatUnsupported:
      return 13804;  // GENERAL_PROCESSING_ERROR
    case FailureReason::kAlreadyServed:
      break;
  }
  return 0;
}

struct NamedIds {
  std::string_view event;
  WindowsIds ids;
};
constexpr std::array<NamedIds, 4> kSuccesses = {{
    {"main_mode_established", {4650, 541, 0}},
    {"main_mode_ended", {4655, 543, 0}},
    {"quick_mode_established", {5451, 541, 0}},
    {"quick_mode_ended", {5452, 542, 0}},
}};

bool is_invalid_packet(FailureReason reason) {
  switch (reason) {
    case FailureReason::kModifiedProposal:
    case FailureReason::kInvalidKeyExchange:
    case FailureReason::kMalformedMessage:
    case FailureReason::kUnsupportedExchange:
    case FailureReason::kUnsupportedVersion:
      return true;
    default:
      return false;
  }
}

bool is_about_certificates(FailureReason reason) {
  switch (reason) {
    case FailureReason::kCertificateRefused:
    case FailureReason::kCertificateRevoked:
    case FailureReason::kRevocationUnknown:
    case FailureReason::kAccountRefused:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<WindowsIds> windows_ids(std::string_view event) {
  const auto found =
      std::find_if(kSuccesses.begin(), kSuccesses.end(), [&](const NamedIds& one) { return one.event == event; });
  return found != kSuccesses.end() ? std::optional(found->ids) : std::nullopt;
}

WindowsIds windows_ids(NegotiationMode mode, FailureReason reason) {
  const bool main = mode == NegotiationMode::kMain;
  const std::uint32_t status = status_of(reason);
  if (is_invalid_packet(reason)) return {main ? 4976U : 4977U, 546, status};
  if (main && is_about_certificates(reason)) return {4653, 544, status};
  if (main && reason == FailureReason::kAuthenticationFailed) return {4653, 545, status};
  return {main ? 4653U : 4654U, 547, status};
}

}  // namespace ipsec::ike
