#include "services/policyagent/core/filter_expansion.h"

#include <map>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/address_expansion.h"

namespace ipsec::agent {
namespace {

struct Directions {
  bool outbound = false;
  bool inbound = false;
};

Directions directions(const Selector& selector, const LocalAddresses& locals) {
  const bool from_local = locals.is_local(selector.source);
  const bool to_local = locals.is_local(selector.destination);
  if (from_local || to_local) return {from_local, to_local};
  const bool from_within = locals.any_within(selector.source);
  const bool to_within = locals.any_within(selector.destination);
  if (!from_within && !to_within) return {true, true};
  return {from_within, to_within};
}

// Expands one written filter; lives for one call of expand_filter.
class Expansion {
 public:
  Expansion(const RuleContext& context, const store::Filter& filter, std::uint32_t filter_index,
            std::uint64_t generic_id, FilterTable& table, ProblemList& problems)
      : context_(context),
        filter_(filter),
        origin_{&context.rule, &filter, context.rule_index, filter_index},
        generic_id_(generic_id),
        table_(table),
        problems_(problems) {}

  void run() {
    const ExpandedAddress sources = side(filter_.source);
    const ExpandedAddress destinations = side(filter_.destination);
    bool one_family = sources.ranges.empty() || destinations.ranges.empty();
    bool protocol_fits = one_family;
    for (const AddressRange& source : sources.ranges) {
      for (const AddressRange& destination : destinations.ranges) {
        if (source.family() != destination.family()) continue;
        one_family = true;
        if (!fits(source.family())) continue;
        protocol_fits = true;
        expand_selector({source, destination, filter_.protocol, PortRange::from_number(filter_.source_port),
                         PortRange::from_number(filter_.destination_port)});
      }
    }
    if (!one_family)
      complain(Severity::kWarning, "filter_without_effect", "source and destination share no address family");
    if (one_family && !protocol_fits) {
      complain(Severity::kWarning, "filter_without_effect",
               "protocol 1 is ICMP of IPv4 and 58 that of IPv6: the addresses are of the other");
    }
  }

 private:
  ExpandedAddress side(const store::FilterAddress& address) {
    ExpandedAddress expanded =
        expand(address, context_.host, context_.locals, context_.rule.connection_type, context_.policy.profile);
    if (!expanded.complaint.empty()) complain(Severity::kWarning, "filter_incomplete", expanded.complaint);
    return expanded;
  }

  bool fits(AddressFamily family) const {
    if (filter_.protocol == kProtocolIcmp) return family == AddressFamily::kIpv4;
    if (filter_.protocol == kProtocolIcmpv6) return family == AddressFamily::kIpv6;
    return true;
  }

  void expand_selector(const Selector& selector) {
    const bool tunnel = context_.rule.tunnel_endpoint && context_.filter_action.action == store::Action::kNegotiate;
    tunnel ? expand_tunnel(selector) : expand_transport(selector);
  }

  void expand_transport(const Selector& forward) {
    const Selector reverse = forward.mirrored();
    const Directions of_forward = directions(forward, context_.locals);
    Directions of_reverse;
    if (filter_.mirrored || forward == reverse) of_reverse = directions(reverse, context_.locals);
    add_pair(forward, of_forward.outbound, of_reverse.inbound);
    if (forward != reverse) add_pair(reverse, of_reverse.outbound, of_forward.inbound);
  }

  // The outbound filter of `selector` and the inbound filter of its mirror.
  void add_pair(const Selector& selector, bool outbound, bool inbound) {
    for (const Selector& narrowed : narrow(selector)) {
      const std::size_t out = outbound ? add(Direction::kOutbound, narrowed) : FilterTable::kNone;
      const std::size_t in = inbound ? add(Direction::kInbound, narrowed.mirrored()) : FilterTable::kNone;
      if (outbound && inbound) table_.link(out, in);
    }
  }

  // The source side of an outbound selector is the local one.
  std::vector<Selector> narrow(const Selector& outbound) const {
    if (context_.rule.connection_type == store::ConnectionType::kAll) return {outbound};
    std::vector<Selector> narrowed;
    for (const IpAddress& address : context_.locals.of(context_.rule.connection_type)) {
      if (!outbound.source.contains(address)) continue;
      narrowed.push_back(outbound);
      narrowed.back().source = AddressRange::host(address);
    }
    return narrowed;
  }

  void expand_tunnel(const Selector& selector) {
    const IpAddress& endpoint = *context_.rule.tunnel_endpoint;
    const Directions by_address = directions(selector, context_.locals);
    const Direction direction = context_.locals.contains(endpoint) ? Direction::kInbound : Direction::kOutbound;
    if (filter_.mirrored) {
      complain(
          Severity::kWarning, "tunnel_filter_mirrored",
          "a tunnel rule protects one direction; the mirror of this filter is ignored: write a second rule for it");
    }
    if (direction == Direction::kOutbound ? by_address.outbound : by_address.inbound) {
      add_tunnel(direction, selector, endpoint);
    } else {
      refuse_tunnel(direction, selector, endpoint);
    }
  }

  void add_tunnel(Direction direction, const Selector& selector, const IpAddress& endpoint) {
    SpecificFilter specific = make(direction, selector);
    specific.tunnel_destination = endpoint;
    table_.add(std::move(specific), origin_);
  }

  // PD-19. What was meant to be secured must not pass in the clear: it is blocked.
  void refuse_tunnel(Direction by_endpoint, const Selector& selector, const IpAddress& endpoint) {
    const bool meant_inbound = by_endpoint == Direction::kOutbound;
    complain(
        Severity::kError, "tunnel_endpoint_wrong",
        meant_inbound
            ? fmt::format("the traffic is inbound, but tunnel endpoint {} is no address of this computer; an inbound "
                          "rule needs one. "
                          "The traffic is blocked",
                          endpoint.to_string())
            : fmt::format(
                  "the traffic is outbound, but tunnel endpoint {} is this computer; an outbound rule names the peer. "
                  "The traffic is blocked",
                  endpoint.to_string()));
    SpecificFilter specific = make(meant_inbound ? Direction::kInbound : Direction::kOutbound, selector);
    specific.action = store::Action::kBlock;
    specific.quick_mode_policy.clear();
    specific.protection_id = 0;
    table_.add(std::move(specific), origin_);
  }

  std::size_t add(Direction direction, const Selector& selector) {
    return table_.add(make(direction, selector), origin_);
  }

  SpecificFilter make(Direction direction, const Selector& selector) const {
    const store::FilterAction& action = context_.filter_action;
    const bool negotiate = action.action == store::Action::kNegotiate;
    SpecificFilter specific;
    specific.direction = direction;
    specific.selector = selector;
    specific.action = action.action;
    specific.inbound_passthrough = negotiate && action.inbound_passthrough;
    specific.allow_soft = negotiate && action.allow_soft;
    if (negotiate) {
      specific.quick_mode_policy = action.name;
      specific.protection_id = context_.protection_id;
    }
    specific.rule_name = context_.rule.name;
    specific.filter_list_name = context_.filter_list.name;
    specific.filter_action_name = action.name;
    specific.generic_id = generic_id_;
    return specific;
  }

  void complain(Severity severity, std::string_view name, std::string_view text) {
    problems_.add(severity, name, context_.object,
                  fmt::format("filter {} -> {} of list '{}': {}", written(filter_.source), written(filter_.destination),
                              context_.filter_list.name, text));
  }

  const RuleContext& context_;
  const store::Filter& filter_;
  const FilterOrigin origin_;
  const std::uint64_t generic_id_;
  FilterTable& table_;
  ProblemList& problems_;
};

}  // namespace

void expand_filter(const RuleContext& context, const store::Filter& filter, std::uint32_t filter_index,
                   std::uint64_t generic_id, FilterTable& table, ProblemList& problems) {
  Expansion(context, filter, filter_index, generic_id, table, problems).run();
}

void link_tunnels(std::vector<SpecificFilter>& tunnels, const std::string& policy_name, ProblemList& problems) {
  std::map<Selector, SpecificFilter*> inbound;  // by the outbound traffic that it answers
  for (SpecificFilter& filter : tunnels) {
    if (filter.direction == Direction::kInbound) inbound.try_emplace(filter.selector.mirrored(), &filter);
  }
  for (SpecificFilter& out : tunnels) {
    if (out.direction != Direction::kOutbound) continue;
    const auto found = inbound.find(out.selector);
    if (found == inbound.end()) continue;
    SpecificFilter& in = *found->second;
    if (in.mirror_id != 0) continue;
    out.mirror_id = in.id;
    in.mirror_id = out.id;
    in.tunnel_source = out.tunnel_destination;
    out.tunnel_source = in.tunnel_destination;
  }
  absl::flat_hash_set<std::uint64_t> told;
  for (const SpecificFilter& filter : tunnels) {
    if (filter.mirror_id != 0 || !told.insert(filter.generic_id).second) continue;
    problems.add(Severity::kWarning, "tunnel_without_partner",
                 fmt::format("rule '{}' of policy '{}'", filter.rule_name, policy_name),
                 fmt::format("{} tunnel traffic {} has no rule for the opposite direction: a tunnel takes two rules, "
                             "one with the peer as "
                             "endpoint and one with an address of this computer",
                             name(filter.direction), filter.selector.to_string()));
  }
}

}  // namespace ipsec::agent
