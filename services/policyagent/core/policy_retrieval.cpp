#include "services/policyagent/core/policy_retrieval.h"

#include <algorithm>
#include <cassert>

#include "services/policyagent/core/limits.h"

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

PolicyRetrieval::PolicyRetrieval(std::span<const PolicySource> sources, Timestamp now)
    : sources_(sources.begin(), sources.end()), polling_interval_minutes_(kDefaultPollingMinutes), next_poll_(now) {
  assert(!sources_.empty());
  std::sort(sources_.begin(), sources_.end());
}

std::optional<PolicySource> PolicyRetrieval::source_after(PolicySource failed) const {
  const auto next = std::upper_bound(sources_.begin(), sources_.end(), failed);
  if (next == sources_.end()) return std::nullopt;
  return *next;
}

void PolicyRetrieval::loaded(PolicySource source, std::uint32_t polling_interval_minutes, Timestamp now) {
  switch (source) {
    case PolicySource::kCentral:
      state_ = RetrievalState::kCentral;
      break;
    case PolicySource::kCached:
      state_ = RetrievalState::kCached;
      break;
    case PolicySource::kLocal:
      state_ = RetrievalState::kLocal;
      break;
  }
  set_interval(polling_interval_minutes, now);
}

void PolicyRetrieval::failed(Timestamp now) {
  state_ = RetrievalState::kInitial;
  set_interval(kDefaultPollingMinutes, now);
}

void PolicyRetrieval::set_interval(std::uint32_t minutes, Timestamp now) {
  polling_interval_minutes_ = minutes;
  next_poll_ = minutes == 0 ? kNever : now + std::chrono::minutes(std::min(minutes, kMaxPollingMinutes));
}

}  // namespace ipsec::agent
