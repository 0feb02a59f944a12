#include "services/ike/core/engine.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/aggressive_mode.h"
#include "services/ike/core/default_response.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/sa_pairs.h"
#include "services/ike/core/soft_sa.h"
#include "services/ike/core/turn.h"
#include "services/ike/core/unread.h"
#include "services/ike/core/upkeep.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

void receive(Turn& turn, const DatagramReceived& datagram);

// A piece of a message. Only of peers that have shown with a message 3 that they are where they say they are; others
// would cost memory.
void receive_fragment(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  Statistics& statistics = turn.state.statistics;
  MainModeSa* sa = find_by_cookies(turn, header, datagram);
  if (sa == nullptr || sa->ended || std::holds_alternative<AwaitingMessage3>(sa->state)) {
    ++statistics.invalid_cookies_received;
    return;
  }
  auto fragment = parse_fragment(datagram.bytes);
  if (!fragment.ok()) {
    ++statistics.invalid_packets_received;
    return;
  }
  if (!sa->fragments) sa->fragments.emplace();
  const auto whole = sa->fragments->add(std::move(fragment).value(), turn.now);
  if (!whole) return;
  sa->fragmenting = true;
  // MS-IKEE 3.3: pieces of pieces, or of a message of another SA, are none.
  const auto inner = parse_header(*whole);
  const bool fits = inner.ok() && !is_fragment(*whole) && inner->initiator_cookie == header.initiator_cookie &&
                    inner->responder_cookie == header.responder_cookie;
  if (!fits) {
    ++statistics.invalid_packets_received;
    return;
  }
  receive(turn, {datagram.local, datagram.peer, *whole});
}

void receive(Turn& turn, const DatagramReceived& datagram) {
  Statistics& statistics = turn.state.statistics;
  ++statistics.datagrams_received;
  const auto header = parse_header(datagram.bytes);
  if (!header.ok()) {
    ++statistics.invalid_packets_received;
    report_unsupported(turn, datagram);
    return;
  }
  if (is_fragment(datagram.bytes)) {
    receive_fragment(turn, *header, datagram);
    return;
  }
  switch (header->exchange) {
    case ExchangeType::kIdentityProtection:
      receive_main_mode(turn, *header, datagram);
      return;
    case ExchangeType::kAggressive:
      ++statistics.invalid_packets_received;
      refuse_aggressive_mode(turn, *header, datagram);
      report_unsupported(turn, datagram);
      return;
    case ExchangeType::kInformational:
      receive_informational(turn, *header, datagram);
      return;
    case ExchangeType::kQuickMode: {
      MainModeSa* sa = find_by_cookies(turn, *header, datagram);
      if (sa == nullptr) {
        ++statistics.invalid_cookies_received;
        if (header->encrypted()) answer_invalid_cookie(turn, *header, datagram);
      } else if (sa->half_open()) {
        // MM-29, QM-23: not before main mode is done.
        ++statistics.unexpected_messages;
      } else {
        receive_quick_mode(turn, *sa, *header, datagram);
      }
      return;
    }
    default:
      ++statistics.invalid_packets_received;
      report_unsupported(turn, datagram);
  }
}

struct Handler {
  Turn& turn;

  void operator()(const DatagramReceived& event) { receive(turn, event); }
  void operator()(const AcquireRequested& event) { handle_acquire(turn, event); }
  void operator()(const RekeyRequested& event) { handle_rekey(turn, event); }
  void operator()(const SaEnded& event) { handle_sa_ended(turn, event); }
  void operator()(const PeerUnreachable& event) { note_unreachable(turn, event); }
  void operator()(const PeerMoved& event) { handle_peer_moved(turn, event); }
  void operator()(const DriverRestarted&) { handle_driver_restart(turn); }
  void operator()(const DriverSasFound& event) { adopt_sas(turn, event); }
  void operator()(const DriverCapable& event) { turn.state.driver = event; }
  void operator()(const AgentListens&) { ask_for_filters_again(turn); }
  void operator()(const FilterDeclined& event) { handle_filter_declined(turn, event); }
  void operator()(const DeleteRequested& event) { handle_delete_request(turn, event); }

  void operator()(const DhComputed& event) {
    const auto request = take(event.request_id, PendingRequest::Kind::kComputeDh);
    if (!request) return;
    MainModeSa* sa = turn.state.main_modes.find(request->handle);
    if (sa == nullptr) return;
    if (request->message_id == 0) {
      main_mode_computed(turn, *sa, event);
    } else {
      quick_mode_computed(turn, *sa, request->message_id, event);
    }
  }

  void operator()(const CertificatesChanged& event) { turn.state.certificates = event.summary; }

  void operator()(const IdentityProven& event) {
    const auto request = take(event.request_id, PendingRequest::Kind::kProveIdentity);
    MainModeSa* sa = request ? turn.state.main_modes.find(request->handle) : nullptr;
    if (sa != nullptr) main_mode_proven(turn, *sa, event);
  }

  void operator()(const PeerVerified& event) {
    const auto request = take(event.request_id, PendingRequest::Kind::kVerifyPeer);
    MainModeSa* sa = request ? turn.state.main_modes.find(request->handle) : nullptr;
    if (sa != nullptr) main_mode_verified(turn, *sa, event);
  }

  void operator()(const SpiReserved& event) {
    auto request = take(event.request_id, PendingRequest::Kind::kReserveSpi);
    if (!request) return;
    MainModeSa* sa = turn.state.main_modes.find(request->handle);
    if (sa != nullptr && quick_mode_spi_reserved(turn, *sa, request->message_id, {request->undo.protocol, event.spi}))
      return;
    if (request->soft_sa != 0 && soft_sa_spi_reserved(turn, request->soft_sa, event.spi)) return;
    request->undo.spi = event.spi;
    turn.actions.emplace_back(request->undo);
  }

  void operator()(const SaInstalled& event) {
    const auto request = take(event.request_id, PendingRequest::Kind::kInstallSa);
    if (!request) return;
    MainModeSa* sa = turn.state.main_modes.find(request->handle);
    if (sa != nullptr && quick_mode_sa_installed(turn, *sa, request->message_id, event)) return;
    if (request->soft_sa != 0 && soft_sa_installed(turn, request->soft_sa)) return;
    turn.actions.emplace_back(request->undo);
  }

  void operator()(const SpiReservationFailed& event) {
    if (const auto request = take(event.request_id, PendingRequest::Kind::kReserveSpi)) {
      ++turn.state.statistics.get_spi_fail;
      driver_failed(*request, event.text);
    }
  }

  void operator()(const SaInstallFailed& event) {
    if (const auto request = take(event.request_id, PendingRequest::Kind::kInstallSa)) {
      const bool inbound = request->undo.direction == Direction::kInbound;
      ++(inbound ? turn.state.statistics.key_update_fail : turn.state.statistics.key_add_fail);
      driver_failed(*request, event.text);
    }
  }

 private:
  // Answers to nothing, or of another kind than the question, are left alone.
  std::optional<PendingRequest> take(std::uint64_t id, PendingRequest::Kind kind) {
    const auto found = turn.state.requests.find(id);
    if (found == turn.state.requests.end() || found->second.kind != kind) return std::nullopt;
    PendingRequest request = found->second;
    turn.state.requests.erase(found);
    return request;
  }

  void driver_failed(const PendingRequest& request, const std::string& text) {
    if (request.soft_sa != 0) return soft_sa_refused(turn, request.soft_sa, text);
    if (MainModeSa* sa = turn.state.main_modes.find(request.handle))
      quick_mode_driver_failed(turn, *sa, request.message_id, text);
  }
};

// "Preshared key", "Certificate (RSA signature)"
std::string authentication_text(std::uint16_t method) {
  return is_signature(method) ? fmt::format("Certificate ({})", method_name(method)) : "Preshared key";
}

MainModeSaStatus status_of(const MainModeSa& sa, Timestamp now) {
  MainModeSaStatus status;
  status.initiator_cookie = sa.facts.initiator_cookie;
  status.responder_cookie = sa.facts.responder_cookie;
  status.local = sa.local;
  status.peer = sa.peer;
  status.initiator = sa.initiator;
  const MainModeChoice* choice = choice_of(sa.state);
  if (choice != nullptr) status.offer = choice->offer;
  status.authentication = authentication_text(choice != nullptr ? choice->method : sa.facts.rule.methods.front());
  status.local_identity = sa.local.address.to_string();
  if (const Established* established = sa.established()) {
    status.peer_identity = established->peer_identity;
    if (!established->own_identity.empty()) status.local_identity = established->own_identity;
    status.lifetime_seconds = established->choice.lifetime_seconds;
    status.nat = established->choice.nat;
  }
  const Timestamp born = sa.established() != nullptr ? sa.established_at : sa.created;
  status.age_seconds = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - born).count());
  status.quick_modes = sa.quick_modes;
  status.quick_mode_limit = sa.quick_mode_limit();
  status.state = name(sa.state);
  status.rule_name = sa.facts.rule.rule_name;
  return status;
}

}  // namespace

class Engine::Implementation {
 public:
  explicit Implementation(RandomSource& random) : state{random} {}

  EngineState state;
};

Engine::Engine(RandomSource& random) : implementation_(std::make_unique<Implementation>(random)) {}
Engine::~Engine() = default;

Status Engine::change_policy(PolicyChange change, Timestamp now, Actions& actions) {
  Turn turn{implementation_->state, now, {}};
  IkePolicy& policy = turn.state.policy;
  IPSEC_RETURN_IF_ERROR(check(change, policy));
  policy = apply(std::move(change), std::move(policy));
  apply_policy(turn);
  turn.state.main_modes.settle();
  std::move(turn.actions.begin(), turn.actions.end(), std::back_inserter(actions));
  return {};
}

const IkePolicy& Engine::policy() const { return implementation_->state.policy; }

Actions Engine::handle(Event event, Timestamp now) {
  Turn turn{implementation_->state, now, {}};
  std::visit(Handler{turn}, event);
  turn.state.main_modes.settle();
  return std::move(turn.actions);
}

Timestamp Engine::next_deadline() const { return ike::next_deadline(implementation_->state); }

Actions Engine::poll(Timestamp now) {
  Turn turn{implementation_->state, now, {}};
  do_what_is_due(turn);
  return std::move(turn.actions);
}

Statistics Engine::statistics() const {
  const EngineState& state = implementation_->state;
  Statistics statistics = state.statistics;
  statistics.conn_list_size = state.quick_modes.size();
  for (const std::uint64_t handle : state.main_modes.all()) {
    const MainModeSa& sa = state.main_modes.at(handle);
    if (!sa.ended) ++statistics.isadb_list_size;
    statistics.active_acquire += sa.waiting.size();
    statistics.acquire_heap_size += sa.waiting.size();
    const bool is_answering = !sa.initiator && sa.half_open();
    statistics.active_receive += is_answering ? 1 : 0;
    statistics.receive_heap_size += (is_answering ? 1U : 0U) + (sa.fragments ? 1U : 0U);
    for (const auto& [id, exchange] : sa.exchanges) {
      const bool own = exchange.facts.initiator;
      ++(own ? statistics.acquire_heap_size : statistics.receive_heap_size);
      if (!exchange.finished()) ++(own ? statistics.active_acquire : statistics.active_receive);
    }
  }
  statistics.active_acquire += state.soft_sas.attempts.size();
  statistics.acquire_heap_size += state.soft_sas.attempts.size();
  return statistics;
}

std::vector<FailedNegotiation> Engine::failed_negotiations() const {
  return implementation_->state.failed.newest_first();
}

std::vector<TellMainModeKey> Engine::tell_keys(bool on) {
  EngineState& state = implementation_->state;
  state.telling_keys = on;
  std::vector<TellMainModeKey> known;
  for (const std::uint64_t handle : state.main_modes.all()) {
    const MainModeSa& sa = state.main_modes.at(handle);
    if (const Phase1Keys* keys = keys_of(sa.state); on && keys != nullptr)
      known.push_back({sa.facts.initiator_cookie, keys->protection.key});
  }
  return known;
}

void Engine::count_send_failure() { ++implementation_->state.statistics.send_fail; }

std::vector<MainModeSaStatus> Engine::main_mode_sas(Timestamp now) const {
  std::vector<MainModeSaStatus> statuses;
  const MainModeTable& table = implementation_->state.main_modes;
  for (const std::uint64_t handle : table.all()) {
    if (const MainModeSa& sa = table.at(handle); !sa.ended) statuses.push_back(status_of(sa, now));
  }
  std::sort(statuses.begin(), statuses.end(),
            [](const auto& a, const auto& b) { return a.initiator_cookie < b.initiator_cookie; });
  return statuses;
}

}  // namespace ipsec::ike
