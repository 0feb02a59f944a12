#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "services/driver/core/arena.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/offload_capabilities.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/sa.h"
#include "services/driver/crypto/esp_engine.h"

// ESP cryptography by somebody else than the worker, such as a network card or other cores (seed rows OFF-01 to
// OFF-07). A provider says what it can when an interface binds; is told of SAs and answers later; takes packets with
// blank fields and gives each a status. Whatever it does, a packet leaves protected or not at all.
namespace ipsec::driver {

// Why packets of the SA, or this one, cannot be offloaded; empty: they can. On the way out `packet` is the one to be
// protected, on the way in the protected one.
std::string_view why_not_offloaded(const OffloadCapabilities& capabilities, const Sa& sa);
std::string_view why_not_offloaded(const OffloadCapabilities& capabilities, const Sa& sa, const PacketView& packet);

// How a worker that may sleep hears of finished work.
struct OffloadWake {
  std::atomic<bool> wanted{false};
  std::function<void()> call;  // set before the first work; may come from any thread
};

// Up to limits::kOffloadPackets packets in memory of their own. Made and reused by a worker; a provider has it between
// submit() and finish().
class OffloadWork {
 public:
  explicit OffloadWork(std::shared_ptr<OffloadWake> wake) : wake_(std::move(wake)) {}

  // For the provider, once it has taken the work: what EspEngine::seal (kOutbound) or open (kInbound) would do. The
  // jobs' verdicts are the packets' statuses; one that is still kPending afterwards was not done.
  Direction direction = Direction::kOutbound;
  std::vector<EspJob> jobs;

  // True for one caller, who then does it: work may be offered to several threads, and a worker does itself what nobody
  // has begun.
  bool take() {
    State expected = State::kWaiting;
    return state_.compare_exchange_strong(expected, State::kTaken, std::memory_order_acq_rel);
  }
  // By whoever took it: the jobs, with an engine of the caller's.
  void run(EspEngine& engine);
  // By whoever took it, when the verdicts are there. Nothing of the work may be touched afterwards.
  void finish();

  // For the worker that owns it.
  void begin(Direction towards);
  void offer() { state_.store(State::kWaiting, std::memory_order_release); }
  // Sequentially consistent, for whoever says first that it wants to be woken and then looks (OffloadWake).
  bool is_done() const { return state_.load(std::memory_order_seq_cst) == State::kDone; }
  // After this whoever still works on it does so for nothing. False: it is done after all.
  bool give_up() {
    State expected = State::kTaken;
    return state_.compare_exchange_strong(expected, State::kGivenUp, std::memory_order_acq_rel);
  }
  MutableByteView allocate(std::size_t size) {
    octets_ += size;
    return arena_.allocate(size);
  }
  std::size_t octets() const { return octets_; }
  // Keeps the SA, whose keys the jobs name.
  void keep(const Sa& sa);
  const std::vector<std::shared_ptr<Sa>>& sas() const { return sas_; }
  // Lets go of SAs and their keys until the work is used again.
  void forget() {
    jobs.clear();
    sas_.clear();
  }

 private:
  enum class State : std::uint8_t { kFilling, kWaiting, kTaken, kDone, kGivenUp };

  Arena arena_;
  std::size_t octets_ = 0;
  std::vector<std::shared_ptr<Sa>> sas_;
  std::shared_ptr<OffloadWake> wake_;
  std::atomic<State> state_{State::kFilling};
};
using OffloadWorkPointer = std::shared_ptr<OffloadWork>;

// Safe from any thread; no call blocks. Outlives the workers.
class OffloadProvider {
 public:
  virtual ~OffloadProvider() = default;
  // Asked when the driver binds to an interface (OFF-01).
  virtual OffloadCapabilities capabilities(std::string_view interface) = 0;
  // OUT-17. The answer comes later, by Sa::set_offload(): kActive, kFailed, or kNone to be asked again. Until then
  // packets go through software (OFF-05).
  virtual void add_sa(const std::shared_ptr<Sa>& sa) = 0;
  // Works are done in any order; the worker puts them in order again. False: no room; the worker does it itself.
  virtual bool submit(const OffloadWorkPointer& work) = 0;
};

}  // namespace ipsec::driver
