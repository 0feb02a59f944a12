#include "services/policyagent/shell/event_log.h"

#include <algorithm>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/logging.h"
#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {
namespace {

using policyagent::v1::Event;

Event::Severity to_proto(Severity severity) {
  switch (severity) {
    case Severity::kInformation:
      return Event::SEVERITY_INFORMATION;
    case Severity::kWarning:
      return Event::SEVERITY_WARNING;
    case Severity::kError:
      break;
  }
  return Event::SEVERITY_ERROR;
}

daemon::LogLevel log_level(Severity severity) {
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

void write_log(Severity severity, std::string_view name, const std::string& text, const EventFields& fields) {
  std::vector<daemon::LogField> line;
  for (const auto& [key, value] : fields) line.emplace_back(key, value);
  line.emplace_back("text", text);
  daemon::log(log_level(severity), name, line);
}

}  // namespace

EventLog::EventLog() : watchers_(limits::kEventQueue) {}

void EventLog::add(Severity severity, std::string_view name, const std::string& text, const EventFields& fields) {
  write_log(severity, name, text, fields);
  Event event;
  event.set_wall_clock_ms(daemon::wall_clock_ms());
  event.set_source("policyagent");
  event.set_name(std::string(name));
  event.set_severity(to_proto(severity));
  event.set_text(text);
  for (const auto& [key, value] : fields) (*event.mutable_fields())[key] = value;
  const std::lock_guard lock(mutex_);
  event.set_sequence(++last_sequence_);
  watchers_.publish(event);
  events_.push_back(std::move(event));
  if (events_.size() > limits::kEventBacklog) events_.pop_front();
}

void EventLog::relay(Event event) {
  const std::lock_guard lock(mutex_);
  watchers_.publish(event);
  events_.push_back(std::move(event));
  if (events_.size() > limits::kEventBacklog) events_.pop_front();
}

std::vector<Event> EventLog::newest(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(count, events_.size()));
  return {events_.end() - wanted, events_.end()};
}

std::shared_ptr<EventLog::Queue> EventLog::watch(std::size_t backlog) {
  const std::lock_guard lock(mutex_);
  auto queue = watchers_.subscribe();
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(backlog, events_.size()));
  for (auto event = events_.end() - wanted; event != events_.end(); ++event) queue->push(*event);
  return queue;
}

}  // namespace ipsec::agent
