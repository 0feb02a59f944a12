#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// What became of a packet, and why: the one list. Each packet from the host or from the wire gets exactly one verdict;
// a held packet gets it when it is released or dropped. A name is also the name of the counter and, where the list says
// so, of the audit event.
namespace ipsec::driver {

enum class VerdictKind : std::uint8_t {
  kPass,     // unmodified
  kSecure,   // outbound: AH or ESP applied
  kOpen,     // inbound: AH or ESP removed
  kConsume,  // taken in by the driver on purpose, such as a fragment that became part of a datagram
  kDrop,
};

constexpr std::string_view to_string(VerdictKind kind) {
  constexpr std::string_view kWords[] = {"pass", "secure", "open", "consume", "drop"};
  return kWords[static_cast<std::size_t>(kind)];
}

// Whether a verdict is also an audit event (rate-limited).
enum class VerdictAudit : std::uint8_t { kQuiet, kEvent };

// clang-format off
#define IPSEC_DRIVER_VERDICTS(X) \
  /* outbound */ \
  X(kOutboundIsakmp,             outbound_isakmp,              kPass,    kQuiet, "ISAKMP passed unmodified") \
  X(kOutboundKeepAlive,          outbound_keep_alive,          kPass,    kQuiet, "keep-alive for a NAT passed unmodified") \
  X(kOutboundNeighbourDiscovery, outbound_neighbour_discovery, kPass,    kQuiet, "IPv6 neighbour discovery passed unmodified") \
  X(kOutboundIpv6Exempt,         outbound_ipv6_exempt,         kPass,    kQuiet, "IPv6 is not filtered in profile windows2003") \
  X(kOutboundExempt,             outbound_exempt,              kPass,    kQuiet, "exempt from the filters") \
  X(kOutboundBoot,               outbound_boot,                kPass,    kQuiet, "the boot mode lets it pass") \
  X(kOutboundNoFilter,           outbound_no_filter,           kPass,    kQuiet, "no filter matches") \
  X(kOutboundPermitted,          outbound_permitted,           kPass,    kQuiet, "a permit filter matches") \
  X(kOutboundSoft,               outbound_soft,                kPass,    kQuiet, "in clear under a soft SA") \
  X(kOutboundSecured,            outbound_secured,             kSecure,  kQuiet, "secured by an SA") \
  X(kOutboundFragmentTaken,      outbound_fragment_taken,      kConsume, kQuiet, "fragment joined into its datagram") \
  X(kOutboundBlocked,            outbound_blocked,             kDrop,    kEvent, "a block filter matches") \
  X(kOutboundBootBlocked,        outbound_boot_blocked,        kDrop,    kQuiet, "the boot mode does not let it pass") \
  X(kOutboundAgainstPolicy,      outbound_against_policy,      kDrop,    kEvent, "about to leave in clear against its filter, a fault of the driver") \
  X(kOutboundUnlistedAddress,    outbound_unlisted_address,    kDrop,    kEvent, "from an address of this host that the policy does not list yet") \
  X(kOutboundMulticast,          outbound_multicast,           kDrop,    kQuiet, "multicast or broadcast under a negotiate filter") \
  X(kOutboundHeldReplaced,       outbound_held_replaced,       kDrop,    kQuiet, "a newer packet took its place in the queue") \
  X(kOutboundHeldFull,           outbound_held_full,           kDrop,    kQuiet, "too many packets wait for an SA") \
  X(kOutboundNegotiationFailed,  outbound_negotiation_failed,  kDrop,    kEvent, "no SA could be negotiated") \
  X(kOutboundBackOff,            outbound_back_off,            kDrop,    kQuiet, "the last negotiation failed a moment ago") \
  X(kOutboundPolicyChanged,      outbound_policy_changed,      kDrop,    kQuiet, "the filter it was held for is gone") \
  X(kOutboundTooBig,             outbound_too_big,             kDrop,    kQuiet, "larger than the path allows; the sender was told") \
  X(kOutboundOffloadFull,        outbound_offload_full,        kDrop,    kQuiet, "too many packets are with the provider of offload") \
  X(kOutboundOffloadFailed,      outbound_offload_failed,      kDrop,    kEvent, "the provider of offload did not protect it") \
  X(kOutboundMalformed,          outbound_malformed,           kDrop,    kEvent, "not a sound IP packet") \
  X(kOutboundFragmentLost,       outbound_fragment_lost,       kDrop,    kQuiet, "fragment whose datagram could not be joined") \
  X(kOutboundSaExpired,          outbound_sa_expired,          kDrop,    kEvent, "the manual SA has reached its lifetime, and nobody renews it") \
  X(kOutboundSequenceExhausted,  outbound_sequence_exhausted,  kDrop,    kEvent, "the manual SA has used up its sequence numbers, and nobody renews it") \
  /* inbound */ \
  X(kInboundIsakmp,              inbound_isakmp,               kPass,    kQuiet, "ISAKMP passed unmodified") \
  X(kInboundNeighbourDiscovery,  inbound_neighbour_discovery,  kPass,    kQuiet, "IPv6 neighbour discovery passed unmodified") \
  X(kInboundIpv6Exempt,          inbound_ipv6_exempt,          kPass,    kQuiet, "IPv6 is not filtered in profile windows2003") \
  X(kInboundExempt,              inbound_exempt,               kPass,    kQuiet, "exempt from the filters") \
  X(kInboundBoot,                inbound_boot,                 kPass,    kQuiet, "the boot mode lets it pass") \
  X(kInboundMulticast,           inbound_multicast,            kPass,    kQuiet, "multicast and broadcast are outside the filters") \
  X(kInboundNoFilter,            inbound_no_filter,            kPass,    kQuiet, "no filter matches") \
  X(kInboundPermitted,           inbound_permitted,            kPass,    kQuiet, "a permit filter matches") \
  X(kInboundPassthrough,         inbound_passthrough,          kPass,    kQuiet, "clear packet accepted by inbound pass-through or fall back") \
  X(kInboundSoft,                inbound_soft,                 kPass,    kQuiet, "in clear under a soft SA") \
  X(kInboundPathMtuPassed,       inbound_path_mtu_passed,      kPass,    kQuiet, "a packet-too-big about what left in clear") \
  X(kInboundOpened,              inbound_opened,               kOpen,    kQuiet, "opened and delivered") \
  X(kInboundDummy,               inbound_dummy,                kConsume, kQuiet, "dummy packet (next header 59)") \
  X(kInboundKeepAlive,           inbound_keep_alive,           kConsume, kQuiet, "keep-alive for a NAT") \
  X(kInboundPathMtu,             inbound_path_mtu,             kConsume, kQuiet, "a router says what fits on the way of an SA") \
  X(kInboundFragmentTaken,       inbound_fragment_taken,       kConsume, kQuiet, "fragment joined into its datagram") \
  X(kInboundBlocked,             inbound_blocked,              kDrop,    kEvent, "a block filter matches") \
  X(kInboundBootBlocked,         inbound_boot_blocked,         kDrop,    kQuiet, "the boot mode does not let it pass") \
  X(kInboundUnlistedAddress,     inbound_unlisted_address,     kDrop,    kEvent, "to an address of this host that the policy does not list yet") \
  X(kInboundAgainstPolicy,       inbound_against_policy,       kDrop,    kEvent, "about to come in in clear against its filter, a fault of the driver") \
  X(kInboundClearRefused,        inbound_clear_refused,        kDrop,    kEvent, "clear packet where a filter demands security") \
  X(kInboundBadSpi,              bad_spi,                      kDrop,    kEvent, "no SA has this SPI") \
  X(kInboundWrongEncapsulation,  inbound_wrong_encapsulation,  kDrop,    kEvent, "AH, ESP or UDP around it are not those of the SA") \
  X(kInboundSaExpired,           inbound_sa_expired,           kDrop,    kEvent, "the SA has reached its lifetime") \
  X(kInboundReplayed,            inbound_replayed,             kDrop,    kEvent, "sequence number seen before") \
  X(kInboundTooOld,              inbound_too_old,              kDrop,    kEvent, "sequence number left of the replay window") \
  X(kInboundNotAuthentic,        inbound_not_authentic,        kDrop,    kEvent, "integrity check failed") \
  X(kInboundNotDecrypted,        inbound_not_decrypted,        kDrop,    kEvent, "AH or ESP with a length or trailer no sender makes") \
  X(kInboundOffloadFull,         inbound_offload_full,         kDrop,    kQuiet, "too many packets are with the provider of offload") \
  X(kInboundOffloadFailed,       inbound_offload_failed,       kDrop,    kEvent, "the provider of offload found it not authentic or did not open it") \
  X(kInboundSelectorMismatch,    inbound_selector_mismatch,    kDrop,    kEvent, "inner packet is not traffic of its SA") \
  X(kInboundInnerMalformed,      inbound_inner_malformed,      kDrop,    kEvent, "inner packet is not a sound IP packet") \
  X(kInboundCongestionMark,      inbound_congestion_mark,      kDrop,    kQuiet, "congestion mark on a packet without ECN (RFC 6040)") \
  X(kInboundMalformed,           inbound_malformed,            kDrop,    kEvent, "not a sound IP packet") \
  X(kInboundPathMtuRefused,      inbound_path_mtu_refused,     kDrop,    kEvent, "a packet-too-big about what this host has not sent so") \
  X(kInboundFragmentLost,        inbound_fragment_lost,        kDrop,    kQuiet, "fragment whose datagram could not be joined") \
  X(kInboundNestedTooDeep,       inbound_nested_too_deep,      kDrop,    kEvent, "AH or ESP inside one another beyond the limit")
// clang-format on

enum class Verdict : std::uint8_t {
#define IPSEC_DRIVER_VERDICT_ENUMERATOR(id, name, kind, audit, text) id,
  IPSEC_DRIVER_VERDICTS(IPSEC_DRIVER_VERDICT_ENUMERATOR)
#undef IPSEC_DRIVER_VERDICT_ENUMERATOR
};

struct VerdictInfo {
  Verdict id;
  std::string_view name;
  VerdictKind kind;
  VerdictAudit audit;
  std::string_view text;
};

inline constexpr auto kVerdicts = std::to_array<VerdictInfo>({
#define IPSEC_DRIVER_VERDICT_ROW(id, name, kind, audit, text) \
  {Verdict::id, #name, VerdictKind::kind, VerdictAudit::audit, text},
    IPSEC_DRIVER_VERDICTS(IPSEC_DRIVER_VERDICT_ROW)
#undef IPSEC_DRIVER_VERDICT_ROW
});
inline constexpr std::size_t kVerdictCount = kVerdicts.size();

constexpr const VerdictInfo& info(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }

}  // namespace ipsec::driver
