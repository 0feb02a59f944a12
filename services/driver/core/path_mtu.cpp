#include "services/driver/core/path_mtu.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

struct Record {
  PathMtuKnown known;
  std::uint64_t seconds = 0;  // when it was learned
};

std::uint64_t seconds_of(Timestamp now) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now.since_start).count());
}

std::uint64_t pack(const Record& record) {
  return record.seconds << 24 | static_cast<std::uint64_t>(record.known.source) << 16 | record.known.mtu;
}

Record unpack(std::uint64_t word) {
  return {{static_cast<std::uint16_t>(word), static_cast<PathMtuSource>(word >> 16 & 0xFF)}, word >> 24};
}

// Whoever finds another in there goes on: what is missed comes again.
class Attempt {
 public:
  explicit Attempt(std::atomic_flag& busy) : busy_(busy), owns_(!busy.test_and_set(std::memory_order_acquire)) {}
  ~Attempt() {
    if (owns_) busy_.clear(std::memory_order_release);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  bool owns() const { return owns_; }

 private:
  std::atomic_flag& busy_;
  bool owns_;
};

}  // namespace

PathMtuKnown PathMtu::known() const { return unpack(known_.load(std::memory_order_relaxed)).known; }

bool PathMtu::lower(std::uint16_t mtu, PathMtuSource source, Timestamp now) {
  std::uint64_t before = known_.load(std::memory_order_relaxed);
  const std::uint64_t after = pack({{mtu, source}, seconds_of(now)});
  do {
    const std::uint16_t known = unpack(before).known.mtu;
    if (known != 0 && mtu >= known) return false;
  } while (!known_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return true;
}

void PathMtu::forget_old(Timestamp now) {
  std::uint64_t before = known_.load(std::memory_order_relaxed);
  const Record record = unpack(before);
  constexpr auto kLifetime = std::chrono::duration_cast<std::chrono::seconds>(limits::kPathMtuLifetime).count();
  if (record.known.mtu == 0 || seconds_of(now) - record.seconds < static_cast<std::uint64_t>(kLifetime)) return;
  known_.compare_exchange_strong(before, 0, std::memory_order_relaxed);
}

void PathMtu::inherit(const PathMtu& predecessor) {
  known_.store(predecessor.known_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

bool PathMtu::sent(const FiveTuple& flow, const SentSegment& segment, Timestamp now) {
  const Attempt attempt(busy_);
  if (!attempt.owns()) return false;
  const bool suspicious = detector_.sent(flow, segment, now);
  publish(now);
  return suspicious;
}

void PathMtu::heads_sent(std::span<const SegmentHead> heads) {
  const Attempt attempt(busy_);
  if (attempt.owns()) detector_.heads_sent(heads);
}

bool PathMtu::acknowledged(const FiveTuple& inbound, const Acknowledgment& acknowledgment, Timestamp now) {
  const Attempt attempt(busy_);
  if (!attempt.owns()) return false;
  const auto proved = detector_.acknowledged(inbound.reversed(), acknowledgment);
  publish(now);
  return proved && lower(*proved, PathMtuSource::kProbe, now);
}

void PathMtu::publish(Timestamp now) {
  const auto& watch = detector_.watch();
  watched_sequence_.store(watch ? watch->segment.sequence : 0, std::memory_order_relaxed);
  watched_.store(watch ? key_of(watch->flow) : 0, std::memory_order_relaxed);
  const Timestamp look_again = watch ? watch->since + limits::kBlackHoleWatch : now + limits::kBlackHolePause;
  look_again_.store(look_again.since_start.count(), std::memory_order_relaxed);
}

}  // namespace ipsec::driver
