#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "services/common/address.h"
#include "services/driver/core/tables.h"
#include "services/driver/core/worker.h"
#include "services/driver/shell/attachment.h"

namespace ipsec::driver {

class WorkerThread;

// The threads of the data path. Each has one worker of the core and one queue of every attached NIC, sleeps until a
// packet or an order comes, and takes a new snapshot of the tables before its next batch. All members are safe from any
// thread; none may be called by a worker thread (from one of the functions below).
class WorkerPool {
 public:
  struct Functions {
    // What a batch gave rise to. Called by the worker threads; must not block.
    std::function<void(const std::vector<DriverEvent>& events)> on_events;
    // The interface by which a packet to this address leaves; 0: none. A packet that waited for its SA no longer
    // knows its NIC. Asked only while several are attached.
    std::function<std::uint32_t(const IpAddress& destination)> route;
  };

  WorkerPool(std::vector<std::unique_ptr<Worker>> workers, const TablesPointer& tables, Functions functions);
  // Ends the threads and closes their ports.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  unsigned size() const { return static_cast<unsigned>(threads_.size()); }

  // The snapshot for all batches that begin from now on. Idle workers are woken, so that the old one is released soon.
  void publish(const TablesPointer& tables);
  // What would become of a packet of this direction now; waits for a worker to say it.
  PacketTrace explain(Direction direction, Bytes packet);
  // Packets wait in the core for Worker::process_released().
  void wake_for_released();

  // One pair of ports for each worker.
  void add(std::uint32_t nic_index, std::vector<PortPair> ports);
  // Returns when no worker uses the ports of this NIC any more; they are closed.
  void remove(std::uint32_t nic_index);

  // Packets that a port did not take.
  std::uint64_t lost_to_wire() const;
  std::uint64_t lost_to_host() const;

 private:
  const Functions functions_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;
};

}  // namespace ipsec::driver
