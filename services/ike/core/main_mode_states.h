#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/common/crypto/dh.h"
#include "services/common/crypto/random.h"
#include "services/ike/certificates/claims.h"
#include "services/ike/core/keymat.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/policy_lookup.h"
#include "services/ike/core/protected_message.h"
#include "services/ike/wire/header.h"

// The states of one main mode (RFC 2409 section 5.4, preshared key or signatures). Each holds what is known by then and
// nothing else; it is named after what it waits for. Which may follow which is in transitions.h.
//
//   initiator                      responder
//   AwaitingMessage2  --- SA --->
//                     <-- SA ----  AwaitingMessage3
//   MakingKeyPair
//   AwaitingMessage4  - KE, Ni ->  ComputingAnswer
//                     <- KE, Nr -  AwaitingMessage5
//   ComputingSecret
//   AwaitingMessage6  - ID, HASH>
//   Established       <ID, HASH -  Established
//
// With certificates there are four more, because choosing, signing and verifying take their time (up to 15 s where
// revocation lists must be fetched):
//   ComputingSecret                AwaitingMessage5
//   ProvingAsInitiator
//   AwaitingMessage6  - ID, SIG ->  VerifyingInitiator
//                                  ProvingAsResponder
//   VerifyingResponder <ID, SIG -  Established
//   Established
namespace ipsec::ike {

// The protection of messages once g^xy is known.
struct Phase1Keys {
  Integrity hash = Integrity::kSha1;
  KeyFamily family;
  Protection protection;
};

struct AwaitingMessage2 {
  Bytes sa_body;  // SAi_b
};

struct MakingKeyPair {
  Bytes sa_body;
  MainModeChoice choice;
};

struct AwaitingMessage4 {
  Bytes sa_body;
  MainModeChoice choice;
  std::shared_ptr<const DhKeyPair> own;
  Bytes nonce_i;
};

struct ComputingSecret {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes nonce_i;
  Bytes public_r;
  Bytes nonce_r;
  std::vector<Bytes> requests{};  // CERTREQ bodies of the peer
};

struct ProvingAsInitiator {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes public_i;
  Bytes public_r;
  Phase1Keys keys;
};

struct AwaitingMessage6 {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes public_i;
  Bytes public_r;
  Phase1Keys keys;
  Bytes iv;                    // for message 6: last block of message 5
  std::string own_identity{};  // empty: the address
};

struct VerifyingResponder {
  MainModeChoice choice;
  Phase1Keys keys;
  Bytes last_block;
  bool initial_contact = false;
  std::string own_identity;
};

struct AwaitingMessage3 {
  Bytes sa_body;
  MainModeChoice choice;
};

struct ComputingAnswer {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes public_i;
  Bytes nonce_i;
  std::vector<Bytes> requests{};  // CERTREQ bodies of the peer
};

struct AwaitingMessage5 {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes public_i;
  Bytes public_r;
  Phase1Keys keys;
  Bytes iv;  // for message 5
  std::vector<Bytes> requests{};
};

struct VerifyingInitiator {
  Bytes sa_body;
  MainModeChoice choice;
  Bytes public_i;
  Bytes public_r;
  Phase1Keys keys;
  Bytes iv;  // for message 6
  std::vector<Bytes> requests;
  bool initial_contact = false;
};

struct ProvingAsResponder {
  MainModeChoice choice;
  Phase1Keys keys;
  Bytes iv;  // for message 6
  std::string peer_identity;
  bool initial_contact = false;
};

struct Established {
  MainModeChoice choice;
  Phase1Keys keys;
  Bytes last_block;  // of phase 1: every later IV comes from it
  std::string peer_identity;
  bool initial_contact = false;  // the peer said so in its last message
  std::string own_identity{};    // empty: the address
};

using MainModeState = std::variant<AwaitingMessage2, MakingKeyPair, AwaitingMessage4, ComputingSecret, AwaitingMessage6,
                                   AwaitingMessage3, ComputingAnswer, AwaitingMessage5, Established, ProvingAsInitiator,
                                   VerifyingResponder, VerifyingInitiator, ProvingAsResponder>;

// nullptr before there are some.
const Phase1Keys* keys_of(const MainModeState& state);
// "established", "awaiting message 4", ...
std::string name(const MainModeState& state);
// nullptr before message 2. Borrowed.
const MainModeChoice* choice_of(const MainModeState& state);

// What does not change during one main mode, besides the responder cookie, which comes with message 2.
struct MainModeFacts {
  Cookie initiator_cookie = 0;
  Cookie responder_cookie = 0;
  IpAddress local;
  IpAddress peer;
  MainModeRule rule;
};

// A message on its second gate: header parsed, body not yet.
struct MessageReceived {
  const Header& header;
  ByteView datagram;
};

// A message that changes nothing.
struct Ignored {
  enum class Why { kMalformed, kUnexpected, kNotAuthentic };
  Why why;
  std::string text;
};

// What a step wants done should its outcome be a new state.
struct MainModeEffects {
  Bytes send;
  struct Compute {
    DhGroup group = DhGroup::kNone;
    std::shared_ptr<const DhKeyPair> own;
    Bytes peer_public;
  };
  std::optional<Compute> compute;
  std::optional<ProofRequest> prove;
  std::optional<PeerClaim> verify;
  bool float_ports = false;  // from here on between the ports 4500 (RFC 3947 section 4)
};

struct StepContext {
  const MainModeFacts& facts;
  Endpoint local;
  Endpoint peer;
  RandomSource& random;
  bool say_initial_contact = false;  // no other SA with this peer is known here
  MainModeEffects effects;
};

}  // namespace ipsec::ike
