#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/ike/core/explanation.h"
#include "services/ike/core/failure.h"
#include "services/ike/core/policy.h"
#include "services/ike/wire/payloads.h"
#include "services/ike/wire/sa_payload.h"

// Explanations of the ways in which negotiations fail. Pure.
namespace ipsec::ike {

struct MainModeSa;
struct QuickModeExchange;

using ExplanationPointer = std::shared_ptr<const Explanation>;

// ---- this host refuses what the peer has sent ----

ExplanationPointer explain_refused_main_mode(const SaPayload& offered, const SaPayload& configured);
ExplanationPointer explain_refused_quick_mode(const SaPayload& offered, const SaPayload& configured);
// The peer answered with something that was not offered (MM-23).
ExplanationPointer explain_modified_main_mode(const SaPayload& offered, const SaPayload& answer);
ExplanationPointer explain_modified_quick_mode(const SaPayload& offered, const SaPayload& answer);
// No filter contains `outbound`, which the peer asks for, seen from this host.
ExplanationPointer explain_refused_traffic(const IkePolicy& policy, const Selector& outbound, const IpAddress& local,
                                           const IpAddress& peer);
ExplanationPointer explain_unknown_peer(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer);
// The rule has no authentication method that this build can use; it has `methods` with the offers of `policy`.
ExplanationPointer explain_unusable_methods(const SaPayload& offered, const MainModePolicy& policy,
                                            const std::vector<AuthenticationMethod>& methods);
// A first message that is not even read.
ExplanationPointer explain_unread(std::string at, std::string check, bool assign);

// ---- the peer refuses ----

// `offered`: what this host has sent.
ExplanationPointer explain_peers_refusal(const MainModeSa& sa, const NotifyPayload& notify);
ExplanationPointer explain_peers_refusal(const MainModeSa& sa, const QuickModeExchange& exchange,
                                         const NotifyPayload& notify);

// ---- everything ----

// Whatever `failure` explains, completed by what the SA shows: who refused, at which message, what was sent and seen.
Explanation explanation_of(const MainModeSa& sa, const Failure& failure, Timestamp now);
Explanation explanation_of(const MainModeSa& sa, const QuickModeExchange& exchange, const Failure& failure,
                           Timestamp now);

}  // namespace ipsec::ike
