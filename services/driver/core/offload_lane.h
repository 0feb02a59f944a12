#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "services/common/time.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/offload.h"

namespace ipsec::driver {

// The packets of one worker and direction that are with the provider, and their order: what is collected comes in the
// order in which it was added, whoever did it and when. A Record is what the worker keeps of a packet meanwhile. One
// thread.
template <typename Record>
class OffloadLane {
 public:
  // `provider` may be null: then nothing may be added.
  OffloadLane(Direction direction, OffloadProvider* provider, std::shared_ptr<OffloadWake> wake)
      : direction_(direction), provider_(provider), wake_(std::move(wake)) {}

  OffloadProvider* provider() const { return provider_; }
  bool empty() const { return flying_.empty() && filling_.work == nullptr; }

  // What was collected before is no longer used by anybody: the memory is free again.
  void begin_batch() {
    for (Load& load : delivered_) {
      load.work->forget();
      free_.push_back(std::move(load));
    }
    delivered_.clear();
  }

  // The work that takes the next packet of `port`; null: so much is under way that there is no room.
  OffloadWork* open(std::uint64_t port, Timestamp now) {
    if (filling_.work != nullptr && (filling_.port != port || is_full(*filling_.work))) submit();
    if (filling_.work != nullptr) return filling_.work.get();
    if (flying_.size() >= limits::kOffloadWorks) return nullptr;
    filling_ = take_free();
    filling_.port = port;
    filling_.since = now;
    filling_.work->begin(direction_);
    return filling_.work.get();
  }
  // After open(): a packet whose memory is the work's.
  void add(const Sa& sa, const EspJob& job, Record record) {
    filling_.work->keep(sa);
    filling_.work->jobs.push_back(job);
    filling_.records.push_back(std::move(record));
  }
  // Of the packet added last; null: none since the last submission.
  Record* last() { return filling_.records.empty() ? nullptr : &filling_.records.back(); }

  // Hands over what open() has begun, and does itself what nobody has begun: the worker is one of those who work.
  void submit_and_help(EspEngine& engine) {
    if (filling_.work != nullptr) submit();
    for (Load& load : flying_) {
      if (!load.work->take()) continue;
      load.work->run(engine);
      load.work->finish();
    }
  }

  // The port of the oldest packets, when something can be collected.
  const std::uint64_t* ready(Timestamp now) const {
    const bool is_ready = !flying_.empty() && (flying_.front().work->is_done() || is_stuck(flying_.front(), now));
    return is_ready ? &flying_.front().port : nullptr;
  }
  // Calls done(job, record) for each finished packet of this port up to the first work that is not finished;
  // lost(record) where the provider has had it for longer than limits::kOffloadPatience. Its SAs are not offloaded any
  // more then.
  template <typename Done, typename Lost>
  void collect(std::uint64_t port, Timestamp now, Done done, Lost lost) {
    while (!flying_.empty() && flying_.front().port == port) {
      Load& front = flying_.front();
      if (front.work->is_done()) {
        for (std::size_t i = 0; i < front.records.size(); ++i) done(front.work->jobs[i], front.records[i]);
        delivered_.push_back(std::move(front));
      } else if (is_stuck(front, now) && front.work->give_up()) {
        for (Record& record : front.records) lost(record);
        for (const auto& sa : front.work->sas()) sa->set_offload(OffloadState::kFailed);
      } else if (!front.work->is_done()) {
        return;
      } else {
        continue;  // finished at the last moment
      }
      flying_.pop_front();
    }
  }

 private:
  struct Load {
    OffloadWorkPointer work;
    std::vector<Record> records;
    std::uint64_t port = 0;
    Timestamp since;
  };

  static bool is_full(const OffloadWork& work) {
    return work.jobs.size() >= limits::kOffloadPackets || work.octets() >= limits::kOffloadOctets;
  }
  static bool is_stuck(const Load& load, Timestamp now) { return now - load.since > limits::kOffloadPatience; }

  Load take_free() {
    if (free_.empty()) return {std::make_shared<OffloadWork>(wake_), {}, 0, {}};
    Load load = std::move(free_.back());
    free_.pop_back();
    load.records.clear();
    return load;
  }

  void submit() {
    flying_.push_back(std::exchange(filling_, {}));
    flying_.back().work->offer();
    provider_->submit(flying_.back().work);
  }

  Direction direction_;
  OffloadProvider* provider_;
  std::shared_ptr<OffloadWake> wake_;
  Load filling_;
  std::deque<Load> flying_;      // oldest first
  std::vector<Load> delivered_;  // their memory is in the worker's output
  std::vector<Load> free_;       // the one used last is taken first: its memory is in the cache
};

}  // namespace ipsec::driver
