#pragma once

#include <atomic>
#include <cstdint>

#include "services/driver/core/bounded_queue.h"
#include "services/driver/core/offload.h"

namespace ipsec::driver {

// The provider that ships with the driver: other cores. Threads of the shell call help() in a loop; so do tests, one
// step at a time. The packets of one SA are spread over all of them and over the worker that has them, which keeps
// their order. What nobody helps with the worker does itself, so nothing depends on the helpers.
class LookAside final : public OffloadProvider {
 public:
  LookAside();

  OffloadCapabilities capabilities(std::string_view interface) override;
  void add_sa(const std::shared_ptr<Sa>& sa) override;
  bool submit(const OffloadWorkPointer& work) override;

  // For a helper: answers for SAs, then does one work with its engine. False: there was nothing.
  bool help(EspEngine& engine);
  // Changes when there is something new to help with, or stop(). Read it before help(), which may come too early.
  std::uint32_t ticket() const { return rings_.load(std::memory_order_acquire); }
  // Sleeps until ticket() is another.
  void wait(std::uint32_t ticket) const { rings_.wait(ticket, std::memory_order_acquire); }
  void stop();
  bool is_stopped() const { return stopped_.load(std::memory_order_acquire); }

 private:
  void ring();

  BoundedQueue<std::shared_ptr<Sa>> sas_;
  BoundedQueue<OffloadWorkPointer> works_;
  std::atomic<std::uint32_t> rings_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace ipsec::driver
