#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/daemon_clients.h"
#include "services/policyagent/shell/event_log.h"

namespace ipsec::agent {

// The default response rule at work: takes IKE's requests to the agent, tells IKE what the agent does not grant, and
// looks from time to time which dynamic filters the driver has SAs for, so that the idle ones go (DR-08, DR-11). Two
// threads.
class DefaultResponder {
 public:
  // All must outlive it.
  DefaultResponder(Agent& agent, IkeClient& ike, DriverClient& driver, EventLog& events);
  // Like stop(), and waits.
  ~DefaultResponder();
  DefaultResponder(const DefaultResponder&) = delete;
  DefaultResponder& operator=(const DefaultResponder&) = delete;

  // Nothing is begun any more; the clients' cancel() ends what is under way. Returns at once.
  void stop();

 private:
  void answer_requests();
  void watch_use();
  bool answer(const policyagent::v1::IkeRequest& request);
  // False: it is stopping.
  bool pause(std::chrono::milliseconds duration);

  Agent& agent_;
  IkeClient& ike_;
  DriverClient& driver_;
  EventLog& events_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;

  std::thread answering_;
  std::thread watching_;
};

}  // namespace ipsec::agent
