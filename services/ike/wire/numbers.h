#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Numbers of RFC 2407, 2408, 2409, 3947 and of the IANA registries built on them. Values without a name here occur and
// are carried through.
namespace ipsec::ike {

enum class PayloadType : std::uint8_t {
  kNone = 0,
  kSa = 1,
  kProposal = 2,
  kTransform = 3,
  kKeyExchange = 4,
  kIdentification = 5,
  kCertificate = 6,
  kCertificateRequest = 7,
  kHash = 8,
  kSignature = 9,
  kNonce = 10,
  kNotify = 11,
  kDelete = 12,
  kVendorId = 13,
  kNatDetection = 20,
  kNatOriginalAddress = 21,
};
// Types from 128 on are for private use and are skipped where unknown (RFC 2408 section 3.1).
inline bool is_private(PayloadType type) { return static_cast<std::uint8_t>(type) >= 128; }

enum class ExchangeType : std::uint8_t {
  kIdentityProtection = 2,  // main mode
  kAggressive = 4,
  kInformational = 5,
  kQuickMode = 32,
};

inline constexpr std::uint8_t kFlagEncrypted = 0x01;
inline constexpr std::uint8_t kFlagCommit = 0x02;

inline constexpr std::uint32_t kDoiIpsec = 1;
inline constexpr std::uint32_t kSituationIdentityOnly = 1;
inline constexpr std::uint8_t kProtocolIsakmp = 1;  // protocol of a phase 1 proposal
inline constexpr std::uint8_t kTransformKeyIke = 1;

// RFC 2409 appendix A: classes of phase 1, and two of their values.
namespace phase1 {
inline constexpr std::uint16_t kEncryption = 1;
inline constexpr std::uint16_t kHash = 2;
inline constexpr std::uint16_t kAuthenticationMethod = 3;
inline constexpr std::uint16_t kGroup = 4;
inline constexpr std::uint16_t kLifeType = 11;
inline constexpr std::uint16_t kLifeDuration = 12;
inline constexpr std::uint16_t kKeyLength = 14;
inline constexpr std::uint16_t kMethodPresharedKey = 1;
}  // namespace phase1

// RFC 2407 section 4.5: classes of phase 2.
namespace phase2 {
inline constexpr std::uint16_t kLifeType = 1;
inline constexpr std::uint16_t kLifeDuration = 2;
inline constexpr std::uint16_t kGroup = 3;
inline constexpr std::uint16_t kEncapsulation = 4;
inline constexpr std::uint16_t kAuthentication = 5;
inline constexpr std::uint16_t kKeyLength = 6;
inline constexpr std::uint16_t kExtendedSequence = 11;  // RFC 4304
inline constexpr std::uint16_t kSequence64Bit = 1;
}  // namespace phase2

inline constexpr std::uint16_t kLifeSeconds = 1;
inline constexpr std::uint16_t kLifeKilobytes = 2;

// RFC 2407 section 4.6.2.1.
enum class IdentityType : std::uint8_t {
  kIpv4Address = 1,
  kFqdn = 2,
  kUserFqdn = 3,
  kIpv4Subnet = 4,
  kIpv6Address = 5,
  kIpv6Subnet = 6,
  kIpv4Range = 7,
  kIpv6Range = 8,
  kDistinguishedName = 9,
  kGeneralName = 10,
  kKeyId = 11,
};

enum class NotifyType : std::uint16_t {
  kInvalidPayloadType = 1,
  kInvalidCookie = 4,
  kInvalidExchangeType = 7,
  kInvalidMessageId = 9,
  kInvalidSpi = 11,
  kNoProposalChosen = 14,
  kBadProposalSyntax = 15,
  kPayloadMalformed = 16,
  kInvalidKeyInformation = 17,
  kInvalidIdInformation = 18,
  kInvalidHashInformation = 23,
  kAuthenticationFailed = 24,
  kUnequalPayloadLengths = 30,
  kConnected = 16384,
  kResponderLifetime = 24576,
  kReplayStatus = 24577,
  kInitialContact = 24578,
  kAreYouThere = 36136,  // RFC 3706
  kIAmHere = 36137,
};
// RFC 2408 section 3.14.1: types below 16384 are errors.
inline bool is_error(NotifyType type) { return static_cast<std::uint16_t>(type) < 16384; }

// "NO-PROPOSAL-CHOSEN"; for others "notify 40003".
std::string name(NotifyType type);
// "KE", "NONCE"; for others "payload 132".
std::string name(PayloadType type);

}  // namespace ipsec::ike
