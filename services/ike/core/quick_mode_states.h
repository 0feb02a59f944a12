#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/crypto/dh.h"
#include "services/common/crypto/random.h"
#include "services/common/selector.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/main_mode_states.h"
#include "services/ike/core/policy_lookup.h"
#include "services/ike/core/protected_message.h"
#include "services/ike/core/quick_mode_negotiation.h"
#include "services/ike/core/quick_mode_selector.h"

// The states of one quick mode (RFC 2409 section 5.5), as in main_mode_states.h.
//
//   initiator                               responder
//   PreparingOffer     (SPI, key pair)
//   AwaitingAnswer     - HASH(1), SA, Ni ->  AwaitingFilter    (default response rule only: from the agent)
//                                            PreparingAnswer   (SPI, secret)
//                                            InstallingInbound
//                      <- HASH(2), SA, Nr -  AwaitingConfirmation
//   ComputingPfsSecret (with PFS only)
//   InstallingPair
//   QuickModeFinished  ---- HASH(3) ------>  InstallingOutbound
//                                            QuickModeFinished
// Where message 2 has the commit bit (QM-05, QM-06) the initiator sends nothing under the SA before message 4:
//   InstallingPair     (the inbound SA)
//   AwaitingConnected  ---- HASH(3) ------>  InstallingOutbound
//   InstallingOutbound <- HASH, CONNECTED -  QuickModeFinished
//   QuickModeFinished
namespace ipsec::ike {

struct PreparingOffer {
  SuiteSpis spis;                         // of those that the offers need
  std::shared_ptr<const DhKeyPair> pair;  // with PFS only
};

struct AwaitingAnswer {
  SuiteSpis spis;
  std::shared_ptr<const DhKeyPair> pair;
  Bytes nonce_i;
  QuickModeIdentities identities;
  Bytes iv;  // for message 2
};

struct ComputingPfsSecret {
  SuiteSpis spis;
  QuickModeChoice choice;
  Bytes nonce_i;
  Bytes nonce_r;
  bool connected_promised = false;  // message 2 had the commit bit
  Bytes iv;                         // for message 3
};

// The two SAs of one quick mode.
struct SaPair {
  SaParameters inbound;
  SaParameters outbound;
};

struct InstallingPair {
  SaPair pair;  // with the keys of the outbound SA while that one has to wait
  int answers_missing = 2;
  bool connected_promised = false;
  Bytes message3;
  Bytes iv;  // for message 4, should one come
};

struct AwaitingConnected {
  SaPair pair;  // with the keys of the outbound SA
  Bytes iv;     // for message 4
};

struct AwaitingFilter {
  Opened message1;
};

struct PreparingAnswer {
  QuickModeAnswer answer;
  std::optional<QuickModeIdentities> identities;  // as received
  Bytes nonce_i;
  bool pfs = false;
  Bytes iv;  // for message 2
  SuiteSpis spis;
  std::shared_ptr<const DhKeyPair> pair;  // with PFS only
  SecretBytes secret;
};

struct InstallingInbound {
  SaPair pair;
  Bytes nonce_i;
  Bytes nonce_r;
  Bytes message2;
  Bytes iv;  // for message 3
};

struct AwaitingConfirmation {
  SaPair pair;
  Bytes nonce_i;
  Bytes nonce_r;
  Bytes iv;
};

struct InstallingOutbound {
  SaPair pair;
  Bytes message4;  // responder: to be sent then; empty: none was promised
  Bytes iv;        // initiator: for what may come after message 4
};

// Kept to answer repeated messages.
struct QuickModeFinished {
  std::optional<SaPair> pair;  // without keys; absent where it failed
  Bytes iv;                    // initiator: for message 4
};

using QuickModeState =
    std::variant<PreparingOffer, AwaitingAnswer, ComputingPfsSecret, InstallingPair, AwaitingConnected, AwaitingFilter,
                 PreparingAnswer, InstallingInbound, AwaitingConfirmation, InstallingOutbound, QuickModeFinished>;

// Events besides messages and what workers have computed.
struct OwnSpi {
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  std::uint32_t spi = 0;
};
struct PatienceOver {};  // message 4 was promised and does not come

// What does not change during one quick mode.
struct QuickModeFacts {
  Cookie initiator_cookie = 0;  // of the main mode SA
  Cookie responder_cookie = 0;
  std::uint32_t message_id = 0;
  bool initiator = false;
  IpAddress local;
  IpAddress peer;
  QuickModeRule rule;
  Selector outbound;
  std::uint32_t replaces_spi = 0;
  std::uint16_t udp_local_port = 0;  // ESP travels in UDP between these ports; 0: it does not
  std::uint16_t udp_peer_port = 0;
};

struct QuickModeEffects {
  Bytes send;
  std::vector<SecurityProtocol> reserve;
  SuiteSpis release;  // reserved for offers that the peer did not choose
  std::optional<MainModeEffects::Compute> compute;
  std::vector<SaParameters> install;
  bool initial_contact = false;  // the peer says so in this message
};

struct QuickModeContext {
  const QuickModeFacts& facts;
  const Established& main_mode;
  RandomSource& random;
  QuickModeEffects effects;
};

}  // namespace ipsec::ike
