#include "services/ike/core/quick_mode_responder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_messages.h"

namespace ipsec::ike {

namespace {

struct Asked {
  Selector outbound;  // seen from this host
  std::optional<QuickModeIdentities> identities;
};

// RFC 2409 section 5.5: without identities "the identities of the SAs ... are implicitly assumed to be the IP addresses
// of the ISAKMP peers, without any implied constraints on the protocol or port numbers".
Choice<Asked> read_identities(const PayloadChain& chain, const IpAddress& local, const IpAddress& peer) {
  const auto found = chain.all<IdentificationPayload>();
  if (found.empty())
    return Asked{{AddressRange::host(local), AddressRange::host(peer), kProtocolAny, {}, {}}, std::nullopt};
  if (found.size() != 2) return Failure{FailureReason::kInvalidIdentity, "one identity without the other"};
  const QuickModeIdentities identities{*found[0], *found[1]};
  const auto initiators = selector_of(identities);
  if (!initiators.ok()) return Failure{FailureReason::kInvalidIdentity, initiators.status().message()};
  return Asked{initiators->mirrored(), identities};
}

// Transport mode protects packets between the two hosts themselves.
bool is_host_to_host(const Selector& outbound, const IpAddress& local, const IpAddress& peer) {
  return outbound.source == AddressRange::host(local) && outbound.destination == AddressRange::host(peer);
}

void add_group(std::vector<DhGroup>& groups, DhGroup group) {
  if (group != DhGroup::kNone && std::find(groups.begin(), groups.end(), group) == groups.end())
    groups.push_back(group);
}

// Required PFS means that one group. Where it is not required, a peer may have it with any group known to this policy.
QuickModeTerms terms_of(const QuickModeRule& rule, const Established& main_mode,
                        const MainModePolicy& main_mode_policy) {
  QuickModeTerms terms{wire_encapsulation(rule.encapsulation, main_mode), &rule.policy, rule.policy.pfs, {}, true};
  if (rule.policy.pfs) {
    add_group(terms.groups, pfs_group(rule.policy, main_mode));
    return terms;
  }
  add_group(terms.groups, main_mode.choice.offer.group);
  add_group(terms.groups, rule.policy.pfs_group);
  for (const MainModeOffer& offer : main_mode_policy.offers) add_group(terms.groups, offer.group);
  return terms;
}

// One for each mode that fits.
std::vector<QuickModeCandidate> find_candidates(const IkePolicy& policy, const Selector& outbound, const NatFound& nat,
                                                const IpAddress& local, const IpAddress& peer) {
  std::vector<QuickModeCandidate> candidates;
  const auto add = [&](const Selector& wanted, Encapsulation mode) {
    if (auto rule = match_quick_mode_rule(policy, wanted, mode, local, peer))
      candidates.push_back({std::move(*rule), wanted});
  };
  const Selector between_hosts = translated(outbound, nat, local, peer);
  const bool in_transport_mode = is_host_to_host(between_hosts, local, peer);
  if (in_transport_mode) add(between_hosts, Encapsulation::kTransport);
  add(outbound, Encapsulation::kTunnel);
  if (!candidates.empty() || !in_transport_mode) return candidates;
  if (auto rule = default_response_rule(policy)) candidates.push_back({std::move(*rule), between_hosts});
  return candidates;
}

ResultOf<PreparingAnswer, OwnSpi> install_when_ready(PreparingAnswer state, QuickModeContext& context) {
  const ProtectionSuite& suite = state.answer.choice.suite;
  const bool has_spis = suite.esp.has_value() == (state.spis.esp != 0) && suite.ah.has_value() == (state.spis.ah != 0);
  if (!has_spis || (state.pfs && !state.pair)) return state;
  const Bytes nonce_r = context.random.bytes(kNonceSize);
  auto made = make_sa_pair(context, state.answer.choice, state.spis, state.nonce_i, nonce_r, state.secret);
  if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);

  SaPayload sa = state.answer.sa;
  for (Proposal& proposal : sa.proposals)
    store_u32(proposal.spi.data(), state.spis.of(static_cast<SecurityProtocol>(proposal.protocol)));
  std::vector<PayloadContent> payloads = {std::move(sa), NoncePayload{nonce_r}};
  if (state.pair) payloads.emplace_back(KeyExchangePayload{to_bytes(state.pair->public_value())});
  if (state.identities) {
    payloads.emplace_back(state.identities->initiator);
    payloads.emplace_back(state.identities->responder);
  }
  for (PayloadContent& address : own_original_addresses(context, state.answer.choice.encapsulation))
    payloads.push_back(std::move(address));
  if (state.answer.lifetime_reduced) {
    for (NotifyPayload& notify : responder_lifetimes(state.answer.choice, state.spis))
      payloads.emplace_back(std::move(notify));
  }

  const QuickModeFacts& facts = context.facts;
  const Phase1Keys& keys = context.main_mode.keys;
  const SecretBytes hash = quick_mode_hash2(keys.hash, keys.family.skeyid_a.view(), facts.message_id, state.nonce_i,
                                            write_payloads(payloads));
  Header header =
      phase2_header(facts.initiator_cookie, facts.responder_cookie, ExchangeType::kQuickMode, facts.message_id);
  if (context.main_mode.choice.extensions.connected_notify) header.flags |= kFlagCommit;
  Sealed message2 = seal(keys.protection, state.iv, header, with_hash(hash, std::move(payloads)));
  auto& pair = std::get<SaPair>(made);
  context.effects.install = {pair.inbound};
  return InstallingInbound{std::move(pair), state.nonce_i, nonce_r, std::move(message2.datagram),
                           std::move(message2.next_iv)};
}

}  // namespace

Choice<QuickModeMatch> match_quick_mode_request(const PayloadChain& message1, const IkePolicy& policy,
                                                const Established& main_mode, const IpAddress& local,
                                                const IpAddress& peer) {
  auto read = read_identities(message1, local, peer);
  if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
  auto& asked = std::get<Asked>(read);
  auto candidates = find_candidates(policy, asked.outbound, main_mode.choice.nat, local, peer);
  if (candidates.empty()) {
    return Failure{
        FailureReason::kNoMatchingFilter,
        fmt::format("the peer asks for {} (seen from here {}), which no negotiating filter of policy '{}' contains{}",
                    asked.outbound.mirrored().to_string(), asked.outbound.to_string(), policy.policy_name,
                    policy.default_response.active ? "; the default response rule answers for this host itself only"
                                                   : without_default_response(policy)),
        {{asked.outbound.mirrored().to_string()}, negotiating_filters(policy)},
        explain_refused_traffic(policy, asked.outbound, local, peer)};
  }
  return QuickModeMatch{std::move(candidates), std::move(asked.identities)};
}

Choice<QuickModeRequest> choose_quick_mode_answer(const PayloadChain& message1, const QuickModeMatch& match,
                                                  const Established& main_mode,
                                                  const MainModePolicy& main_mode_policy) {
  std::vector<QuickModeTerms> terms;
  for (const QuickModeCandidate& candidate : match.candidates)
    terms.push_back(terms_of(candidate.rule, main_mode, main_mode_policy));

  const ByteView public_i = message1.body_of(PayloadType::kKeyExchange);
  const bool with_key_exchange = message1.find<KeyExchangePayload>() != nullptr;
  auto chosen = choose_quick_mode(*message1.find<SaPayload>(), with_key_exchange, terms);
  if (auto* failure = std::get_if<Failure>(&chosen)) {
    const NatFound& nat = main_mode.choice.nat;
    if (!nat.any() || !offers_only_ah(*message1.find<SaPayload>())) return std::move(*failure);
    return Failure{
        FailureReason::kAhBehindNat,
        fmt::format("{} behind an address translator, which changes what AH protects, and the peer offers AH "
                    "only; ESP alone passes",
                    name(nat)),
        failure->terms, failure->explanation};
  }
  auto& answer = std::get<QuickModeAnswer>(chosen);
  if (with_key_exchange && public_i.size() != info(answer.choice.pfs_group).public_size) {
    return Failure{FailureReason::kInvalidKeyExchange,
                   fmt::format("KE payload of {} octets for {}", public_i.size(), info(answer.choice.pfs_group).name)};
  }
  answer.choice.original = read_original_addresses(message1, main_mode.choice.extensions.nat_traversal);
  const auto candidate = std::find_if(
      match.candidates.begin(), match.candidates.end(),
      [&](const QuickModeCandidate& one) { return one.rule.encapsulation == answer.choice.encapsulation; });
  return QuickModeRequest{candidate->outbound,
                          candidate->rule,
                          std::move(answer),
                          match.identities,
                          to_bytes(message1.body_of(PayloadType::kNonce)),
                          to_bytes(public_i)};
}

PreparingAnswer answer_quick_mode(const QuickModeRequest& request, Bytes iv, QuickModeContext& context) {
  PreparingAnswer state{
      request.answer, request.identities, request.nonce_i, !request.public_i.empty(), std::move(iv), {}, nullptr, {}};
  const ProtectionSuite& suite = request.answer.choice.suite;
  if (suite.esp) context.effects.reserve.push_back(SecurityProtocol::kEsp);
  if (suite.ah) context.effects.reserve.push_back(SecurityProtocol::kAh);
  if (state.pfs) context.effects.compute = {request.answer.choice.pfs_group, nullptr, request.public_i};
  return state;
}

ResultOf<PreparingAnswer, OwnSpi> step(const PreparingAnswer& state, const OwnSpi& own, QuickModeContext& context) {
  PreparingAnswer next = state;
  next.spis.of(own.protocol) = own.spi;
  return install_when_ready(std::move(next), context);
}

ResultOf<PreparingAnswer, DhComputed> step(const PreparingAnswer& state, const DhComputed& computed,
                                           QuickModeContext& context) {
  if (!computed.secret.ok()) return Failure{FailureReason::kInvalidKeyExchange, computed.secret.status().message()};
  PreparingAnswer next = state;
  next.pair = computed.own;
  next.secret = *computed.secret;
  return install_when_ready(std::move(next), context);
}

ResultOf<InstallingInbound, SaInstalled> step(const InstallingInbound& state, const SaInstalled&,
                                              QuickModeContext& context) {
  context.effects.send = state.message2;
  return AwaitingConfirmation{state.pair, state.nonce_i, state.nonce_r, state.iv};
}

ResultOf<AwaitingConfirmation, MessageReceived> step(const AwaitingConfirmation& state, const MessageReceived& message,
                                                     QuickModeContext& context) {
  auto read = open_phase2(context.main_mode, message, state.iv, MessageKind::kQuickMode3);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  const Phase1Keys& keys = context.main_mode.keys;
  const SecretBytes expected =
      quick_mode_hash3(keys.hash, keys.family.skeyid_a.view(), context.facts.message_id, state.nonce_i, state.nonce_r);
  const auto& opened = std::get<Opened>(read);
  if (!has_hash(opened.chain, expected)) {
    return Ignored{Ignored::Why::kNotAuthentic, "quick mode message 3 has a wrong HASH"};
  }
  context.effects.install = {state.pair.outbound};
  InstallingOutbound next{without_keys(state.pair), {}, {}};
  if (context.main_mode.choice.extensions.connected_notify)
    next.message4 = seal_connected(context, state.pair.inbound.spis(), opened.next_iv).datagram;
  return next;
}

ResultOf<InstallingOutbound, SaInstalled> step(const InstallingOutbound& state, const SaInstalled&,
                                               QuickModeContext& context) {
  context.effects.send = state.message4;
  return QuickModeFinished{state.pair, state.iv};
}

}  // namespace ipsec::ike
