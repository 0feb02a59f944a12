#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/selector.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/verdict.h"

// The way of one packet through the documented sequences (seed rows OUT-01 to OUT-19, IN-01 to IN-25), told step by
// step.
namespace ipsec::driver {

// X(step, id of the documented step or empty, what it asks), in the order of the sequences.
// clang-format off
#define IPSEC_DRIVER_STEPS(X) \
  X(kOutGiven,        "OUT-01", "the stack gives the packet") \
  X(kOutIsakmp,       "OUT-02", "is it ISAKMP or exempt") \
  X(kOutFilter,       "OUT-03", "find the filter") \
  X(kOutSa,           "OUT-04", "find the SA") \
  X(kOutAcquire,      "OUT-05", "ask IKE for an SA") \
  X(kOutAgain,        "OUT-06", "IKE has told of an SA: look it up again") \
  X(kOutFailed,       "OUT-07", "the negotiation has failed") \
  X(kOutAction,       "OUT-08", "what the filter says") \
  X(kOutUsed,         "OUT-09", "the SA's time of use is noted") \
  X(kOutRekey,        "OUT-10", "is the SA about to expire") \
  X(kOutExpired,      "OUT-11", "has the SA expired") \
  X(kOutSize,         "OUT-12", "does it fit with the headers of the SA") \
  X(kOutTooBig,       "OUT-13", "too large: the stack is told") \
  X(kOutHeaders,      "OUT-14", "build the headers") \
  X(kOutOffload,      "OUT-15", "can the SA be offloaded, and is it already") \
  X(kOutOffloaded,    "OUT-16", "offloaded: marked and sent with blank fields") \
  X(kOutOffloadAdd,   "OUT-17", "not yet: the interface is told to add the SA") \
  X(kOutCrypto,       "OUT-18", "sign and encrypt") \
  X(kOutSent,         "OUT-19", "to the wire") \
  X(kInGiven,         "IN-01",  "the packet arrives") \
  X(kInIsakmp,        "IN-02",  "is it ISAKMP or exempt") \
  X(kInOffload,       "IN-03",  "did the provider of offload process it") \
  X(kInOffloadFailed, "IN-04",  "it did and failed") \
  X(kInParse,         "IN-05",  "look for AH and ESP") \
  X(kInFilter,        "IN-06",  "clear: find the filter") \
  X(kInNoFilter,      "IN-07",  "no filter: passes") \
  X(kInClearSa,       "IN-08",  "find the SA of such packets") \
  X(kInPermitFilter,  "IN-09",  "no SA: does the filter permit clear packets") \
  X(kInPermitted,     "IN-10",  "permitted: passes") \
  X(kInRefused,       "IN-11",  "not permitted") \
  X(kInSoft,          "IN-12",  "is the SA soft") \
  X(kInSoftPasses,    "IN-13",  "soft: passes") \
  X(kInNotSoft,       "IN-14",  "clear although there is an SA") \
  X(kInSpi,           "IN-15",  "take the SPI") \
  X(kInLookUp,        "IN-16",  "find the SA of the SPI") \
  X(kInBadSpi,        "IN-17",  "unknown SPI") \
  X(kInUsed,          "IN-18",  "the SA's time of use is noted") \
  X(kInOffloaded,     "IN-19",  "was its cryptography offloaded") \
  X(kInCrypto,        "IN-20",  "verify and decrypt") \
  X(kInCryptoFailed,  "IN-21",  "not authentic or not readable") \
  X(kInRemove,        "IN-22",  "remove the headers") \
  X(kInTunnel,        "IN-23",  "tunnel: the inner packet is taken as newly received") \
  X(kInDelivered,     "IN-24",  "to the stack") \
  X(kFragment,        "",       "a fragment") \
  X(kBoot,            "",       "no policy yet: the boot mode decides")
// clang-format on

enum class Step : std::uint8_t {
#define IPSEC_DRIVER_STEP_ENUMERATOR(id, row, text) id,
  IPSEC_DRIVER_STEPS(IPSEC_DRIVER_STEP_ENUMERATOR)
#undef IPSEC_DRIVER_STEP_ENUMERATOR
};
struct StepInfo {
  std::string_view row;
  std::string_view text;
};
const StepInfo& info(Step step);

struct PacketTrace {
  struct Entry {
    Step step{};
    std::string found;  // may be empty
  };
  Direction direction = Direction::kOutbound;
  FiveTuple packet;
  std::size_t size = 0;
  std::vector<Entry> steps;
  std::optional<Verdict> verdict;  // nullopt: it waits for an SA, or for the other fragments
  std::uint64_t filter_id = 0;
  std::uint32_t spi = 0;
};

// Notes a step of a packet that is traced; `found` is a function that makes the text. Untraced packets cost the test of
// a pointer.
template <typename Found>
inline void note(PacketTrace* trace, Step step, Found found) {
  if (trace != nullptr) [[unlikely]]
    trace->steps.push_back({step, found()});
}
inline void note(PacketTrace* trace, Step step) {
  if (trace != nullptr) [[unlikely]]
    trace->steps.push_back({step, {}});
}

// Which packets are traced, and how many more. Shared by the workers.
class TraceRequest {
 public:
  TraceRequest(std::optional<IpAddress> source, std::optional<IpAddress> destination, std::uint32_t count)
      : source_(source), destination_(destination), left_(count) {}

  // Whether to trace this packet; takes one of the count.
  bool admits(const FiveTuple& packet) const {
    if (source_ && *source_ != packet.source) return false;
    if (destination_ && *destination_ != packet.destination) return false;
    std::uint32_t left = left_.load(std::memory_order_relaxed);
    while (left != 0 && !left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
    }
    return left != 0;
  }

 private:
  std::optional<IpAddress> source_;
  std::optional<IpAddress> destination_;
  mutable std::atomic<std::uint32_t> left_;
};

}  // namespace ipsec::driver
