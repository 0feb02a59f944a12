#pragma once

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "services/driver/shell/worker_pool.h"

namespace ipsec::driver {

// One thread of a WorkerPool. Everything below "the thread's own" is touched by that thread only; orders reach it
// through a queue and an eventfd.
class WorkerThread {
 public:
  WorkerThread(std::unique_ptr<Worker> worker, TablesPointer tables, const WorkerPool::Functions& functions);
  ~WorkerThread();

  void publish(TablesPointer tables);
  void take_released();
  void add(std::uint32_t nic_index, PortPair ports);
  std::future<PacketTrace> explain(Direction direction, Bytes packet);
  // Ready when the ports are closed.
  std::future<void> remove(std::uint32_t nic_index);

  std::uint64_t lost_to_wire() const { return lost_to_wire_.load(std::memory_order_relaxed); }
  std::uint64_t lost_to_host() const { return lost_to_host_.load(std::memory_order_relaxed); }

 private:
  struct Publish {
    TablesPointer tables;
  };
  struct TakeReleased {};
  struct Add {
    std::uint32_t nic_index;
    PortPair ports;
  };
  struct Remove {
    std::uint32_t nic_index;
    std::promise<void> done;
  };
  struct Explain {
    Direction direction;
    Bytes packet;
    std::promise<PacketTrace> done;
  };
  struct Stop {};
  using Order = std::variant<Publish, TakeReleased, Add, Remove, Explain, Stop>;

  void give(Order order);

  void run();
  void obey_orders();
  void obey(Publish& order) { tables_ = std::move(order.tables); }
  void obey(TakeReleased&);
  void obey(Add& order);
  void obey(Remove& order);
  void obey(Explain& order);
  void obey(Stop&) { stopping_ = true; }
  void watch(std::uint32_t nic_index, bool wire, const PollablePort& port);
  void serve(std::uint64_t key, std::uint32_t readiness);
  void finish(PortPair& ports);
  void send_routed();
  void send_offloaded();

  std::mutex mutex_;
  std::vector<Order> orders_;
  // Set by whoever finished offloaded packets, without the mutex: they never keep this thread from its work.
  std::atomic<bool> offloaded_{false};
  FileDescriptor wake_;

  std::atomic<std::uint64_t> lost_to_wire_{0};
  std::atomic<std::uint64_t> lost_to_host_{0};

  // The thread's own.
  std::unique_ptr<Worker> worker_;
  TablesPointer tables_;
  const WorkerPool::Functions& functions_;
  FileDescriptor poll_;
  std::map<std::uint32_t, PortPair> ports_;  // by NIC index
  Output output_;
  PacketList single_;
  std::vector<Order> in_hand_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ipsec::driver
