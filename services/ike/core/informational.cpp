#include "services/ike/core/informational.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/dead_peer.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/main_mode_exchange.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/sa_pairs.h"

namespace ipsec::ike {

namespace {

Bytes cookie_pair(const MainModeFacts& facts) {
  Bytes octets;
  for (const Cookie cookie : {facts.initiator_cookie, facts.responder_cookie}) {
    const auto one = cookie_octets(cookie);
    octets.insert(octets.end(), one.begin(), one.end());
  }
  return octets;
}

Bytes spi_octets(std::uint32_t spi) {
  Bytes octets(4);
  store_u32(octets.data(), spi);
  return octets;
}

FailureReason reason_of(NotifyType type) {
  switch (type) {
    case NotifyType::kNoProposalChosen:
    case NotifyType::kBadProposalSyntax:
      return FailureReason::kNoProposalChosen;
    case NotifyType::kInvalidIdInformation:
      return FailureReason::kNoMatchingFilter;
    case NotifyType::kInvalidKeyInformation:
      return FailureReason::kInvalidKeyExchange;
    case NotifyType::kAuthenticationFailed:
    case NotifyType::kInvalidHashInformation:
    case NotifyType::kPayloadMalformed:
      return FailureReason::kAuthenticationFailed;
    default:
      return FailureReason::kPeerRefused;
  }
}

// What the peer's error says about a main mode under way, in the light of what was sent.
Failure hinted_failure(const MainModeSa& sa, const NotifyPayload& notify) {
  const NotifyType type = notify.type;
  FailureReason reason = reason_of(type);
  // PAYLOAD-MALFORMED tells of a wrong key only where something encrypted was sent.
  const bool proving = std::holds_alternative<AwaitingMessage6>(sa.state);
  if (reason == FailureReason::kAuthenticationFailed && !proving) reason = FailureReason::kPeerRefused;
  Terms terms;
  if (std::holds_alternative<AwaitingMessage2>(sa.state)) terms.offered = offer_texts(sa.facts.rule.policy);
  if (reason == FailureReason::kAuthenticationFailed) terms = different_keys(sa);
  const std::string offered =
      proving || terms.offered.empty() ? "" : fmt::format("; offered were {}", fmt::join(terms.offered, ", "));
  return {reason,
          fmt::format("{} says {} (unauthenticated) in answer to main mode, {}{}", sa.peer.to_string(), name(type),
                      name(sa.state), offered),
          std::move(terms), explain_peers_refusal(sa, notify)};
}

void take_hint(Turn& turn, MainModeSa& sa, const NotifyPayload& notify) {
  if (!is_error(notify.type)) return;
  if (sa.half_open()) {
    if (sa.initiator && !sa.resender.hinted()) sa.resender.hint(hinted_failure(sa, notify), turn.now);
    return;
  }
  // A peer that has lost the main mode SA cannot say more than this.
  if (notify.type != NotifyType::kInvalidCookie) return;
  for (auto& [id, exchange] : sa.exchanges) {
    if (!std::holds_alternative<AwaitingAnswer>(exchange.state)) continue;
    exchange.resender.hint(
        {FailureReason::kTimeoutQuickMode2, fmt::format("{} no longer knows the main mode SA", sa.peer.to_string())},
        turn.now);
  }
}

void receive_clear(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  MainModeSa* sa = find_by_cookies(turn, header, datagram);
  const auto parsed = parse_clear_message(datagram.bytes);
  if (!parsed.ok() || !check_payloads(MessageKind::kInformationalClear, parsed->chain).ok()) {
    ++turn.state.statistics.invalid_packets_received;
    return;
  }
  if (sa == nullptr) {
    ++turn.state.statistics.invalid_cookies_received;
    return;
  }
  for (const NotifyPayload* notify : parsed->chain.all<NotifyPayload>()) take_hint(turn, *sa, *notify);
}

// RFC 2408 section 3.14: the SPI names the SA that the notify is about. Windows writes 8 octets: SPI and quick mode
// message id (MS-IKEE 2.2.6).
QuickModeExchange* exchange_of(MainModeSa& sa, const NotifyPayload& notify) {
  std::vector<QuickModeExchange*> asking;
  for (auto& [id, exchange] : sa.exchanges) {
    if (!std::holds_alternative<AwaitingAnswer>(exchange.state)) continue;
    if (notify.spi.size() >= 4 && exchange.own_spis.has(load_u32(notify.spi.data()))) return &exchange;
    if (notify.spi.size() == 8 && load_u32(notify.spi.data() + 4) == id) return &exchange;
    asking.push_back(&exchange);
  }
  const bool names_none = notify.spi.size() != 4 || load_u32(notify.spi.data()) == 0;
  return names_none && asking.size() == 1 ? asking.front() : nullptr;
}

void handle_error(Turn& turn, MainModeSa& sa, const NotifyPayload& notify) {
  QuickModeExchange* exchange = exchange_of(sa, notify);
  if (exchange == nullptr) {
    turn.report(sa, "peer_error", Severity::kWarning, fmt::format("{} says {}", sa.peer.to_string(), name(notify.type)),
                {{"notify", name(notify.type)}});
    return;
  }
  const QuickModeRule& rule = exchange->facts.rule;
  fail_quick_mode(turn, sa, *exchange,
                  {reason_of(notify.type),
                   fmt::format("{} refuses with {}: {} for {} in {} mode{} were offered", sa.peer.to_string(),
                               name(notify.type), offers_text(rule.policy), exchange->facts.outbound.to_string(),
                               name(rule.encapsulation), rule.policy.pfs ? " with PFS" : ""),
                   {offered_terms(exchange->facts), {}},
                   explain_peers_refusal(sa, *exchange, notify)},
                  TellPeer::kNo);
}

bool handle_quick_mode_delete(Turn& turn, MainModeSa& sa, SecurityProtocol protocol, std::uint32_t spi) {
  if (QuickModeExchange* exchange = find_exchange_by_peer_spi(sa, protocol, spi)) {
    fail_quick_mode(turn, sa, *exchange,
                    {FailureReason::kDeletedByPeer, "the peer deleted its SA before quick mode was done"},
                    TellPeer::kNo);
    return true;
  }
  return pair_deleted_by_peer(turn, sa, protocol, spi);
}

// One main mode SA may end another of the same peer: same address, same proven identity.
bool handle_main_mode_delete(Turn& turn, MainModeSa& sa, ByteView spi) {
  if (spi.size() != 16) return false;
  bool known = false;
  for (const std::uint64_t handle : turn.state.main_modes.with_identity(sa.peer.address, sa.proven()->peer_identity)) {
    MainModeSa& other = *turn.state.main_modes.find(handle);
    if (other.established() == nullptr) continue;
    if (other.facts.initiator_cookie != load_u64(spi.data()) ||
        other.facts.responder_cookie != load_u64(spi.data() + 8))
      continue;
    end_main_mode(turn, other, TellPeer::kNo, {FailureReason::kDeletedByPeer, "the peer deleted it"});
    known = true;
  }
  return known;
}

// Whether any of its SPIs is known here.
bool handle_delete(Turn& turn, MainModeSa& sa, const DeletePayload& payload) {
  const auto protocol = static_cast<SecurityProtocol>(payload.protocol);
  const bool of_quick_mode = protocol == SecurityProtocol::kEsp || protocol == SecurityProtocol::kAh;
  bool known = false;
  for (const Bytes& spi : payload.spis) {
    if (payload.protocol == kProtocolIsakmp) known |= handle_main_mode_delete(turn, sa, spi);
    if (of_quick_mode && spi.size() == 4) known |= handle_quick_mode_delete(turn, sa, protocol, load_u32(spi.data()));
  }
  return known;
}

void receive_protected(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram) {
  Statistics& statistics = turn.state.statistics;
  if (sa.half_open() || header.message_id == 0 || sa.used_message_ids.contains(header.message_id)) {
    ++statistics.unexpected_messages;
    return;
  }
  const Established& established = *sa.proven();
  const auto read = open_phase2(established, {header, datagram.bytes}, first_iv(established, header.message_id),
                                MessageKind::kInformational);
  const auto* opened = std::get_if<Opened>(&read);
  const auto expected = [&](const PayloadChain& chain) {
    return message_hash(established.keys.hash, established.keys.family.skeyid_a.view(), header.message_id,
                        chain.after_first());
  };
  if (opened == nullptr || !has_hash(opened->chain, expected(opened->chain))) {
    ++statistics.undecryptable_messages;
    return;
  }
  sa.last_proof = turn.now;
  const auto deletes = opened->chain.all<DeletePayload>();
  bool known = deletes.empty();
  // What is not remembered could be sent again by anybody, from anywhere.
  if (known && sa.used_message_ids.size() < kMaxMessageIds) follow_peer(turn, sa, datagram);
  if (!sa.ended) handle_notifies(turn, sa, opened->chain);
  for (const DeletePayload* payload : deletes) known |= handle_delete(turn, sa, *payload);
  // A Delete may overtake the message that makes its SA known; then one of its repetitions must count.
  if (known && sa.used_message_ids.size() < kMaxMessageIds) sa.used_message_ids.insert(header.message_id);
}

Bytes seal_informational(Turn& turn, MainModeSa& sa, std::vector<PayloadContent> payloads) {
  std::uint32_t id = 0;
  while (id == 0 || !sa.used_message_ids.insert(id).second) id = turn.state.random.u32();
  const Header header =
      phase2_header(sa.facts.initiator_cookie, sa.facts.responder_cookie, ExchangeType::kInformational, id);
  return seal_with_hash1(*sa.proven(), first_iv(*sa.proven(), id), header, std::move(payloads)).datagram;
}

}  // namespace

MainModeSa* find_by_cookies(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  MainModeTable& table = turn.state.main_modes;
  MainModeSa* sa = table.find_by_own_cookie(header.responder_cookie);
  if (sa == nullptr || sa->initiator || sa->facts.initiator_cookie != header.initiator_cookie) {
    sa = table.find_by_own_cookie(header.initiator_cookie);
    if (sa == nullptr || !sa->initiator) return nullptr;
    const bool not_yet_chosen = sa->facts.responder_cookie == 0;
    if (!not_yet_chosen && sa->facts.responder_cookie != header.responder_cookie) return nullptr;
  }
  if (sa->peer.address != datagram.peer.address || sa->local.address != datagram.local.address) return nullptr;
  return sa;
}

void receive_informational(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  if (!header.encrypted()) {
    receive_clear(turn, header, datagram);
    return;
  }
  if (MainModeSa* sa = find_by_cookies(turn, header, datagram)) {
    receive_protected(turn, *sa, header, datagram);
  } else {
    ++turn.state.statistics.invalid_cookies_received;
  }
}

void handle_notifies(Turn& turn, MainModeSa& sa, const PayloadChain& chain) {
  for (const NotifyPayload* notify : chain.all<NotifyPayload>()) {
    if (is_error(notify->type)) {
      handle_error(turn, sa, *notify);
    } else if (notify->type == NotifyType::kInitialContact) {
      handle_initial_contact(turn, sa);
    } else if (notify->type == NotifyType::kAreYouThere) {
      answer_probe(turn, sa, *notify);
    }
  }
}

void follow_peer(Turn& turn, MainModeSa& sa, const DatagramReceived& datagram) {
  const std::uint16_t port = datagram.peer.port;
  const bool on_port = sa.local.port == kNatTraversalPort && datagram.local.port == kNatTraversalPort;
  if (!on_port || sa.peer.port == port) return;
  const HostBehindNat host = sa.host();
  sa.peer.port = port;
  if (!host.is_any()) move_host(turn, sa.local.address, sa.peer.address, host, port);
}

void move_host(Turn& turn, const IpAddress& local, const IpAddress& peer, const HostBehindNat& host,
               std::uint16_t port) {
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(peer)) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    // One that the peer begins says with message 5 where the peer is.
    const bool knows_host = !sa.half_open() || !sa.meant_for.is_any();
    if (!knows_host || sa.local != Endpoint{local, kNatTraversalPort} || !may_be_same(sa.host(), host)) continue;
    sa.peer.port = port;
    if (!sa.meant_for.is_any()) sa.meant_for.port = port;
  }
  for (const QuickModeSaPair& pair : turn.state.quick_modes.with_peer(peer)) {
    if (pair.local != local || pair.host.is_any() || pair.host.port == port || !may_be_same(pair.host, host)) continue;
    turn.state.quick_modes.find_inbound(pair.inbound_spi)->host.port = port;
    // The driver would go on sending into nothing until the peer's next ESP packet.
    turn.actions.emplace_back(MovePeer{pair.inbound_spi, port});
  }
}

void handle_initial_contact(Turn& turn, MainModeSa& sa) {
  const std::string identity = sa.established()->peer_identity;
  // Only between the same two addresses: to the peer, another address of this host is another system, with which it may
  // well be in contact for the first time.
  // What began after this main mode did may be newer than the peer's statement.
  const auto is_older = [&](Timestamp established_at) { return established_at < sa.created; };
  std::size_t dropped = 0;
  for (const std::uint64_t handle : turn.state.main_modes.with_identity(sa.peer.address, identity)) {
    MainModeSa& other = *turn.state.main_modes.find(handle);
    if (other.established() == nullptr || !is_older(other.established_at)) continue;
    if (other.local.address != sa.local.address) continue;
    end_main_mode(turn, other, TellPeer::kNo, {FailureReason::kDeletedByPeer, "the peer began anew (INITIAL-CONTACT)"},
                  LastMessages::kAbandon);
    ++dropped;
  }
  for (const QuickModeSaPair& pair : turn.state.quick_modes.with_identity(sa.peer.address, identity)) {
    if (!may_be_same(pair.host, sa.host()) || !is_older(pair.established_at)) continue;
    if (pair.local != sa.local.address) continue;
    turn.delete_pair(pair);
    turn.state.quick_modes.remove(pair.inbound_spi);
    ++dropped;
  }
  if (dropped == 0) return;
  turn.report(sa, "initial_contact", Severity::kInformation,
              fmt::format("{} ({}) began anew: {} older SAs dropped", sa.peer.to_string(), identity, dropped));
}

void answer_invalid_cookie(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  EngineState& state = turn.state;
  if (!state.invalid_cookie_answers.allows(turn.now)) return;
  Header answer =
      phase2_header(header.initiator_cookie, header.responder_cookie, ExchangeType::kInformational, state.random.u32());
  MainModeFacts cookies;
  cookies.initiator_cookie = header.initiator_cookie;
  cookies.responder_cookie = header.responder_cookie;
  const std::vector<PayloadContent> payloads = {
      NotifyPayload{kDoiIpsec, kProtocolIsakmp, NotifyType::kInvalidCookie, cookie_pair(cookies), {}}};
  turn.send(datagram.local, datagram.peer, write_clear_message(answer, payloads));
}

void send_clear_notify(Turn& turn, MainModeSa& sa, NotifyType type) {
  const Header header = phase2_header(sa.facts.initiator_cookie, sa.facts.responder_cookie,
                                      ExchangeType::kInformational, turn.state.random.u32());
  const std::vector<PayloadContent> payloads = {
      NotifyPayload{kDoiIpsec, kProtocolIsakmp, type, cookie_pair(sa.facts), {}}};
  turn.send(sa, write_clear_message(header, payloads));
}

Bytes write_notify(Turn& turn, MainModeSa& sa, NotifyType type, SecurityProtocol protocol, std::uint32_t spi,
                   Bytes data) {
  NotifyPayload notify{kDoiIpsec, static_cast<std::uint8_t>(protocol), type, spi_octets(spi), std::move(data)};
  return seal_informational(turn, sa, {std::move(notify)});
}

Bytes send_notify(Turn& turn, MainModeSa& sa, NotifyType type, SecurityProtocol protocol, std::uint32_t spi,
                  Bytes data) {
  Bytes datagram = write_notify(turn, sa, type, protocol, spi, std::move(data));
  turn.send(sa, datagram);
  return datagram;
}

void send_probe(Turn& turn, MainModeSa& sa, NotifyType type, std::uint32_t sequence) {
  NotifyPayload notify{kDoiIpsec, kProtocolIsakmp, type, cookie_pair(sa.facts), Bytes(4)};
  store_u32(notify.data.data(), sequence);
  turn.send(sa, seal_informational(turn, sa, {std::move(notify)}));
}

void send_main_mode_delete(Turn& turn, MainModeSa& sa) {
  const Bytes datagram =
      seal_informational(turn, sa, {DeletePayload{kDoiIpsec, kProtocolIsakmp, {cookie_pair(sa.facts)}}});
  turn.send_repeatedly(sa, datagram);
}

Bytes send_quick_mode_delete(Turn& turn, MainModeSa& sa, const SuiteSpis& spis) {
  std::vector<PayloadContent> deletes;
  for (const SecurityProtocol protocol : {SecurityProtocol::kEsp, SecurityProtocol::kAh}) {
    if (spis.of(protocol) == 0) continue;
    deletes.emplace_back(
        DeletePayload{kDoiIpsec, static_cast<std::uint8_t>(protocol), {spi_octets(spis.of(protocol))}});
  }
  Bytes datagram = seal_informational(turn, sa, std::move(deletes));
  turn.send_repeatedly(sa, datagram);
  return datagram;
}

}  // namespace ipsec::ike
