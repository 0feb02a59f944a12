#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "services/common/rpc/event_queue.h"
#include "services/driver/core/filter_table.h"
#include "services/driver/core/trace.h"

namespace ipsec::driver {

struct TracedPacket {
  PacketTrace trace;
  std::string rule_name;  // of the filter that decided
  std::int64_t wall_clock_ms = 0;
};
using TraceQueue = rpc::EventQueue<TracedPacket>;

// Traces on their way to the one stream that reads them. All members are safe from any thread.
class PacketTraces {
 public:
  // A queue for `count` traces, which closes after the last; ends the one before.
  std::shared_ptr<TraceQueue> open(std::uint32_t count);
  void push(PacketTrace trace);
  // Whether `queue` is still the one in use; it is none after this.
  bool close(const std::shared_ptr<TraceQueue>& queue);
  void close();

  // The rules that traces are to name.
  void set_filters(std::shared_ptr<const FilterTable> filters);
  TracedPacket named(PacketTrace trace);

 private:
  std::mutex mutex_;
  std::shared_ptr<TraceQueue> current_;
  std::uint32_t left_ = 0;
  std::shared_ptr<const FilterTable> filters_;  // null before the first policy
};

}  // namespace ipsec::driver
