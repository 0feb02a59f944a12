#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "services/common/time.h"

// Where the policy in force came from, and when to look again (seed rows PA-05 to PA-15).
namespace ipsec::agent {

// Tried in this order (PA-09).
enum class PolicySource : std::uint8_t { kCentral, kCached, kLocal };

enum class RetrievalState : std::uint8_t { kInitial, kCentral, kCached, kLocal };

// "Initial", "Central", "Cached", "Local"
std::string_view name(RetrievalState state);

// The state machine of policy retrieval. The shell asks for sources in turn and tells what became of each load:
//
//   event                                       | new state        | polling interval
//   a source had an assigned policy             | named after it   | that policy's; 0 turns polling off (PA-13)
//   no source answered, or none has an assigned | Initial          | the default (PA-14)
//
// The policy in force is not this machine's business: after a failed load it stays in force.
class PolicyRetrieval {
 public:
  // `sources`: those that this host has, in any order; at least one. The first load is due at once.
  PolicyRetrieval(std::span<const PolicySource> sources, Timestamp now);

  // What to try next in this load: the first source, then the one after the one that failed; nothing when all have.
  PolicySource first_source() const { return sources_.front(); }
  std::optional<PolicySource> source_after(PolicySource failed) const;

  void loaded(PolicySource source, std::uint32_t polling_interval_minutes, Timestamp now);
  void failed(Timestamp now);

  RetrievalState state() const { return state_; }
  std::uint32_t polling_interval_minutes() const { return polling_interval_minutes_; }
  // kNever while polling is off.
  Timestamp next_poll() const { return next_poll_; }

 private:
  void set_interval(std::uint32_t minutes, Timestamp now);

  std::vector<PolicySource> sources_;
  RetrievalState state_ = RetrievalState::kInitial;
  std::uint32_t polling_interval_minutes_;
  Timestamp next_poll_;
};

}  // namespace ipsec::agent
