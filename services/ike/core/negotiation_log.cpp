#include "services/ike/core/negotiation_log.h"

#include <algorithm>
#include <utility>

#include "services/ike/core/limits.h"

namespace ipsec::ike {

namespace {

bool is_same(const FailedNegotiation& a, const FailedNegotiation& b) {
  return a.mode == b.mode && a.initiator == b.initiator && a.local.address == b.local.address &&
         a.peer.address == b.peer.address && a.failure.reason == b.failure.reason && a.rule_name == b.rule_name &&
         a.policy_name == b.policy_name && a.filter == b.filter;
}

}  // namespace

std::string_view name(NegotiationMode mode) { return mode == NegotiationMode::kMain ? "main mode" : "quick mode"; }

void NegotiationLog::add(FailedNegotiation failed) {
  const auto before = std::find_if(entries_.begin(), entries_.end(),
                                   [&](const FailedNegotiation& entry) { return is_same(entry, failed); });
  if (before != entries_.end()) {
    failed.times += before->times;
    entries_.erase(before);
  } else if (entries_.size() == kMaxFailedNegotiations) {
    // What anybody could have caused in anybody's name must not push out what a peer has proven.
    const auto unproven = std::find_if(entries_.begin(), entries_.end(),
                                       [](const FailedNegotiation& entry) { return entry.explanation.unproven; });
    entries_.erase(unproven != entries_.end() ? unproven : entries_.begin());
  }
  entries_.push_back(std::move(failed));
}

}  // namespace ipsec::ike
