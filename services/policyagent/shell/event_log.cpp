#include "services/policyagent/shell/event_log.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

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

// Fields whose values differ although the event says the same.
constexpr std::string_view kPassing[] = {"process", "version"};

bool is_passing(const std::string& field) {
  return std::find(std::begin(kPassing), std::end(kPassing), field) != std::end(kPassing);
}

void replace_all(std::string& text, const std::string& what) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    text.replace(at, what.size(), 1, '*');
  }
}

std::string key_of(const Event& event) {
  std::string text = event.text();
  std::vector<std::string> fields;
  for (const auto& [name, value] : event.fields()) {
    if (is_passing(name)) {
      replace_all(text, value);
    } else {
      fields.push_back(fmt::format("{}={}", name, value));
    }
  }
  std::sort(fields.begin(), fields.end());  // a map has no order
  std::string key = event.source() + '\n' + event.name() + '\n' + text;
  for (const std::string& field : fields) key += '\n' + field;
  return key;
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
  keep(std::move(event));
}

void EventLog::relay(Event event) {
  const std::lock_guard lock(mutex_);
  keep(std::move(event));
}

void EventLog::keep(Event event) {
  watchers_.publish(event);
  std::string key = key_of(event);
  const std::uint64_t count = count_repeat(key, event.wall_clock_ms());
  if (count > limits::kRepeatsKept) {
    const auto before =
        std::find_if(events_.rbegin(), events_.rend(), [&](const Kept& kept) { return kept.key == key; });
    if (before != events_.rend()) events_.erase(std::next(before).base());
    (*event.mutable_fields())["repeated"] = std::to_string(count);
  }
  events_.push_back({std::move(key), std::move(event)});
  if (events_.size() > limits::kEventBacklog) events_.pop_front();
}

std::uint64_t EventLog::count_repeat(const std::string& key, std::int64_t now_ms) {
  const auto is_over = [&](const Repeats& repeats) {
    return std::abs(now_ms - repeats.newest_ms) > limits::kRepeatWindow.count();
  };
  if (repeats_.size() > 2 * limits::kEventBacklog) {
    std::erase_if(repeats_, [&](const auto& entry) { return is_over(entry.second); });
  }
  // So many different ones at once are no repetition.
  if (repeats_.size() > 4 * limits::kEventBacklog) repeats_.clear();
  Repeats& repeats = repeats_[key];
  if (is_over(repeats)) repeats.count = 0;
  repeats.newest_ms = now_ms;
  return ++repeats.count;
}

std::vector<Event> EventLog::newest(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(count, events_.size()));
  std::vector<Event> newest;
  for (auto kept = events_.end() - wanted; kept != events_.end(); ++kept) newest.push_back(kept->event);
  return newest;
}

std::shared_ptr<EventLog::Queue> EventLog::watch(std::size_t backlog) {
  const std::lock_guard lock(mutex_);
  auto queue = watchers_.subscribe();
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(backlog, events_.size()));
  for (auto kept = events_.end() - wanted; kept != events_.end(); ++kept) queue->push(kept->event);
  return queue;
}

}  // namespace ipsec::agent
