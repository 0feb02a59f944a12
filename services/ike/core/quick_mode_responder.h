#pragma once

#include <optional>
#include <vector>

#include "services/ike/core/policy_lookup.h"
#include "services/ike/core/transitions.h"
#include "services/ike/wire/message.h"

// Quick mode as responder; steps as in main_mode_initiator.h.
namespace ipsec::ike {

// A rule under which a peer's request could be granted, and the traffic it would be for, seen from this host.
struct QuickModeCandidate {
  QuickModeRule rule;
  Selector outbound;
};
// The traffic that the peer asks for in message 1, which has a right HASH(1), held against the policy.
struct QuickModeMatch {
  // One for each mode that fits; the default response rule alone where no filter does (DR-06). Not empty.
  std::vector<QuickModeCandidate> candidates;
  std::optional<QuickModeIdentities> identities;  // as received
};
Choice<QuickModeMatch> match_quick_mode_request(const PayloadChain& message1, const IkePolicy& policy,
                                                const Established& main_mode, const IpAddress& local,
                                                const IpAddress& peer);

// What the peer asks for, and what it gets.
struct QuickModeRequest {
  Selector outbound;  // seen from this host
  QuickModeRule rule;
  QuickModeAnswer answer;
  std::optional<QuickModeIdentities> identities;
  Bytes nonce_i;
  Bytes public_i;  // empty without PFS
};
// `main_mode_policy` has the groups known besides the policy's own. Failure: what to refuse it with.
Choice<QuickModeRequest> choose_quick_mode_answer(const PayloadChain& message1, const QuickModeMatch& match,
                                                  const Established& main_mode, const MainModePolicy& main_mode_policy);

// Asks for SPIs and, with PFS, for the shared secret. `iv` is for message 2.
PreparingAnswer answer_quick_mode(const QuickModeRequest& request, Bytes iv, QuickModeContext& context);

// The inbound SA is installed once all of it is there.
ResultOf<PreparingAnswer, OwnSpi> step(const PreparingAnswer& state, const OwnSpi& own, QuickModeContext& context);
ResultOf<PreparingAnswer, DhComputed> step(const PreparingAnswer& state, const DhComputed& computed,
                                           QuickModeContext& context);
// Sends message 2: from here on the peer may send ESP.
ResultOf<InstallingInbound, SaInstalled> step(const InstallingInbound& state, const SaInstalled& installed,
                                              QuickModeContext& context);
// Message 3: installs the outbound SA. Message 4 follows where message 2 has promised it.
ResultOf<AwaitingConfirmation, MessageReceived> step(const AwaitingConfirmation& state, const MessageReceived& message,
                                                     QuickModeContext& context);
ResultOf<InstallingOutbound, SaInstalled> step(const InstallingOutbound& state, const SaInstalled& installed,
                                               QuickModeContext& context);

}  // namespace ipsec::ike
