#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/ike/core/extensions.h"
#include "services/ike/core/policy.h"
#include "services/ike/wire/header.h"
#include "services/ike/wire/message.h"

// Finding address translators between two hosts, and saying so in quick mode (RFC 3947 and drafts 02, 03 before it).
// Pure.
namespace ipsec::ike {

struct NatFound {
  bool local_behind = false;
  bool peer_behind = false;
  bool any() const { return local_behind || peer_behind; }
  friend bool operator==(const NatFound&, const NatFound&) = default;
};
// "this host", "the peer", "both hosts"; "" where there is none.
std::string_view name(const NatFound& found);

// Which of the hosts that are behind one address of a translator. They are told apart by the identity that they have
// proven, since ports change; by the port where no identity is known.
struct HostBehindNat {
  std::uint16_t port = 0;  // as the translator shows it; 0: the address is the host's own, or it does not matter which
  std::string identity;    // empty: not known
  bool is_any() const { return port == 0; }
};
bool may_be_same(const HostBehindNat& a, const HostBehindNat& b);

struct NatDetection {
  NatTraversal kind = NatTraversal::kNone;
  Integrity hash = Integrity::kSha1;
  Cookie initiator = 0;
  Cookie responder = 0;
  Endpoint local;  // as the header of the datagram has them
  Endpoint peer;
};
// The NAT-D payloads of message 3 or 4 (RFC 3947 section 3.2): the peer's address first, then our own. Empty for kNone.
std::vector<PayloadContent> nat_detection(const NatDetection& detection);
// What the peer's NAT-D payloads show; nullopt where there are fewer than two, that is: the peer does not take part.
std::optional<NatFound> detect_nat(const PayloadChain& message, const NatDetection& detection);

// Attribute 4 of a quick mode transform: plain, or in UDP (RFC 3947 section 5.1).
struct WireEncapsulation {
  Encapsulation encapsulation = Encapsulation::kTransport;
  NatTraversal in_udp = NatTraversal::kNone;

  // NOLINTNEXTLINE(google-explicit-constructor): without UDP it is the mode itself
  WireEncapsulation(Encapsulation mode, NatTraversal udp = NatTraversal::kNone) : encapsulation(mode), in_udp(udp) {}
  WireEncapsulation() = default;
  std::uint16_t number() const;
};

// NAT-OA of quick mode messages 1 and 2, transport mode (RFC 3947 section 5.2): the addresses of initiator and
// responder as the sender sees them. Needed to mend checksums that cover addresses (RFC 3948 section 3.1.2).
struct OriginalAddresses {
  IpAddress initiator;
  IpAddress responder;
};
std::vector<PayloadContent> original_addresses(NatTraversal kind, const OriginalAddresses& addresses);
// nullopt where there are not two of them, or they are no addresses of one family.
std::optional<OriginalAddresses> read_original_addresses(const PayloadChain& message, NatTraversal kind);

}  // namespace ipsec::ike
