#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/ike/wire/message.h"

// What both sides can do beyond RFC 2409, as their vendor ids say in messages 1 and 2 (NAT-01, NAT-02, FRG-04).
namespace ipsec::ike {

// Drafts 02 and 03 differ from RFC 3947 in payload types and in the numbers of the encapsulation modes.
enum class NatTraversal : std::uint8_t { kNone, kDraft, kRfc3947 };

struct Extensions {
  NatTraversal nat_traversal = NatTraversal::kNone;
  bool dead_peer_detection = false;  // RFC 3706
  bool fragmentation = false;        // MS-IKEE 2.2.3
  bool connected_notify = false;     // Windows, or this product: knows the fourth message of quick mode (QM-06)
  bool explanations = false;         // this product: reads what a refusal says (alternatives.h)
  friend bool operator==(const Extensions&, const Extensions&) = default;
};

// The vendor ids of message 1: this product and everything it can do with a peer of this address family. Windows knows
// no NAT traversal over IPv6, and neither does anybody need it.
std::vector<PayloadContent> announcements(AddressFamily family);
// Those of message 2: this product, and of what the peer has announced what is to be used.
std::vector<PayloadContent> confirmations(const Extensions& agreed);

// What the vendor ids of the peer's message leave of what this host announces; of several kinds of NAT traversal the
// RFC's.
Extensions extensions_of(const PayloadChain& message, AddressFamily family);

}  // namespace ipsec::ike
