#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/ike/core/explanation.h"

// Every way in which a negotiation can end without SAs. The names are stable: scripts, events and AcquireFailed carry
// them.
namespace ipsec::ike {

enum class FailureReason : std::uint8_t {
  kNoMainModeFilter,      // no main mode filter covers the two addresses
  kNoMatchingFilter,      // no quick mode filter fits, or the acquired one is not in the policy
  kNoProposalChosen,      // main or quick mode: no offer of one side is an offer of the other
  kGroupMismatch,         // as above, where only the Diffie-Hellman group differs (MM-33)
  kPfsMismatch,           // one side wants a key exchange in quick mode, the other does not (KEY-29)
  kUnsupportedMethod,     // no authentication method of the rule can be used by this build
  kAuthenticationFailed,  // HASH_I or HASH_R does not fit, or messages 5 or 6 do not decrypt
  kIdentityRefused,       // the peer's identity is not its address
  kModifiedProposal,      // the answer is none of our offers (MM-23)
  kInvalidKeyExchange,    // a KE value of wrong length or a degenerate one
  kWeakKey,               // DES key of RFC 2409 appendix A
  kInvalidIdentity,       // quick mode identities that are no selector, or not those we proposed
  kMalformedMessage,      // an authenticated message whose content breaks a rule
  kPeerRefused,           // the peer answered with an error notify that has no own name here
  kTimeoutMessage2,       // main mode: no answer to message 1, ...
  kTimeoutMessage3,       // responder: the initiator fell silent
  kTimeoutMessage4,
  kTimeoutMessage5,
  kTimeoutMessage6,
  kTimeoutQuickMode2,
  kTimeoutQuickMode3,
  kDriverFailed,   // no SPI or no SA from the driver
  kLimitReached,   // a bound of limits.h
  kPolicyChanged,  // the filter or the authentication is gone
  kDeletedByPeer,
  kDeletedByRequest,
  kPeerDead,            // it was asked whether it is there, and did not answer
  kNatUnsupported,      // an address translator between the two, and a driver without ESP in UDP
  kAhBehindNat,         // an address translator between the two, and only offers with AH, which it would break (NAT-05)
  kNoCertificate,       // this host has none that can be used (AUC-20)
  kSigningFailed,       // the provider of the private key refuses (AUC-05)
  kCertificateRefused,  // the peer's; the text names the check
  kCertificateRevoked,  // the peer's, or one of its issuers
  kRevocationUnknown,   // could not be checked, and strongcrlcheck is 2 (CRL-03, CRL-11)
  kAccountRefused,      // the peer is not on the list of accounts (AUC-26)
  kNoPolicy,            // this host has no policy; the peer gets no answer
  kUnsupportedExchange,  // a first message of another exchange than main mode
  kUnsupportedVersion,   // or of another version than IKEv1
  kAlreadyServed,        // no failure: the SA asked for was made while the request was on its way
};

// "authentication_failed"
std::string_view name(FailureReason reason);
// Whether it says that a side could not prove who it is.
bool is_about_authentication(FailureReason reason);

// What the two sides wanted, an entry for each offer or selector. No secrets.
struct Terms {
  std::vector<std::string> offered;     // by the side that began; what it called itself, where that was the question
  std::vector<std::string> configured;  // on the side that was asked; empty where that is the peer, which does not tell
};
// At most kMaxTermsListed of them, then how many more there are.
std::vector<std::string> shortened(std::vector<std::string> terms);

struct Failure {
  FailureReason reason;
  // For people: what was wrong, what each side wanted. No secrets.
  std::string text;
  Terms terms{};
  std::shared_ptr<const Explanation> explanation{};  // null: the text says it all
};

}  // namespace ipsec::ike
