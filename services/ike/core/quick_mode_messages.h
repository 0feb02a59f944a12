#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "services/common/bytes.h"
#include "services/ike/core/main_mode_states.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/quick_mode_states.h"
#include "services/ike/wire/message.h"
#include "services/ike/wire/payload_rules.h"

// What initiator and responder do alike in quick mode, and in informational exchanges.
namespace ipsec::ike {

Header phase2_header(Cookie initiator, Cookie responder, ExchangeType exchange, std::uint32_t message_id);

// The IV for the first message of a message id.
Bytes first_iv(const Established& main_mode, std::uint32_t message_id);

// Opens a message and passes it through the gates of shape and rules; its HASH is not checked yet.
// Ignored{kNotAuthentic} where it does not decrypt to what the rules allow.
std::variant<Opened, Ignored> open_phase2(const Established& main_mode, const MessageReceived& message, ByteView iv,
                                          MessageKind kind);

// Whether the HASH payload is `expected`.
bool has_hash(const PayloadChain& chain, const SecretBytes& expected);

// A message whose HASH is message_hash over `payloads`: HASH(1), informational, CONNECTED.
Sealed seal_with_hash1(const Established& main_mode, ByteView iv, const Header& header,
                       std::vector<PayloadContent> payloads);

// Message 4, which says that the responder is ready (RFC 2408 section 3.1); `iv` follows message 3.
Sealed seal_connected(const QuickModeContext& context, const SuiteSpis& own_spis, ByteView iv);

// Puts the HASH payload in front.
std::vector<PayloadContent> with_hash(const SecretBytes& hash, std::vector<PayloadContent> payloads);

// Keys and parameters of both SAs. `secret` is empty without PFS. Refuses a weak DES key.
Choice<SaPair> make_sa_pair(const QuickModeContext& context, const QuickModeChoice& choice, const SuiteSpis& own_spis,
                            ByteView nonce_i, ByteView nonce_r, const SecretBytes& secret);

// Plain, or in UDP where a translator was found.
WireEncapsulation wire_encapsulation(Encapsulation encapsulation, const Established& main_mode);
// The NAT-OA payloads of messages 1 and 2; none in tunnel mode and without a translator.
std::vector<PayloadContent> own_original_addresses(const QuickModeContext& context, Encapsulation encapsulation);

// What the initiator offers: an entry for each offer, then the traffic it is for.
std::vector<std::string> offered_terms(const QuickModeFacts& facts);

// The group of PFS under this policy: its own, or the main mode's (KEY-31); kNone without PFS.
DhGroup pfs_group(const QuickModePolicy& policy, const Established& main_mode);

bool says_initial_contact(const PayloadChain& chain);

// The same pair without keys, for remembering.
SaPair without_keys(SaPair pair);

}  // namespace ipsec::ike
