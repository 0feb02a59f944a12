#include "services/driver/core/look_aside.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {

LookAside::LookAside() : sas_(limits::kOffloadRequests), works_(limits::kOffloadQueue) {}

OffloadCapabilities LookAside::capabilities(std::string_view) {
  OffloadCapabilities all;
  all.provider = "look-aside";
  all.ciphers = all.integrities = ~std::uint32_t{0};
  all.tunnel = all.udp_encapsulation = all.extended_sequence = all.ip_options = all.transport_over_tunnel = true;
  return all;
}

void LookAside::add_sa(const std::shared_ptr<Sa>& sa) {
  if (sas_.push(std::shared_ptr<Sa>(sa))) return ring();
  sa->set_offload(OffloadState::kNone);  // the next packet asks again
}

bool LookAside::submit(const OffloadWorkPointer& work) {
  const bool taken = works_.push(OffloadWorkPointer(work));
  if (taken) ring();
  return taken;
}

bool LookAside::help(EspEngine& engine) {
  bool anything = false;
  for (std::shared_ptr<Sa> sa; sas_.pop(sa); anything = true) sa->set_offload(OffloadState::kActive);
  for (OffloadWorkPointer work; works_.pop(work); anything = true) {
    if (!work->take()) continue;  // the worker was faster
    work->run(engine);
    work->finish();
    return true;
  }
  return anything;
}

void LookAside::stop() {
  stopped_.store(true, std::memory_order_release);
  rings_.fetch_add(1, std::memory_order_release);
  rings_.notify_all();
}

void LookAside::ring() {
  rings_.fetch_add(1, std::memory_order_release);
  rings_.notify_one();
}

}  // namespace ipsec::driver
