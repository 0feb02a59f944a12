#include "services/driver/shell/worker_pool.h"

#include <cassert>
#include <future>

#include "services/driver/shell/worker_thread.h"

namespace ipsec::driver {

WorkerPool::WorkerPool(std::vector<std::unique_ptr<Worker>> workers, const TablesPointer& tables, Functions functions)
    : functions_(std::move(functions)) {
  for (auto& worker : workers) {
    threads_.push_back(std::make_unique<WorkerThread>(std::move(worker), tables, functions_));
  }
}

WorkerPool::~WorkerPool() = default;

void WorkerPool::publish(const TablesPointer& tables) {
  for (auto& thread : threads_) thread->publish(tables);
}

void WorkerPool::wake_for_released() { threads_.front()->take_released(); }

PacketTrace WorkerPool::explain(Direction direction, Bytes packet) {
  return threads_.front()->explain(direction, std::move(packet)).get();
}

void WorkerPool::add(std::uint32_t nic_index, std::vector<PortPair> ports) {
  assert(ports.size() == threads_.size());
  for (std::size_t i = 0; i < threads_.size(); ++i) threads_[i]->add(nic_index, std::move(ports[i]));
}

void WorkerPool::remove(std::uint32_t nic_index) {
  std::vector<std::future<void>> done;
  for (auto& thread : threads_) done.push_back(thread->remove(nic_index));
  for (auto& each : done) each.wait();
}

std::uint64_t WorkerPool::lost_to_wire() const {
  std::uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->lost_to_wire();
  return sum;
}

std::uint64_t WorkerPool::lost_to_host() const {
  std::uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->lost_to_host();
  return sum;
}

}  // namespace ipsec::driver
