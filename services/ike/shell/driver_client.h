#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "services/ike/core/actions.h"
#include "services/ike/core/events.h"

namespace ipsec::ike {

// What the engine asks of the driver.
using DriverCall = std::variant<ReserveSpi, InstallSa, DeleteSa, MovePeer, AcquireFailed>;

// The driver behind its socket. Tries for ever to reach it and begins anew when it comes back. Calls are made one after
// the other in the order submitted; each ReserveSpi and InstallSa is answered by one event, except where
// DriverRestarted says that nothing of before will be answered.
class DriverClient {
 public:
  // Both are called on threads of the client, never after its destruction.
  struct Receiver {
    std::function<void(Event)> event;
    // The connection is made or lost.
    std::function<void(bool connected)> connection;
    // Something an administrator should know about the driver.
    std::function<void(ReportEvent)> report;
  };

  DriverClient(std::string socket_path, Receiver receiver);
  ~DriverClient();
  DriverClient(const DriverClient&) = delete;
  DriverClient& operator=(const DriverClient&) = delete;

  // From any thread.
  void submit(DriverCall call);
  // Waits until everything submitted has been done, at most `patience`.
  void finish(std::chrono::milliseconds patience);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ipsec::ike
