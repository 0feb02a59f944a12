#pragma once

#include <string>
#include <variant>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/core/authentication.h"
#include "services/ike/core/main_mode_states.h"
#include "services/ike/wire/message.h"
#include "services/ike/wire/payload_rules.h"

// What initiator and responder do alike in main mode.
namespace ipsec::ike {

Header main_mode_header(const MainModeFacts& facts);

// A clear message through the gates of shape and rules.
std::variant<PayloadChain, Ignored> read_clear(const MessageReceived& message, MessageKind kind);

// RFC 2409 section 5: KE of the group's length, nonce of 8 to 256 octets. Both borrowed from the chain.
struct KeyExchange {
  ByteView public_value;
  ByteView nonce;
};
std::variant<KeyExchange, Failure> read_key_exchange(const PayloadChain& chain, DhGroup group);

// The NAT-D payloads of messages 3 and 4; none where the two do not look for translators.
std::vector<PayloadContent> own_nat_detection(const StepContext& context, const MainModeChoice& choice);
// Notes in `choice` what the peer's NAT-D payloads show.
void note_nat(const PayloadChain& chain, const StepContext& context, MainModeChoice& choice);

// The keys of phase 1 from g^xy; refuses a weak DES key.
std::variant<Phase1Keys, Failure> make_keys(const MainModeFacts& facts, const MainModeChoice& choice, ByteView nonce_i,
                                            ByteView nonce_r, const Result<SecretBytes>& secret);

// Messages 5 and 6.
enum class Role { kInitiator, kResponder };
struct Transcript {
  ByteView public_i;
  ByteView public_r;
  ByteView sa_body;
};
Sealed write_identity(const StepContext& context, const Phase1Keys& keys, ByteView iv, const Transcript& transcript,
                      Role sender);

NotifyPayload initial_contact(const MainModeFacts& facts);
// Messages 5 and 6 through the gates of shape and rules. Ignored{kNotAuthentic} where it does not decrypt to what
// belongs there.
std::variant<Opened, Ignored> open_last_message(const MessageReceived& message, const Phase1Keys& keys, ByteView iv,
                                                Role sender);
// An address must be the peer's own, unless a translator stands before it.
Status check_identity(const IdentificationPayload& identity, const IpAddress& peer, const NatFound& nat);

struct PeerProof {
  std::string identity;
  bool initial_contact = false;
  Bytes next_iv;
};
// An address proves nothing beyond the key, but must be the peer's own, unless a translator stands before it.
// Ignored{kNotAuthentic} where it does not decrypt to ID and HASH or the HASH is wrong; Failure where the proven
// identity is refused.
std::variant<PeerProof, Ignored, Failure> read_identity(const MainModeFacts& facts, const MessageReceived& message,
                                                        const Phase1Keys& keys, ByteView iv,
                                                        const Transcript& transcript, Role sender, const NatFound& nat);

}  // namespace ipsec::ike
