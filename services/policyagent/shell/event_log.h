#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/common.pb.h"
#include "services/common/rpc/event_queue.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

using EventFields = std::vector<std::pair<std::string, std::string>>;

// The newest events of all three services, in the order in which they came to the agent, for listings and watchers; the
// agent's own also go to the process's log (driver and IKE write theirs themselves). What says the same again and
// again, such as a daemon that keeps dying, takes the place of its predecessor and counts in the field "repeated", so
// that it cannot push everything else out. Watchers get every event. Safe from any thread.
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
  struct Kept {
    std::string key;  // equal for events that say the same
    Event event;
  };
  struct Repeats {
    std::uint64_t count = 0;
    std::int64_t newest_ms = 0;
  };
  // These require the lock.
  void keep(Event event);
  std::uint64_t count_repeat(const std::string& key, std::int64_t now_ms);

  mutable std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;
  std::deque<Kept> events_;
  std::unordered_map<std::string, Repeats> repeats_;
  rpc::EventBroadcaster<Event> watchers_;
};

}  // namespace ipsec::agent
