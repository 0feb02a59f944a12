#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/common.pb.h"
#include "services/common/rpc/event_queue.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

using EventFields = std::vector<std::pair<std::string, std::string>>;

// The newest events of all three services, in the order in which they came to the agent, for listings and watchers; the
// agent's own also go to the process's log (driver and IKE write theirs themselves). Safe from any thread.
class EventLog {
 public:
  using Event = policyagent::v1::Event;
  using Queue = rpc::EventQueue<Event>;

  EventLog();

  // An event of the agent. `name` is stable, lower case with underscores; no secrets anywhere.
  void add(Severity severity, std::string_view name, const std::string& text, const EventFields& fields = {});
  // An event of driver or IKE, kept as it is.
  void relay(Event event);

  // At most `count`, oldest first.
  std::vector<Event> newest(std::size_t count) const;
  // First up to `backlog` of the newest, then everything that comes, without gap or repetition.
  std::shared_ptr<Queue> watch(std::size_t backlog);
  // Ends all watching.
  void close() { watchers_.close(); }

 private:
  mutable std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;
  std::deque<Event> events_;
  rpc::EventBroadcaster<Event> watchers_;
};

}  // namespace ipsec::agent
