#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "services/common/rpc/event_queue.h"
#include "services/driver/core/events.h"
#include "services/driver/core/filter_table.h"

namespace ipsec::driver {

enum class Severity : std::uint8_t { kInformation, kWarning, kError };

// Message Event of proto/common.proto.
struct Event {
  std::uint64_t sequence = 0;
  std::int64_t wall_clock_ms = 0;
  std::string name;
  Severity severity = Severity::kInformation;
  std::string text;
  std::vector<std::pair<std::string, std::string>> fields;
};

// Audit events of the packet path and what befalls the driver itself, with numbers, time and names, for the log and any
// number of watchers. All members are safe from any thread.
class EventLog {
 public:
  EventLog();
  ~EventLog();

  // Does not wait for the log: a thread of this object writes it. When too many wait, the oldest are left out.
  void add(const AuditEvent& audit) { audits_.push(audit); }
  void add(const ManualSaLimit& limit);
  void add(std::string name, Severity severity, std::string text,
           std::vector<std::pair<std::string, std::string>> fields = {});

  // The rules that audit events are to name.
  void set_filters(std::shared_ptr<const FilterTable> filters);

  // From now on; the watcher leaves by letting go of the queue.
  std::shared_ptr<rpc::EventQueue<Event>> watch() { return watchers_.subscribe(); }
  // Ends all watching.
  void close() { watchers_.close(); }

 private:
  void write_audits();
  void write(const AuditEvent& audit);
  void publish(Event event);

  std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;
  std::shared_ptr<const FilterTable> filters_;  // null before the first policy
  rpc::EventBroadcaster<Event> watchers_;
  rpc::EventQueue<AuditEvent> audits_;
  std::thread writer_;  // last: it uses all of the above
};

}  // namespace ipsec::driver
