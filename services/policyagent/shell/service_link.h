#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "services/policyagent/shell/event_log.h"
#include "services/policyagent/shell/service_client.h"

namespace ipsec::agent {

// Keeps one service supplied with the policy in force, and brings its events. After every (re)connect the whole policy
// is sent with its version, whatever the service had before; from then on only the difference to what the service has
// confirmed, and the whole again where it disagrees about that. A policy that the service refuses is not sent again
// until the next one or the next connection. Two threads: one sends, one reads events and so notices the service's end.
class ServiceLink {
 public:
  // `client` and `events` must outlive the link. `version_seen` is told, on connecting, the version in force at the
  // service: an agent that has started again must go on above it, because older ones are refused there. It may call
  // publish().
  ServiceLink(ServiceClient& client, EventLog& events, std::function<void(std::uint64_t)> version_seen);
  // Like stop(), and waits.
  ~ServiceLink();
  ServiceLink(const ServiceLink&) = delete;
  ServiceLink& operator=(const ServiceLink&) = delete;

  // From now on the service shall have this policy. Returns at once.
  void publish(PolicyPointer policy);

  struct State {
    bool connected = false;
    std::uint64_t acknowledged_version = 0;  // 0: nothing on this connection yet
  };
  State state() const;

  // Nothing is begun any more, and no end of the connection reported. Returns at once; the destructor waits for a call
  // under way.
  void stop();

 private:
  void watch();
  void send();
  void set_connected(bool connected);
  void send_once(const PolicyPointer& policy, std::uint64_t connection);
  bool work_waits() const;
  void report(const Status& status, std::uint64_t version);

  ServiceClient& client_;
  EventLog& events_;
  const std::function<void(std::uint64_t)> version_seen_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  PolicyPointer wanted_;
  PolicyPointer confirmed_;       // what the service has, on this connection; null: not known
  std::uint64_t connection_ = 0;  // counts connections; 0: none yet
  bool connected_ = false;
  std::uint64_t settled_connection_ = 0;  // of the last send that was answered with yes or no
  std::uint64_t settled_version_ = 0;
  std::string last_complaint_;
  bool stopping_ = false;

  std::thread watcher_;
  std::thread sender_;
};

}  // namespace ipsec::agent
