#include "services/policyagent/core/default_response.h"

#include <algorithm>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/free_name.h"
#include "services/policyagent/core/limits.h"
#include "services/policyagent/core/weight.h"

namespace ipsec::agent {
namespace {

std::uint64_t dynamic_filter_id(Direction direction, const Selector& selector) {
  return ContentHash("dynamic filter").add(static_cast<std::uint64_t>(direction)).add(selector).id();
}

Selector selector_of(const FilterRequest& request, Direction direction) {
  return direction == Direction::kOutbound ? request.outbound : request.outbound.mirrored();
}

// The first filter of the policy that has the whole traffic in this direction; nullptr: none.
const SpecificFilter* explicit_filter(const FilterRequest& request, Direction direction, const CompiledPolicy& policy) {
  const Selector selector = selector_of(request, direction);
  const auto found = std::find_if(policy.filters.begin(), policy.filters.end(), [&](const SpecificFilter& filter) {
    return filter.direction == direction && filter.selector.contains(selector);
  });
  return found != policy.filters.end() ? &*found : nullptr;
}

bool secures_it(const SpecificFilter& filter) {
  return filter.action == store::Action::kNegotiate && !filter.tunnel_destination;
}

Status decided_by(const SpecificFilter& filter) {
  const std::string_view does = filter.action == store::Action::kBlock    ? "blocks"
                                : filter.action == store::Action::kPermit ? "permits"
                                : filter.tunnel_destination               ? "tunnels"
                                                                          : "secures inbound only";
  return refused(fmt::format("rule '{}' {} {}", filter.rule_name, does, filter.selector.to_string()));
}

// What is wrong with the request itself under this policy, whatever its filters.
Status check(const FilterRequest& request, const CompiledPolicy& policy) {
  if (!policy.active) return refused("no policy is assigned");
  if (!policy.default_response.active) return refused("default response inactive");
  const Selector& outbound = request.outbound;
  const bool between_hosts =
      outbound.source == AddressRange::host(request.local) && outbound.destination == AddressRange::host(request.peer);
  if (!between_hosts) {
    return refused(fmt::format("{}: the default response rule answers for traffic between the two hosts only",
                               outbound.to_string()));
  }
  const auto& locals = policy.local_addresses;
  const auto is_local = [&](const IpAddress& address) {
    return std::find(locals.begin(), locals.end(), address) != locals.end();
  };
  if (!is_local(request.local)) return refused(fmt::format("{} is no address of this host", request.local.to_string()));
  if (is_local(request.peer)) return refused(fmt::format("{} is this host itself", request.peer.to_string()));
  if (policy.profile == store::Profile::kWindows2003 && !request.peer.is_v4()) {
    return refused("profile windows2003 filters IPv4 only");
  }
  return {};
}

SpecificFilter make_filter(const FilterRequest& request, Direction direction, const QuickModePolicy& protection) {
  SpecificFilter filter;
  filter.direction = direction;
  filter.selector = selector_of(request, direction);
  filter.id = dynamic_filter_id(direction, filter.selector);
  filter.mirror_id = dynamic_filter_id(direction == Direction::kOutbound ? Direction::kInbound : Direction::kOutbound,
                                       filter.selector.mirrored());
  filter.weight = 0;  // explicit filters come first, however little they weigh (DR-06)
  filter.action = store::Action::kNegotiate;
  filter.quick_mode_policy = protection.name;
  filter.rule_name = std::string(kDefaultResponseRule);
  filter.filter_list_name = std::string(kDefaultResponseList);
  filter.filter_action_name = std::string(kDefaultResponseAction);
  filter.protection_id = protection_id(protection.offers, protection.pfs, protection.pfs_group);
  filter.dynamic = true;
  return filter;
}

}  // namespace

Status DynamicFilters::grant(const FilterRequest& request, const CompiledPolicy& policy, Timestamp now) {
  IPSEC_RETURN_IF_ERROR(check(request, policy));
  if (const SpecificFilter* filter = explicit_filter(request, Direction::kOutbound, policy)) {
    return secures_it(*filter) ? Status() : decided_by(*filter);
  }
  if (const SpecificFilter* filter = explicit_filter(request, Direction::kInbound, policy)) return decided_by(*filter);
  if (Entry* known = find_covering(request)) {
    known->last_used = now;
    return {};
  }
  if (entries_.size() >= kMaxDynamicFilters)
    return exhausted(fmt::format("the default response rule has made {} filters already", kMaxDynamicFilters));
  const auto of_peer = std::count_if(entries_.begin(), entries_.end(),
                                     [&](const Entry& entry) { return entry.request.peer == request.peer; });
  if (static_cast<std::size_t>(of_peer) >= kMaxDynamicFiltersPerPeer) {
    return exhausted(fmt::format("the default response rule has made {} filters for {} already",
                                 kMaxDynamicFiltersPerPeer, request.peer.to_string()));
  }
  const Entry entry{request, dynamic_filter_id(Direction::kOutbound, request.outbound),
                    dynamic_filter_id(Direction::kInbound, request.outbound.mirrored()), now};
  const auto place = std::upper_bound(entries_.begin(), entries_.end(), entry, [](const Entry& a, const Entry& b) {
    const std::uint64_t weight_a = weight(a.request.outbound, false);
    const std::uint64_t weight_b = weight(b.request.outbound, false);
    return weight_a != weight_b ? weight_a > weight_b : a.request < b.request;
  });
  entries_.insert(place, entry);
  return {};
}

DynamicFilters::Entry* DynamicFilters::find_covering(const FilterRequest& request) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.request.outbound.contains(request.outbound);
  });
  return found != entries_.end() ? &*found : nullptr;
}

void DynamicFilters::forget_decided(const CompiledPolicy& policy) {
  if (entries_.empty()) return;
  absl::flat_hash_map<IpAddress, std::vector<const FilterRequest*>> by_peer;
  for (const Entry& entry : entries_) by_peer[entry.request.peer].push_back(&entry.request);
  absl::flat_hash_set<const FilterRequest*> decided;
  for (const SpecificFilter& filter : policy.filters) {
    const auto consider = [&](const FilterRequest& request) {
      if (filter.selector.contains(selector_of(request, filter.direction))) decided.insert(&request);
    };
    const bool outbound = filter.direction == Direction::kOutbound;
    const AddressRange& remote = outbound ? filter.selector.destination : filter.selector.source;
    if (!remote.is_host()) {
      for (const Entry& entry : entries_) consider(entry.request);
    } else if (const auto found = by_peer.find(remote.first); found != by_peer.end()) {
      for (const FilterRequest* request : found->second) consider(*request);
    }
  }
  std::vector<Entry> kept;
  for (const Entry& entry : entries_) {
    if (!decided.contains(&entry.request)) kept.push_back(entry);
  }
  entries_ = std::move(kept);
}

CompiledPolicy DynamicFilters::lay_over(CompiledPolicy policy) {
  std::erase_if(entries_, [&](const Entry& entry) { return !check(entry.request, policy).ok(); });
  forget_decided(policy);
  if (entries_.empty()) return policy;
  QuickModePolicy protection = policy.default_response.quick_mode_policy;
  protection.name = free_name(policy.quick_mode_policies, protection.name);
  for (const Entry& entry : entries_) {
    policy.filters.push_back(make_filter(entry.request, Direction::kOutbound, protection));
    policy.filters.push_back(make_filter(entry.request, Direction::kInbound, protection));
  }
  policy.quick_mode_policies.push_back(std::move(protection));
  return policy;
}

void DynamicFilters::in_use(const absl::flat_hash_set<std::uint64_t>& filter_ids, Timestamp now) {
  for (Entry& entry : entries_) {
    if (filter_ids.contains(entry.outbound_id) || filter_ids.contains(entry.inbound_id)) entry.last_used = now;
  }
}

std::vector<FilterRequest> DynamicFilters::remove_idle(Timestamp now) {
  std::vector<FilterRequest> removed;
  std::erase_if(entries_, [&](const Entry& entry) {
    if (now - entry.last_used < kDynamicFilterIdle) return false;
    removed.push_back(entry.request);
    return true;
  });
  return removed;
}

}  // namespace ipsec::agent
