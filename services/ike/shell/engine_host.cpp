#include "services/ike/shell/engine_host.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

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

// Events by the beginning of their name.
LogCategory category_of(std::string_view event) {
  constexpr std::pair<std::string_view, LogCategory> kBeginnings[] = {
      {"quick_mode", LogCategory::kQuickMode},
      {"no_matching_filter", LogCategory::kQuickMode},
      {"pfs_", LogCategory::kQuickMode},
      {"timeout_quick", LogCategory::kQuickMode},
      {"negotiation_failed", LogCategory::kQuickMode},
      {"certificate", LogCategory::kCertificates},
      {"peer_moved", LogCategory::kNat},
      {"peer_dead", LogCategory::kNat},
      {"nat_", LogCategory::kNat},
      {"driver", LogCategory::kDriver},
      {"sas_adopted", LogCategory::kDriver},
      {"rekey_of", LogCategory::kDriver},
      {"soft_sa", LogCategory::kDriver},
      {"policy", LogCategory::kPolicy},
      {"offers_skipped", LogCategory::kPolicy},
      {"default_response", LogCategory::kPolicy},
  };
  for (const auto& [beginning, category] : kBeginnings) {
    if (event.starts_with(beginning)) return category;
  }
  return LogCategory::kMainMode;
}

}  // namespace

EngineHost::EngineHost(EventLoop& loop, UdpSockets& sockets, WorkerPool& workers, RandomSource& random,
                       rpc::EventBroadcaster<proto::Event>& events, IkePlaces places)
    : loop_(loop),
      sockets_(sockets),
      workers_(workers),
      random_(random),
      events_(events),
      log_(places.state.path + "/oakley.log", kMaxLogSize),
      engine_(random),
      certificates_(
          loop, workers, std::move(places), [this](Event event) { handle(std::move(event)); },
          [this](const ReportEvent& event) { report(event); }) {
  for (std::size_t i = 0; i < sockets_.count(); ++i) {
    loop_.watch(sockets_.file_descriptor(i), [this, i] { read_socket(i); });
  }
  loop_.set_timer([this] { return std::min(engine_.next_deadline(), certificates_.next_deadline()); },
                  [this] {
                    perform(engine_.poll(daemon::monotonic_now()));
                    certificates_.poll(daemon::monotonic_now());
                  });
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
    if (logs(LogCategory::kPackets, kLogSteps))
      trace("message_received", datagram->local, datagram->peer, datagram->bytes);
    handle(std::move(*datagram));
  }
}

void EngineHost::handle(Event event) {
  if (logs(LogCategory::kDriver, kLogSteps)) {
    if (const auto* acquire = std::get_if<AcquireRequested>(&event))
      write_log(LogCategory::kDriver, fmt::format("acquire {} by filter {:x}: {}", acquire->acquire_id,
                                                  acquire->filter_id, acquire->packet.to_string()));
    if (const auto* rekey = std::get_if<RekeyRequested>(&event))
      write_log(LogCategory::kDriver, fmt::format("rekey of SA {:08x} to {}", rekey->spi, rekey->peer.to_string()));
    if (const auto* ended = std::get_if<SaEnded>(&event))
      write_log(LogCategory::kDriver, fmt::format("{} SA {:08x} of {} has ended", name(ended->direction), ended->spi,
                                                  ended->peer.to_string()));
  }
  perform(engine_.handle(std::move(event), daemon::monotonic_now()));
}

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

EngineHost::CertificatesAtHand EngineHost::certificates_at_hand() {
  CertificatesAtHand at_hand{{}, certificates_.store(), certificates_.lists(daemon::monotonic_now())};
  const IkePolicy& policy = engine_.policy();
  at_hand.policy.main_mode_filters = policy.main_mode_filters;
  at_hand.policy.default_response = policy.default_response;
  at_hand.policy.profile = policy.profile;
  at_hand.policy.strong_crl_check = policy.strong_crl_check;
  return at_hand;
}

void EngineHost::set_driver_connected(bool connected) {
  if (connected == driver_connected_) return;
  driver_connected_ = connected;
  report(connected ? ReportEvent{"driver_connected", Severity::kInformation, "the IPsec driver is there", {}}
                   : ReportEvent{"driver_lost", Severity::kWarning, "the IPsec driver does not answer", {}});
}

void EngineHost::report(const ReportEvent& event) {
  const LogCategory category = category_of(event.name);
  if (logs(category, kLogOutcomes)) write_log(category, fmt::format("{}: {}", event.name, event.text));
  daemon::log(level_of(event.severity), event.name, {{"text", event.text}});
  events_.publish(to_proto(event, ++event_sequence_, daemon::wall_clock_ms()));
}

void EngineHost::report_lasting(ReportEvent event) {
  daemon::log(level_of(event.severity), event.name, {{"text", event.text}});
  lasting_.push_back(std::move(event));
}

void EngineHost::greet(rpc::EventQueue<proto::Event>& watcher) {
  for (const ReportEvent& event : lasting_) watcher.push(to_proto(event, ++event_sequence_, daemon::wall_clock_ms()));
}

void EngineHost::perform(Actions actions) {
  for (Action& action : actions) {
    std::visit([this](auto& one) { perform(std::move(one)); }, action);
  }
}

void EngineHost::trace(std::string_view what, const Endpoint& local, const Endpoint& peer, ByteView datagram) {
  write_log(LogCategory::kPackets, daemon::format_line(what, trace_fields(local, peer, datagram)));
  if (!logs(LogCategory::kPackets, kLogEverything)) return;
  for (const std::string& offer : offers_in(datagram)) write_log(LogCategory::kPackets, "  " + offer);
}

void EngineHost::write_log(LogCategory category, std::string_view text) {
  if (log_.write(category, text, daemon::wall_clock_ms())) return;
  daemon::log(daemon::LogLevel::kWarning, "ike_log_not_written", {{"file", log_.path()}});
}

void EngineHost::perform(const WriteLog& action) { write_log(action.category, action.text); }

void EngineHost::perform(InstallSa action) {
  const SaParameters& sa = action.sa;
  if (logs(LogCategory::kDriver, kLogSteps))
    write_log(LogCategory::kDriver,
              fmt::format("install {} SA {:08x} {} -> {}, {}", name(sa.direction), sa.spi, sa.source.to_string(),
                          sa.destination.to_string(), sa.selector.to_string()));
  if (key_records_ && sa.protocol == SecurityProtocol::kEsp && !sa.encryption_key.empty()) key_records_->push(sa);
  driver_->submit(std::move(action));
}

void EngineHost::perform(const DeleteSa& action) {
  if (logs(LogCategory::kDriver, kLogSteps))
    write_log(LogCategory::kDriver,
              fmt::format("delete {} SA {:08x}, peer {}", name(action.direction), action.spi, action.peer.to_string()));
  driver_->submit(action);
}

void EngineHost::perform(AcquireFailed action) {
  if (logs(LogCategory::kDriver, kLogSteps))
    write_log(LogCategory::kDriver,
              fmt::format("acquire {} failed: {}: {}", action.acquire_id, name(action.reason), action.text));
  driver_->submit(std::move(action));
}

void EngineHost::perform(TellMainModeKey action) {
  if (key_records_) key_records_->push(std::move(action));
}

Result<std::shared_ptr<KeyRecords>> EngineHost::begin_key_export() {
  if (key_records_) return refused("keys are being exported already; one export at a time");
  key_records_ = std::make_shared<KeyRecords>(kKeyRecordsPerReader);
  for (TellMainModeKey& known : engine_.tell_keys(true)) key_records_->push(std::move(known));
  report({"key_export_began",
          Severity::kWarning,
          "an administrator exports the keys of negotiations: whoever has them can read what the SAs protect",
          {}});
  return key_records_;
}

void EngineHost::end_key_export() {
  if (!key_records_) return;
  engine_.tell_keys(false);
  key_records_->close();
  key_records_.reset();
  report({"key_export_ended", Severity::kWarning, "the export of keys has ended", {}});
}

void EngineHost::perform(const SendDatagram& action) {
  if (logs(LogCategory::kPackets, kLogSteps)) trace("message_sent", action.local, action.peer, action.bytes);
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
