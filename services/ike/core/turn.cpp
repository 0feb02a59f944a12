#include "services/ike/core/turn.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/windows_ids.h"

namespace ipsec::ike {

namespace {

std::string_view name_of(Side side) {
  if (side == Side::kNobody) return "";
  return side == Side::kThisHost ? "Me" : "Peer";
}

void add_ids(const WindowsIds& ids, Turn::Fields& fields) {
  fields["windows_event"] = std::to_string(ids.event);
  fields["windows_event_2003"] = std::to_string(ids.event_2003);
}

// Failure point and reason as the documented audit events have them.
void add_explanation(const FailedNegotiation& failed, Turn::Fields& fields) {
  const WindowsIds ids = windows_ids(failed.mode, failed.failure.reason);
  fields["failure_point"] = name_of(failed.explanation.refused_by);
  fields["at"] = failed.explanation.at;
  if (!failed.explanation.notify.empty()) fields["notify"] = failed.explanation.notify;
  add_ids(ids, fields);
  fields["windows_status"] = std::to_string(ids.status);
}

}  // namespace

bool RateLimit::allows(Timestamp now) {
  if (now - window_ >= std::chrono::seconds(1)) {
    window_ = now;
    used_ = 0;
  }
  if (used_ == per_second_) return false;
  ++used_;
  return true;
}

bool Turn::may_report_unproven() {
  if (state.unproven_reports.allows(now)) return true;
  ++state.statistics.suppressed_reports;
  return false;
}

void Turn::forget_refused() {
  std::erase_if(state.refused, [&](const auto& entry) { return entry.second.forget_at <= now; });
}

bool Turn::may_report_unanswered(const Endpoint& peer, Cookie initiator) {
  forget_refused();
  if (state.refused.contains({peer, initiator}) || !may_report_unproven()) return false;
  if (state.refused.size() < kMaxRefusedRemembered) state.refused[{peer, initiator}] = {now + kHalfOpenLifetime, {}};
  return true;
}

void Turn::send(const Endpoint& local, const Endpoint& peer, Bytes bytes) {
  ++state.statistics.datagrams_sent;
  actions.emplace_back(SendDatagram{local, peer, std::move(bytes)});
}

void Turn::send(const MainModeSa& sa, Bytes bytes) {
  const std::size_t data_size = sa.peer.address.is_v4() ? kFragmentDataIpv4 : kFragmentDataIpv6;
  if (!sa.fragmenting || bytes.size() <= data_size + kHeaderSize || bytes.size() > kMaxReassembledSize) {
    send(sa.local, sa.peer, std::move(bytes));
    return;
  }
  for (Bytes& piece : split_message(bytes, ++state.last_fragment_id, data_size))
    send(sa.local, sa.peer, std::move(piece));
}

void Turn::send_repeatedly(const MainModeSa& sa, const Bytes& bytes) {
  send(sa, bytes);
  if (state.repeated.size() == kMaxRepeatedDatagrams) state.repeated.erase(state.repeated.begin());
  const Established* established = sa.proven();
  const bool may_move = established != nullptr && established->choice.nat.peer_behind;
  const int repetitions = may_move ? kDeleteRepetitionsBehindNat : kDeleteRepetitions;
  state.repeated.emplace(now + kFirstRetransmission,
                         RepeatedDatagram{{sa.local, sa.peer, bytes}, sa.handle, repetitions, kFirstRetransmission});
}

void Turn::compute(const MainModeSa& sa, std::uint32_t message_id, MainModeEffects::Compute work) {
  const std::uint64_t id = state.next_request++;
  state.requests[id] = {PendingRequest::Kind::kComputeDh, sa.handle, message_id, {}, 0};
  actions.emplace_back(ComputeDh{id, work.group, std::move(work.own), std::move(work.peer_public)});
}

void Turn::prove(const MainModeSa& sa, ProofRequest request) {
  const std::uint64_t id = state.next_request++;
  state.requests[id] = {PendingRequest::Kind::kProveIdentity, sa.handle, 0, {}, 0};
  actions.emplace_back(ProveIdentity{id, std::move(request)});
}

void Turn::verify(const MainModeSa& sa, PeerClaim claim) {
  const std::uint64_t id = state.next_request++;
  state.requests[id] = {PendingRequest::Kind::kVerifyPeer, sa.handle, 0, {}, 0};
  actions.emplace_back(VerifyPeer{id, std::move(claim)});
}

void Turn::reserve_spi(const MainModeSa& sa, std::uint32_t message_id, SecurityProtocol protocol) {
  const std::uint64_t id = state.next_request++;
  const DeleteSa undo{0, Direction::kInbound, protocol, sa.peer.address};
  state.requests[id] = {PendingRequest::Kind::kReserveSpi, sa.handle, message_id, undo, 0};
  ++state.statistics.total_get_spi;
  actions.emplace_back(ReserveSpi{id, protocol, sa.local.address, sa.peer.address});
}

void Turn::install(const MainModeSa& sa, std::uint32_t message_id, SaParameters parameters) {
  const std::uint64_t id = state.next_request++;
  const DeleteSa undo{parameters.spi, parameters.direction, parameters.protocol, sa.peer.address};
  state.requests[id] = {PendingRequest::Kind::kInstallSa, sa.handle, message_id, undo, 0};
  if (parameters.udp_peer_port != 0) parameters.udp_peer_port = sa.peer.port;
  ++(parameters.direction == Direction::kInbound ? state.statistics.total_key_update : state.statistics.total_key_add);
  actions.emplace_back(InstallSa{id, std::move(parameters)});
}

void Turn::delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer) {
  actions.emplace_back(DeleteSa{spi, direction, protocol, peer});
}

void Turn::delete_pair(const QuickModeSaPair& pair) {
  delete_sa(pair.inbound_spi, Direction::kInbound, pair.protocol, pair.peer);
  if (pair.has_outbound) delete_sa(pair.outbound_spi, Direction::kOutbound, pair.protocol, pair.peer);
}

void Turn::report(std::string name, Severity severity, std::string text, Fields fields) {
  if (const auto ids = windows_ids(name)) add_ids(*ids, fields);
  actions.emplace_back(ReportEvent{std::move(name), severity, std::move(text), std::move(fields)});
}

void Turn::report_failed(FailedNegotiation failed, const std::string& text, Fields fields) {
  const Failure& failure = failed.failure;
  fields.merge(Fields{{"mode", std::string(ike::name(failed.mode))},
                      {"local", failed.local.to_string()},
                      {"peer", failed.peer.to_string()},
                      {"role", failed.initiator ? "initiator" : "responder"},
                      {"rule", failed.rule_name},
                      {"policy", failed.policy_name},
                      {"offered", fmt::format("{}", fmt::join(failure.terms.offered, ", "))},
                      {"configured", fmt::format("{}", fmt::join(failure.terms.configured, ", "))}});
  if (!failed.filter.empty()) fields["filter"] = failed.filter;
  add_explanation(failed, fields);
  const std::string where =
      failed.rule_name.empty() ? "" : fmt::format(" (rule '{}', policy '{}')", failed.rule_name, failed.policy_name);
  report(std::string(ike::name(failure.reason)), Severity::kError, fmt::format("{}: {}{}", text, failure.text, where),
         std::move(fields));
  failed.at = now;
  failed.explanation.alternatives = {};
  failed.failure.explanation.reset();
  state.failed.add(std::move(failed));
}

void Turn::report(const MainModeSa& sa, std::string name, Severity severity, std::string text, Fields fields) {
  fields.merge(fields_of(sa));
  report(std::move(name), severity, std::move(text), std::move(fields));
}

Turn::Fields fields_of(const MainModeSa& sa) {
  return {{"local", sa.local.to_string()},
          {"peer", sa.peer.to_string()},
          {"role", sa.initiator ? "initiator" : "responder"},
          {"rule", sa.facts.rule.rule_name},
          {"main_mode_policy", sa.facts.rule.policy.name},
          {"main_mode_id", fmt::format("{:016x}", sa.facts.initiator_cookie)}};
}

}  // namespace ipsec::ike
