#include "services/driver/shell/packet_traces.h"

#include <utility>

#include "services/common/daemon/clock.h"
#include "services/driver/shell/limits.h"

namespace ipsec::driver {

std::shared_ptr<TraceQueue> PacketTraces::open(std::uint32_t count) {
  auto queue = std::make_shared<TraceQueue>(limits::kTraceQueue);
  const std::lock_guard lock(mutex_);
  if (current_) current_->close();
  current_ = queue;
  left_ = count;
  return queue;
}

void PacketTraces::push(PacketTrace trace) {
  TracedPacket traced = named(std::move(trace));
  const std::lock_guard lock(mutex_);
  if (!current_ || left_ == 0) return;
  current_->push(std::move(traced));
  if (--left_ == 0) current_->close();
}

bool PacketTraces::close(const std::shared_ptr<TraceQueue>& queue) {
  const std::lock_guard lock(mutex_);
  if (current_ != queue) return false;
  current_ = nullptr;
  return true;
}

void PacketTraces::close() {
  const std::lock_guard lock(mutex_);
  if (current_) current_->close();
}

void PacketTraces::set_filters(std::shared_ptr<const FilterTable> filters) {
  const std::lock_guard lock(mutex_);
  filters_ = std::move(filters);
}

TracedPacket PacketTraces::named(PacketTrace trace) {
  const std::lock_guard lock(mutex_);
  const FilterEntry* entry = filters_ == nullptr ? nullptr : filters_->find(trace.filter_id);
  return {std::move(trace), entry == nullptr ? std::string() : entry->filter.rule_name, daemon::wall_clock_ms()};
}

}  // namespace ipsec::driver
