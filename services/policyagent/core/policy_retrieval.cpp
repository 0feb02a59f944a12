#include "services/policyagent/core/policy_retrieval.h"

#include <algorithm>
#include <cassert>

namespace ipsec::agent {

std::string_view name(RetrievalState state) {
  switch (state) {
    case RetrievalState::kCentral:
      return "Central";
    case RetrievalState::kCached:
      return "Cached";
    case RetrievalState::kLocal:
      return "Local";
    case RetrievalState::kInitial:
      break;
  }
  return "Initial";
}

std::string_view documented_name(RetrievalState state) {
  switch (state) {
    case RetrievalState::kCentral:
      return "Directory Downloaded";
    case RetrievalState::kCached:
      return "Cache Downloaded";
    case RetrievalState::kLocal:
      return "Local Downloaded";
    case RetrievalState::kInitial:
      break;
  }
  return "Initial";
}

PolicyRetrieval::PolicyRetrieval(bool has_central, Timestamp now, std::uint32_t default_minutes)
    : has_central_(has_central),
      default_minutes_(default_minutes),
      polling_interval_minutes_(default_minutes),
      next_poll_(now) {}

bool PolicyRetrieval::obeys_local_store() const {
  return state_ == RetrievalState::kLocal || state_ == RetrievalState::kInitial;
}

NextStep PolicyRetrieval::begin(LoadTrigger trigger) {
  assert(!loading());
  trigger_ = trigger;
  any_failed_ = false;
  central_.reset();
  central_is_next_ = has_central_ && trigger == LoadTrigger::kStart;
  if (!has_central_ || trigger == LoadTrigger::kLocalChange) return ask(PolicySource::kLocal);
  return ask(central_is_next_ ? PolicySource::kCached : PolicySource::kCentral);
}

NextStep PolicyRetrieval::answered(SourceAnswer answer, std::uint32_t polling_minutes, Timestamp now) {
  assert(loading());
  const PolicySource source = *asked_;
  const bool in_force = answer == SourceAnswer::kAssigned || answer == SourceAnswer::kUnchanged;
  any_failed_ = any_failed_ || answer == SourceAnswer::kFailed;
  if (answer == SourceAnswer::kAssigned) polling_interval_minutes_ = polling_minutes;
  switch (source) {
    case PolicySource::kCentral: {
      note_central(answer);
      if (in_force) return done(RetrievalState::kCentral, now);
      if (answer == SourceAnswer::kFailed) return ask(PolicySource::kCached);
      NextStep next = ask(PolicySource::kLocal);
      next.clear_cache = true;
      return next;
    }
    case PolicySource::kCached:
      return in_force ? done(RetrievalState::kCached, now) : ask(PolicySource::kLocal);
    case PolicySource::kLocal:
      break;
  }
  return in_force ? done(RetrievalState::kLocal, now) : nothing_found(answer, now);
}

NextStep PolicyRetrieval::ask(PolicySource source) {
  asked_ = source;
  return {source};
}

NextStep PolicyRetrieval::done(RetrievalState state, Timestamp now) {
  state_ = state;
  authority_ = state == RetrievalState::kLocal ? Authority::kLocal : Authority::kCentral;
  set_interval(polling_interval_minutes_, now);
  if (!central_is_next_) {
    asked_.reset();
    return {};
  }
  central_is_next_ = false;
  return ask(PolicySource::kCentral);
}

NextStep PolicyRetrieval::nothing_found(SourceAnswer local, Timestamp now) {
  if (central_is_next_) {
    central_is_next_ = false;
    any_failed_ = false;  // all are asked again if the central store fails
    return ask(PolicySource::kCentral);
  }
  NextStep next;
  next.withdraw = is_withdrawn(local);
  if (next.withdraw) authority_ = Authority::kNobody;
  state_ = RetrievalState::kInitial;
  set_interval(default_minutes_, now);
  asked_.reset();
  return next;
}

bool PolicyRetrieval::is_withdrawn(SourceAnswer local) const {
  if (local == SourceAnswer::kFailed) return false;
  switch (authority_) {
    case Authority::kLocal:
      return true;
    case Authority::kCentral:
      return central_ == SourceAnswer::kNoneAssigned;
    case Authority::kNobody:
      break;
  }
  // Driver and IKE may still hold a policy from an earlier agent, of a store that cannot be asked now.
  return !any_failed_;
}

void PolicyRetrieval::note_central(SourceAnswer answer) {
  central_ = answer;
  const std::uint32_t more = retry_minutes_ + 1;
  retry_minutes_ = answer == SourceAnswer::kFailed ? std::min(more * more, kLongestRetryMinutes) : 0;
}

void PolicyRetrieval::set_interval(std::uint32_t minutes, Timestamp now) {
  polling_interval_minutes_ = minutes;
  const std::uint32_t wait = retry_minutes_ == 0 ? minutes : std::min(minutes, retry_minutes_);
  const Timestamp after = minutes == 0 ? kNever : now + std::chrono::minutes(std::min(wait, kMaxPollingMinutes));
  // Editing the local store must not keep the central one from being asked.
  const bool postpones = has_central_ && trigger_ == LoadTrigger::kLocalChange;
  next_poll_ = postpones ? std::min(next_poll_, after) : after;
}

}  // namespace ipsec::agent
