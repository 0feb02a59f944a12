#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "services/policyagent/core/manual_sa.h"
#include "services/policyagent/shell/daemon_clients.h"
#include "services/policyagent/shell/event_log.h"
#include "store/problem.h"

namespace ipsec::agent {

// The manual SAs of this host: in memory, with their keys, until they are deleted or the agent ends. The driver has
// them from the moment they are added; while there are any, it is asked from time to time how far they have come, and a
// driver that does not have one, because it is another process, gets it again where it was. Those of an agent before
// this one go on in the driver, but their keys are gone: when it loses them that is an event. Methods are safe from any
// thread.
class ManualSas {
 public:
  // Both must outlive it.
  ManualSas(DriverClient& driver, EventLog& events);
  // Like stop(), and waits.
  ~ManualSas();
  ManualSas(const ManualSas&) = delete;
  ManualSas& operator=(const ManualSas&) = delete;

  // kUnavailable: the driver does not answer; nothing is kept, and if it has taken the SA after all that is taken back
  // as soon as it answers. Problems: nothing is kept either.
  Result<store::Problems> add(ManualSa sa);
  // Those with this SPI, either of a bundle's (0: all), and this peer (nullptr: any), also such as only the driver
  // knows. How many there were.
  Result<std::uint32_t> remove(std::uint32_t spi, const IpAddress* peer);
  // The driver may be another one now: it is looked at soon. Returns at once.
  void driver_connected();
  void stop();

 private:
  struct Entry {
    ManualSa sa;
    ManualSaUse use;
  };

  void watch();
  void wake();
  void synchronise(bool is_new_driver);
  void take_back_unwanted();
  void look_after_adopted(const policyagent::v1::ListSasReply& listed, bool is_new_driver);
  bool give_again(Entry& entry);

  DriverClient& driver_;
  EventLog& events_;

  std::mutex entries_mutex_;  // held during calls of the driver: one change at a time
  std::list<Entry> entries_;
  std::vector<policyagent::v1::Sa> adopted_;   // of an agent before this one; without keys
  std::vector<policyagent::v1::Sa> unwanted_;  // perhaps in the driver, and must not be

  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_any_ = false;  // of the three above
  bool look_now_ = false;
  bool stopping_ = false;

  std::thread watcher_;
};

}  // namespace ipsec::agent
