#include "services/driver/shell/worker_thread.h"

#include <array>
#include <cassert>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "services/common/daemon/clock.h"
#include "services/driver/shell/limits.h"

namespace ipsec::driver {
namespace {

constexpr std::uint64_t kWakeKey = 0;  // no NIC has index 0
constexpr std::size_t kEventsAtOnce = 16;
// Of packets that no longer know their NIC; others have its index.
constexpr std::uint64_t kRoutedPort = 0;

std::uint64_t port_key(std::uint32_t nic_index, bool wire) {
  return (static_cast<std::uint64_t>(nic_index) << 1) | (wire ? 1U : 0U);
}

// Of a packet that this process made, so it is sound.
IpAddress destination_of(ByteView header) {
  const bool is_v4 = (header[0] >> 4) == 4;
  return IpAddress::from_bytes(is_v4 ? header.subspan(16, 4) : header.subspan(24, 16));
}

}  // namespace

WorkerThread::WorkerThread(std::unique_ptr<Worker> worker, TablesPointer tables, const WorkerPool::Functions& functions)
    : wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      worker_(std::move(worker)),
      tables_(std::move(tables)),
      functions_(functions),
      poll_(epoll_create1(EPOLL_CLOEXEC)) {
  assert(wake_.is_open() && poll_.is_open());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  epoll_ctl(poll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  worker_->on_offloaded([this] {
    offloaded_.store(true, std::memory_order_release);
    eventfd_write(wake_.get(), 1);
  });
  thread_ = std::thread([this] { run(); });
}

WorkerThread::~WorkerThread() {
  give(Stop{});
  thread_.join();
}

void WorkerThread::publish(TablesPointer tables) { give(Publish{std::move(tables)}); }
void WorkerThread::take_released() { give(TakeReleased{}); }
void WorkerThread::add(std::uint32_t nic_index, PortPair ports) { give(Add{nic_index, std::move(ports)}); }

std::future<void> WorkerThread::remove(std::uint32_t nic_index) {
  Remove order{nic_index, {}};
  std::future<void> done = order.done.get_future();
  give(std::move(order));
  return done;
}

std::future<PacketTrace> WorkerThread::explain(Direction direction, Bytes packet) {
  Explain order{direction, std::move(packet), {}};
  std::future<PacketTrace> done = order.done.get_future();
  give(std::move(order));
  return done;
}

void WorkerThread::give(Order order) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
  }
  // An eventfd refuses only when its counter is full, and then the thread is about to wake anyway.
  eventfd_write(wake_.get(), 1);
}

void WorkerThread::run() {
  std::array<epoll_event, kEventsAtOnce> events;
  Timestamp next_tick = daemon::monotonic_now() + limits::kTick;
  while (!stopping_) {
    const int count = epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(limits::kTick.count()));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWakeKey) {
        obey_orders();
      } else {
        serve(event.data.u64, event.events);
      }
    }
    const Timestamp now = daemon::monotonic_now();
    if (now < next_tick) continue;
    worker_->tick(now);
    if (worker_->has_offloaded()) send_offloaded();
    next_tick = now + limits::kTick;
  }
}

void WorkerThread::obey_orders() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
  {
    const std::lock_guard lock(mutex_);
    in_hand_.swap(orders_);
  }
  for (Order& order : in_hand_) {
    std::visit([this](auto& each) { obey(each); }, order);
  }
  in_hand_.clear();
  if (offloaded_.exchange(false, std::memory_order_acquire)) send_offloaded();
}

void WorkerThread::obey(Add& order) {
  PortPair& ports = ports_[order.nic_index] = std::move(order.ports);
  watch(order.nic_index, false, *ports.host);
  watch(order.nic_index, true, *ports.wire);
}

// Closing a port takes it out of the epoll set.
void WorkerThread::obey(Remove& order) {
  ports_.erase(order.nic_index);
  order.done.set_value();
}

void WorkerThread::obey(Explain& order) {
  order.done.set_value(worker_->explain(order.direction, {order.packet, {}}, *tables_, daemon::monotonic_now()));
}

void WorkerThread::watch(std::uint32_t nic_index, bool wire, const PollablePort& port) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = port_key(nic_index, wire);
  epoll_ctl(poll_.get(), EPOLL_CTL_ADD, port.descriptor(), &event);
}

void WorkerThread::serve(std::uint64_t key, std::uint32_t readiness) {
  const auto found = ports_.find(static_cast<std::uint32_t>(key >> 1));
  // Removed by an order of the same round.
  if (found == ports_.end()) return;
  PortPair& ports = found->second;
  const bool from_wire = (key & 1) != 0;
  PollablePort& port = from_wire ? *ports.wire : *ports.host;
  const std::span<Packet> packets = port.receive();
  if (packets.empty()) {
    // The device was deleted under us: never readable again, always ready.
    if ((readiness & (EPOLLERR | EPOLLHUP)) != 0) epoll_ctl(poll_.get(), EPOLL_CTL_DEL, port.descriptor(), nullptr);
    return;
  }
  output_.clear();
  output_.port = found->first;
  const Timestamp now = daemon::monotonic_now();
  if (from_wire) {
    worker_->process_inbound(packets, *tables_, now, output_);
  } else {
    worker_->process_outbound(packets, *tables_, now, output_);
  }
  finish(ports);
}

void WorkerThread::finish(PortPair& ports) {
  if (!output_.to_wire.empty()) {
    lost_to_wire_.fetch_add(output_.to_wire.size() - ports.wire->send(output_.to_wire), std::memory_order_relaxed);
  }
  if (!output_.to_host.empty()) {
    lost_to_host_.fetch_add(output_.to_host.size() - ports.host->send(output_.to_host), std::memory_order_relaxed);
  }
  if (!output_.events.empty()) functions_.on_events(output_.events);
}

void WorkerThread::obey(TakeReleased&) {
  output_.clear();
  output_.port = ports_.size() == 1 ? ports_.begin()->first : kRoutedPort;
  worker_->process_released(*tables_, daemon::monotonic_now(), output_);
  if (output_.port == kRoutedPort) {
    send_routed();
  } else {
    finish(ports_.begin()->second);
  }
}

void WorkerThread::send_offloaded() {
  for (;;) {
    output_.clear();
    if (!worker_->process_offloaded(*tables_, daemon::monotonic_now(), output_)) return;
    const auto ports = ports_.find(static_cast<std::uint32_t>(output_.port));
    if (ports == ports_.end()) {  // or the NIC is gone, and with it the route
      send_routed();
    } else {
      finish(ports->second);
    }
  }
}

void WorkerThread::send_routed() {
  for (std::size_t i = 0; i < output_.to_wire.size(); ++i) {
    const PacketList::Entry packet = output_.to_wire[i];
    const auto ports = ports_.find(functions_.route(destination_of(packet.pieces.front())));
    single_.clear();
    single_.add(packet.pieces, packet.offload);
    const std::size_t sent = ports == ports_.end() ? 0 : ports->second.wire->send(single_);
    lost_to_wire_.fetch_add(1 - sent, std::memory_order_relaxed);
  }
  // Answers to the host's own sender may come by any NIC.
  if (!output_.to_host.empty()) {
    const std::size_t sent = ports_.empty() ? 0 : ports_.begin()->second.host->send(output_.to_host);
    lost_to_host_.fetch_add(output_.to_host.size() - sent, std::memory_order_relaxed);
  }
  if (!output_.events.empty()) functions_.on_events(output_.events);
}

}  // namespace ipsec::driver
