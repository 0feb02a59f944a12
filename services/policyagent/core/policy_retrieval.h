#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "services/common/time.h"
#include "services/policyagent/core/limits.h"

// Where the policy in force came from, and when to look again (seed rows PA-05 to PA-15, PA-23).
namespace ipsec::agent {

// Tried in this order (PA-09).
enum class PolicySource : std::uint8_t { kCentral, kCached, kLocal };

enum class RetrievalState : std::uint8_t { kInitial, kCentral, kCached, kLocal };

// "Initial", "Central", "Cached", "Local"
std::string_view name(RetrievalState state);
// "Initial", "Directory Downloaded", "Cache Downloaded", "Local Downloaded" (PA-12)
std::string_view documented_name(RetrievalState state);

// Why a load happens (PA-08).
enum class LoadTrigger : std::uint8_t {
  kStart,        // what is on this computer comes into force first, then the central store is asked
  kPoll,         // the polling interval is over
  kReload,       // somebody asks for it
  kLocalChange,  // the local store has changed; concerns only hosts whose policy is not a central one
};

// What became of asking a source.
enum class SourceAnswer : std::uint8_t {
  kAssigned,      // it has an assigned policy, which is in force now
  kUnchanged,     // its policy is the one that is in force already
  kNoneAssigned,  // it answers, and no policy is assigned there
  kFailed,        // nothing is known: away, unreadable, or its policy cannot be put in force
};

// What the shell does next in a load.
struct NextStep {
  std::optional<PolicySource> ask;  // nothing: the load is over
  bool clear_cache = false;         // the central store assigns nothing any more: its copy is void
  bool withdraw = false;            // no policy is assigned to this host: traffic is not touched
  friend bool operator==(const NextStep&, const NextStep&) = default;
};

// The state machine of policy retrieval. The shell asks one source after the other and tells what became of it:
//
//   asked   | answer     | what follows
//   central | assigned   | done: Central
//   central | unchanged  | done: Central
//   central | none       | the cache is void, ask local
//   central | failed     | ask the cache
//   cache   | assigned   | done: Cached
//   cache   | unchanged  | done: Cached
//   cache   | none       | ask local
//   cache   | failed     | ask local
//   local   | assigned   | done: Local
//   local   | none       | done: Initial; the policy in force is withdrawn unless the source it came from failed
//   local   | failed     | done: Initial; the policy in force stays
//
// A start with a central store runs through cache and local first, as far as one has a policy, and then asks the
// central store: a slow one must not leave the host without the policy it knows. After Central, Cached and Local the
// polling interval is that of the policy (PA-13; 0 turns polling off), after Initial the default one (PA-14). While the
// central store fails it is asked again sooner: after 1, 4, 25, 166, 166... minutes, as far as that is below the
// interval.
class PolicyRetrieval {
 public:
  // The first load is due at once.
  PolicyRetrieval(bool has_central, Timestamp now, std::uint32_t default_minutes = kDefaultPollingMinutes);

  // True if a change of the local store concerns the policy in force.
  bool obeys_local_store() const;

  // Begins a load; requires that none is under way.
  NextStep begin(LoadTrigger trigger);
  // To the source that was asked last. `polling_minutes`: of the policy that is in force after kAssigned.
  NextStep answered(SourceAnswer answer, std::uint32_t polling_minutes, Timestamp now);

  bool loading() const { return asked_.has_value(); }
  RetrievalState state() const { return state_; }
  std::uint32_t polling_interval_minutes() const { return polling_interval_minutes_; }
  // kNever while polling is off.
  Timestamp next_poll() const { return next_poll_; }

 private:
  // Who decides about the policy that is in force: the store it came from.
  enum class Authority : std::uint8_t { kNobody, kCentral, kLocal };

  NextStep ask(PolicySource source);
  NextStep done(RetrievalState state, Timestamp now);
  NextStep nothing_found(SourceAnswer local, Timestamp now);
  bool is_withdrawn(SourceAnswer local) const;
  void set_interval(std::uint32_t minutes, Timestamp now);
  void note_central(SourceAnswer answer);

  const bool has_central_;
  const std::uint32_t default_minutes_;
  RetrievalState state_ = RetrievalState::kInitial;
  Authority authority_ = Authority::kNobody;
  std::uint32_t polling_interval_minutes_;
  Timestamp next_poll_;
  std::uint32_t retry_minutes_ = 0;  // 0: the central store did not fail last time

  // ---- of the load under way ----
  std::optional<PolicySource> asked_;
  LoadTrigger trigger_ = LoadTrigger::kStart;
  bool central_is_next_ = false;  // a start that has not come to the central store yet
  bool any_failed_ = false;
  std::optional<SourceAnswer> central_;
};

}  // namespace ipsec::agent
