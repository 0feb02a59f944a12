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
namespace ipsec::ike {

struct PreparingOffer {
  std::uint32_t spi = 0;                  // 0: not yet
  std::shared_ptr<const DhKeyPair> pair;  // with PFS only
};

struct AwaitingAnswer {
  std::uint32_t spi = 0;
  std::shared_ptr<const DhKeyPair> pair;
  Bytes nonce_i;
  QuickModeIdentities identities;
  Bytes iv;  // for message 2
};

struct ComputingPfsSecret {
  std::uint32_t spi = 0;
  QuickModeChoice choice;
  Bytes nonce_i;
  Bytes nonce_r;
  Bytes iv;  // for message 3
};

// The two SAs of one quick mode.
struct SaPair {
  SaParameters inbound;
  SaParameters outbound;
};

struct InstallingPair {
  SaPair pair;
  int answers_missing = 2;
  Bytes message3;
  Bytes iv;  // for message 4, should one come
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
  std::uint32_t spi = 0;
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
};

// Kept to answer repeated messages.
struct QuickModeFinished {
  std::optional<SaPair> pair;  // without keys; absent where it failed
  Bytes iv;                    // initiator: for message 4
};

using QuickModeState =
    std::variant<PreparingOffer, AwaitingAnswer, ComputingPfsSecret, InstallingPair, AwaitingFilter, PreparingAnswer,
                 InstallingInbound, AwaitingConfirmation, InstallingOutbound, QuickModeFinished>;

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
  bool reserve_spi = false;
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
