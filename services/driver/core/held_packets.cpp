#include "services/driver/core/held_packets.h"

#include <algorithm>

#include "services/driver/core/limits.h"

namespace ipsec::driver {

HeldPackets::Outcome HeldPackets::hold(const Request& request, Released packet, Timestamp now) {
  const LockGuard guard(lock_);
  const Key key{request.filter_id, request.peer};
  auto found = entries_.find(key);
  Held held{std::move(packet), now, 0};
  if (found == entries_.end()) {
    if (entries_.size() >= limits::kMaxAcquires) return {std::nullopt, Verdict::kOutboundHeldFull};
    return begin(entries_[key], request, std::move(held), now);
  }
  Entry& entry = found->second;
  switch (entry.state) {
    case State::kPending:
      return {std::nullopt, append(entry, std::move(held), request.keep_only_last)};
    case State::kServed:
      // The SA came while the worker was still looking at older tables.
      if (request.generation < entry.generation) {
        ++held_;
        bytes_ += held.packet.bytes.size();
        to_released(std::move(held), entry.generation, now);
        return {};
      }
      return begin(entry, request, std::move(held), now);
    case State::kBackOff:
      if (now < entry.until) return {std::nullopt, Verdict::kOutboundBackOff};
      return begin(entry, request, std::move(held), now);
  }
  return {};
}

HeldPackets::Outcome HeldPackets::begin(Entry& entry, const Request& request, Held held, Timestamp now) {
  entry.state = State::kPending;
  entry.until = now + limits::kAcquireTimeout;
  entry.acquire = {next_acquire_id_++, request.filter_id, request.packet, request.local, request.peer};
  return {entry.acquire, append(entry, std::move(held), request.keep_only_last)};
}

std::optional<Verdict> HeldPackets::append(Entry& entry, Held held, bool keep_only_last) {
  std::optional<Verdict> verdict;
  if (keep_only_last && !entry.packets.empty()) {
    forget_first(entry);
    verdict = Verdict::kOutboundHeldReplaced;
  }
  const std::size_t size = held.packet.bytes.size();
  if (entry.packets.size() >= limits::kMaxHeldPerPeer || held_ >= limits::kMaxHeldPackets ||
      bytes_ + size > limits::kMaxHeldBytes) {
    return Verdict::kOutboundHeldFull;
  }
  ++held_;
  bytes_ += size;
  entry.packets.push_back(std::move(held));
  return verdict;
}

void HeldPackets::release(std::uint64_t filter_id, const IpAddress& peer, std::uint64_t generation, Timestamp now) {
  const LockGuard guard(lock_);
  const auto found = entries_.find(Key{filter_id, peer});
  if (found != entries_.end()) serve(found->second, generation, now);
}

void HeldPackets::release(const IpAddress& peer, std::uint64_t generation, Timestamp now) {
  const LockGuard guard(lock_);
  for (auto& [key, entry] : entries_) {
    if (key.peer == peer) serve(entry, generation, now);
  }
}

void HeldPackets::serve(Entry& entry, std::uint64_t generation, Timestamp now) {
  for (Held& held : entry.packets) to_released(std::move(held), generation, now);
  entry.packets.clear();
  entry.state = State::kServed;
  entry.generation = generation;
  entry.until = now + limits::kAcquireBackOff;
}

void HeldPackets::to_released(Held held, std::uint64_t generation, Timestamp now) {
  numbers_.last_hold = now - held.since;
  numbers_.longest_hold = std::max(numbers_.longest_hold, numbers_.last_hold);
  held.generation = generation;
  released_.push_back(std::move(held));
  released_count_.store(released_.size(), std::memory_order_release);
}

void HeldPackets::take_released(std::uint64_t generation, std::size_t limit, std::vector<Released>& into) {
  const LockGuard guard(lock_);
  while (!released_.empty() && released_.front().generation <= generation && limit-- > 0) {
    --held_;
    bytes_ -= released_.front().packet.bytes.size();
    into.push_back(std::move(released_.front().packet));
    released_.pop_front();
  }
  released_count_.store(released_.size(), std::memory_order_release);
}

bool HeldPackets::fail(std::uint64_t acquire_id, Timestamp now) {
  const LockGuard guard(lock_);
  for (auto& [key, entry] : entries_) {
    if (entry.state != State::kPending || entry.acquire.acquire_id != acquire_id) continue;
    drop(entry, Verdict::kOutboundNegotiationFailed);
    entry.state = State::kBackOff;
    entry.until = now + limits::kAcquireBackOff;
    return true;
  }
  return false;
}

void HeldPackets::drop(Entry& entry, Verdict verdict) {
  numbers_.dropped[static_cast<std::size_t>(verdict)] += entry.packets.size();
  while (!entry.packets.empty()) forget_first(entry);
}

void HeldPackets::forget_first(Entry& entry) {
  --held_;
  bytes_ -= entry.packets.front().packet.bytes.size();
  entry.packets.pop_front();
}

void HeldPackets::tick(Timestamp now) {
  const LockGuard guard(lock_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto current = entry++;
    if (now < current->second.until) continue;
    drop(current->second, Verdict::kOutboundNegotiationFailed);
    entries_.erase(current);
  }
}

std::vector<Acquire> HeldPackets::pending() const {
  const LockGuard guard(lock_);
  std::vector<Acquire> acquires;
  for (const auto& [key, entry] : entries_) {
    if (entry.state == State::kPending) acquires.push_back(entry.acquire);
  }
  std::sort(acquires.begin(), acquires.end(),
            [](const Acquire& a, const Acquire& b) { return a.acquire_id < b.acquire_id; });
  return acquires;
}

HeldPackets::Numbers HeldPackets::numbers() const {
  const LockGuard guard(lock_);
  Numbers numbers = numbers_;
  numbers.held = held_;
  return numbers;
}

}  // namespace ipsec::driver
