#include "services/ike/shell/engine_host.h"

#include <fmt/format.h>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/logging.h"
#include "services/ike/shell/limits.h"
#include "services/ike/shell/message_trace.h"

namespace ipsec::ike {

namespace {

daemon::LogLevel level_of(Severity severity) {
  switch (severity) {
    case Severity::kInformation:
      return daemon::LogLevel::kInformation;
    case Severity::kWarning:
      return daemon::LogLevel::kWarning;
    case Severity::kError:
      break;
  }
  return daemon::LogLevel::kError;
}

}  // namespace

EngineHost::EngineHost(EventLoop& loop, UdpSockets& sockets, WorkerPool& workers, RandomSource& random,
                       rpc::EventBroadcaster<proto::Event>& events)
    : loop_(loop), sockets_(sockets), workers_(workers), random_(random), events_(events), engine_(random) {
  for (std::size_t i = 0; i < sockets_.count(); ++i) {
    loop_.watch(sockets_.file_descriptor(i), [this, i] { read_socket(i); });
  }
  loop_.set_timer([this] { return engine_.next_deadline(); },
                  [this] { perform(engine_.poll(daemon::monotonic_now())); });
}

void EngineHost::read_socket(std::size_t index) {
  for (int turn = 0; turn < kDatagramsPerTurn; ++turn) {
    const auto error = sockets_.take_error(index);
    if (!error) break;
    handle(*error);
  }
  for (int turn = 0; turn < kDatagramsPerTurn; ++turn) {
    auto datagram = sockets_.receive(index);
    if (!datagram) return;
    if (engine_.policy().logging) trace("message_received", datagram->local, datagram->peer, datagram->bytes);
    handle(std::move(*datagram));
  }
}

void EngineHost::handle(Event event) { perform(engine_.handle(std::move(event), daemon::monotonic_now())); }

Status EngineHost::change_policy(PolicyChange change) {
  const std::uint64_t version = change.settings.version;
  const std::uint64_t in_force = engine_.policy().version;
  if (version < in_force) {
    return refused(fmt::format("policy version {} is older than version {} in force", version, in_force));
  }
  Actions actions;
  IPSEC_RETURN_IF_ERROR(engine_.change_policy(std::move(change), daemon::monotonic_now(), actions));
  perform(std::move(actions));
  const IkePolicy& now = engine_.policy();
  daemon::log_everything(now.logging);
  daemon::log(daemon::LogLevel::kInformation, "policy_set",
              {{"version", now.version}, {"policy", now.policy_name}, {"filters", now.filters.size()}});
  return {};
}

std::shared_ptr<AgentRequests> EngineHost::open_requests() {
  close_requests();
  requests_ = std::make_shared<AgentRequests>(kMaxAwaitingFilter);
  handle(AgentListens{});
  return requests_;
}

void EngineHost::close_requests() {
  if (requests_) requests_->close();
}

void EngineHost::perform(const AskForFilter& action) {
  if (requests_) requests_->push(to_proto(action));
}

std::uint32_t EngineHost::delete_main_modes(const DeleteRequested& request) {
  const std::size_t before = main_mode_sas().size();
  handle(request);
  return static_cast<std::uint32_t>(before - main_mode_sas().size());
}

std::vector<MainModeSaStatus> EngineHost::main_mode_sas() const {
  return engine_.main_mode_sas(daemon::monotonic_now());
}

proto::ListFailedNegotiationsReply EngineHost::failed_negotiations() const {
  proto::ListFailedNegotiationsReply reply;
  const Timestamp now = daemon::monotonic_now();
  for (const FailedNegotiation& failed : engine_.failed_negotiations()) {
    *reply.add_negotiations() = to_proto(failed, now);
  }
  return reply;
}

proto::IkeStatistics EngineHost::statistics() const {
  return to_proto(engine_.statistics(), engine_.policy().version, driver_connected_);
}

void EngineHost::set_driver_connected(bool connected) {
  if (connected == driver_connected_) return;
  driver_connected_ = connected;
  report(connected ? ReportEvent{"driver_connected", Severity::kInformation, "the IPsec driver is there", {}}
                   : ReportEvent{"driver_lost", Severity::kWarning, "the IPsec driver does not answer", {}});
}

void EngineHost::report(const ReportEvent& event) {
  daemon::log(level_of(event.severity), event.name, {{"text", event.text}});
  events_.publish(to_proto(event, ++event_sequence_, daemon::wall_clock_ms()));
}

void EngineHost::perform(Actions actions) {
  for (Action& action : actions) {
    std::visit([this](auto& one) { perform(std::move(one)); }, action);
  }
}

void EngineHost::trace(std::string_view what, const Endpoint& local, const Endpoint& peer, ByteView datagram) {
  daemon::log(daemon::LogLevel::kDebug, what, trace_fields(local, peer, datagram));
}

void EngineHost::perform(const SendDatagram& action) {
  if (engine_.policy().logging) trace("message_sent", action.local, action.peer, action.bytes);
  const Status sent = sockets_.send(action);
  if (sent.ok()) return;
  engine_.count_send_failure();
  daemon::log(daemon::LogLevel::kDebug, "send_failed", {{"reason", sent.message()}});
}

void EngineHost::perform(const SendKeepAlive& action) {
  if (!sockets_.send_keep_alive(action).ok()) engine_.count_send_failure();
}

void EngineHost::perform(ComputeDh action) {
  // The worker may outlive this host, but nothing posted to a loop that has ended is done.
  workers_.post([this, &loop = loop_, &random = random_, request = std::move(action)] {
    auto done = std::make_shared<DhComputed>(compute_dh(request, random));
    loop.post([this, done] { handle(std::move(*done)); });
  });
}

}  // namespace ipsec::ike
