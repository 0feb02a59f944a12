#include "services/driver/shell/event_log.h"

#include <fmt/format.h>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/logging.h"
#include "services/driver/shell/limits.h"

namespace ipsec::driver {
namespace {

// What a policy forbids is information; what no sound sender does is a warning.
Severity severity_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOutboundBlocked:
    case Verdict::kInboundBlocked:
    case Verdict::kInboundClearRefused:
      return Severity::kInformation;
    case Verdict::kOutboundAgainstPolicy:
    case Verdict::kInboundAgainstPolicy:
      return Severity::kError;
    default:
      return Severity::kWarning;
  }
}

daemon::LogLevel level_of(Severity severity) {
  switch (severity) {
    case Severity::kInformation:
      return daemon::LogLevel::kInformation;
    case Severity::kWarning:
      return daemon::LogLevel::kWarning;
    case Severity::kError:
      return daemon::LogLevel::kError;
  }
  return daemon::LogLevel::kError;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const AuditEvent& audit, const std::string& rule_name) {
  Fields fields{{"source", audit.packet.source.to_string()},
                {"destination", audit.packet.destination.to_string()},
                {"protocol", fmt::format("{}", audit.packet.protocol)}};
  if (protocol_has_ports(audit.packet.protocol)) {
    fields.emplace_back("source_port", fmt::format("{}", audit.packet.source_port));
    fields.emplace_back("destination_port", fmt::format("{}", audit.packet.destination_port));
  }
  if (audit.spi != 0) fields.emplace_back("spi", fmt::format("{:08x}", audit.spi));
  if (audit.sequence != 0) fields.emplace_back("sequence", fmt::format("{}", audit.sequence));
  if (audit.filter_id != 0) fields.emplace_back("filter", fmt::format("{:016x}", audit.filter_id));
  if (!rule_name.empty()) fields.emplace_back("rule", rule_name);
  if (audit.suppressed != 0) fields.emplace_back("suppressed", fmt::format("{}", audit.suppressed));
  return fields;
}

std::string text_of(const AuditEvent& audit, const std::string& rule_name) {
  std::string text = fmt::format("Dropped {}: {}", audit.packet.to_string(), info(audit.verdict).text);
  if (!rule_name.empty()) text += fmt::format(" (rule '{}')", rule_name);
  if (audit.spi != 0) text += fmt::format(", SPI {:08x}", audit.spi);
  if (audit.suppressed != 0) text += fmt::format("; {} more since the last such event", audit.suppressed);
  return text;
}

}  // namespace

EventLog::EventLog()
    : watchers_(limits::kEventQueue), audits_(limits::kEventQueue), writer_([this] { write_audits(); }) {}

EventLog::~EventLog() {
  audits_.close();
  writer_.join();
}

void EventLog::write_audits() {
  while (!audits_.finished()) {
    if (const auto audit = audits_.pop(limits::kTick)) write(*audit);
  }
}

void EventLog::write(const AuditEvent& audit) {
  std::string rule_name;
  {
    const std::lock_guard lock(mutex_);
    const FilterEntry* found = filters_ == nullptr ? nullptr : filters_->find(audit.filter_id);
    if (found != nullptr) rule_name = found->filter.rule_name;
  }
  add(std::string(info(audit.verdict).name), severity_of(audit.verdict), text_of(audit, rule_name),
      fields_of(audit, rule_name));
}

void EventLog::add(const ManualSaLimit& limit) {
  constexpr std::string_view kReasons[] = {"seconds", "kilobytes", "sequence numbers"};
  const std::string_view reason = kReasons[static_cast<std::size_t>(limit.reason)];
  const bool outbound = limit.direction == Direction::kOutbound;
  add(limit.reached ? "manual_sa_ended" : "manual_sa_near_its_end", Severity::kWarning,
      fmt::format(
          "Manual SA {:#010x} {} {}: its {} {}. Nobody renews it: add its successor, with new keys, at both ends",
          limit.spi, outbound ? "to" : "from", limit.peer.to_string(), reason,
          limit.reached ? "are used up, its packets are dropped" : "are nearly used up"),
      {{"spi", fmt::format("{:08x}", limit.spi)},
       {"direction", outbound ? "outbound" : "inbound"},
       {"peer", limit.peer.to_string()},
       {"reason", std::string(reason)}});
}

void EventLog::add(std::string name, Severity severity, std::string text, Fields fields) {
  daemon::log(level_of(severity), name, {{"text", text}});
  Event event{0, daemon::wall_clock_ms(), std::move(name), severity, std::move(text), std::move(fields)};
  publish(std::move(event));
}

void EventLog::publish(Event event) {
  // Under the lock, so that watchers see the numbers in order.
  const std::lock_guard lock(mutex_);
  event.sequence = ++last_sequence_;
  watchers_.publish(event);
}

void EventLog::set_filters(std::shared_ptr<const FilterTable> filters) {
  const std::lock_guard lock(mutex_);
  // The old one is let go of after the lock.
  filters_.swap(filters);
}

}  // namespace ipsec::driver
