#include <algorithm>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "store/filter_key.h"
#include "store/lint/checks.h"
#include "store/names.h"

// PD-17 to PD-19: a tunnel takes two rules, one for each direction.
namespace ipsec::store::lint {

namespace {

bool is_active_tunnel(const Context& context, const Rule& rule) {
  return rule.active && is_tunnel(rule) && context.negotiates(rule);
}

// The filters of the rule whose opposite direction no active tunnel rule of the policy has.
std::vector<Filter> lone_filters(const Context& context, const Policy& policy, const Rule& rule) {
  std::unordered_set<std::string> keys;
  for (const Rule& other : policy.rules) {
    if (!is_active_tunnel(context, other)) continue;
    for (const Filter& filter : context.filters_of(other)) keys.insert(filter_key(filter));
  }
  std::vector<Filter> lone;
  for (const Filter& filter : context.filters_of(rule)) {
    if (!keys.contains(filter_key(reversed(filter)))) lone.push_back(filter);
  }
  return lone;
}

// What the rule for the other direction names as its end of the tunnel.
std::string opposite_endpoint(const Context& context, const IpAddress& endpoint) {
  if (context.is_local(endpoint)) return "<address of the peer>";
  std::vector<IpAddress> own;
  for (const IpAddress& address : context.facts().local_addresses) {
    if (address.family() == endpoint.family()) own.push_back(address);
  }
  return own.size() == 1 ? own.front().to_string() : "<address of this computer>";
}

template <typename T>
std::string free_name(const std::vector<T>& objects, const std::string& wanted) {
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(objects.begin(), objects.end(),
                       [&](const T& object) { return fold_name(object.name) == fold_name(name); });
  };
  std::string name = wanted;
  for (int number = 2; is_taken(name); ++number) name = fmt::format("{} {}", wanted, number);
  return name;
}

std::vector<NetshCommand> add_opposite(const Context& context, const Policy& policy, const Rule& rule,
                                       const std::vector<Filter>& lone) {
  const std::string list =
      free_name(context.tree().filter_lists, fmt::format("{} (back)", context.list_of(rule)->name));
  std::vector<NetshCommand> commands;
  commands.reserve(lone.size() + 1);
  for (const Filter& filter : lone) {
    commands.push_back(NetshCommand("add filter").text("filterlist", list).selector(reversed(filter)));
  }
  commands.push_back(NetshCommand("add rule")
                         .text("name", free_name(policy.rules, fmt::format("{} (back)", rule.name)))
                         .text("policy", policy.name)
                         .text("filterlist", list)
                         .text("filteraction", context.action_of(rule)->name)
                         .text("tunnel", opposite_endpoint(context, *rule.tunnel_endpoint))
                         .authentication(rule.authentication, fmt::format("key of rule '{}'", rule.name)));
  return commands;
}

const Rule* find_rule_by_guid(const Policy& policy, const Guid& guid) {
  const auto found =
      std::find_if(policy.rules.begin(), policy.rules.end(), [&](const Rule& rule) { return rule.guid == guid; });
  return found == policy.rules.end() ? nullptr : &*found;
}

// The rule itself and the rules of the opposite direction of its traffic: a tunnel goes as a whole.
std::vector<NetshCommand> deactivate_tunnel(const Context& context, const Policy& policy, const Rule& rule) {
  std::unordered_set<std::string> opposite;
  for (const Filter& filter : context.filters_of(rule)) opposite.insert(filter_key(reversed(filter)));
  std::vector<NetshCommand> commands;
  for (const Rule& other : policy.rules) {
    const auto& filters = context.filters_of(other);
    const bool is_partner = is_active_tunnel(context, other) && context.is_local(*other.tunnel_endpoint) &&
                            std::any_of(filters.begin(), filters.end(),
                                        [&](const Filter& filter) { return opposite.contains(filter_key(filter)); });
    if (&other != &rule && !is_partner) continue;
    commands.push_back(
        NetshCommand("set rule").text("name", other.name).text("policy", policy.name).word("activate", "no"));
  }
  return commands;
}

// Neither is simply the more specific one, which would be a tunnel within a tunnel's traffic and decides.
bool compete(const HostFilter& a, const HostFilter& b) {
  if (a.rule == b.rule || a.inbound || b.inbound || !a.tunnel_destination || !b.tunnel_destination) return false;
  if (a.tunnel_destination == b.tunnel_destination || !intersection(a.selector, b.selector)) return false;
  return a.selector == b.selector || (!a.selector.contains(b.selector) && !b.selector.contains(a.selector));
}

// The addresses that are at both ends of a tunnel; nullopt: none, or an end that is everything, which is how a way to
// the rest of the world is written.
std::optional<AddressRange> both_ends(const HostFilter& tunnel) {
  if (tunnel.selector.source.is_any() || tunnel.selector.destination.is_any()) return std::nullopt;
  const auto common = intersection(tunnel.selector.source, tunnel.selector.destination);
  // What a host sends to itself leaves it by no interface.
  return common && !common->is_host() ? common : std::nullopt;
}

// The packets of the tunnel that stay where they are, and what decides over them.
bool goes_into_tunnel(const PolicyOnHost& host, const HostFilter& tunnel, const AddressRange& local) {
  Selector inside = tunnel.selector;
  inside.source = inside.destination = local;
  const auto decides = std::find_if(host.filters.begin(), host.filters.end(), [&](const HostFilter& filter) {
    return filter.inbound == tunnel.inbound && filter.selector.contains(inside);
  });
  return decides != host.filters.end() && decides->tunnel_destination.has_value();
}

std::vector<NetshCommand> permit_local(const Context& context, const Policy& policy, const Rule& rule,
                                       const AddressRange& local) {
  const std::string list =
      free_name(context.tree().filter_lists, fmt::format("{} (local)", context.list_of(rule)->name));
  const std::string action = free_name(context.tree().filter_actions, "Permit (local)");
  Filter filter;
  filter.source = filter.destination = local;
  return {NetshCommand("add filter").text("filterlist", list).selector(filter),
          NetshCommand("add filteraction").text("name", action).word("action", "permit"),
          NetshCommand("add rule")
              .text("name", free_name(policy.rules, fmt::format("{} (local)", rule.name)))
              .text("policy", policy.name)
              .text("filterlist", list)
              .text("filteraction", action)};
}

}  // namespace

void check_tunnel_incomplete(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    for (const Rule& rule : policy->rules) {
      if (!is_active_tunnel(context, rule)) continue;
      const std::vector<Filter> lone = lone_filters(context, *policy, rule);
      if (lone.empty()) continue;
      report.add({policy->name, rule_label(rule.name, policy->name),
                  fmt::format("no active tunnel rule of the policy has the opposite of '{}': packets of that direction "
                              "are neither sent into the tunnel nor taken from it. A tunnel takes two rules, one with "
                              "the peer as its endpoint and one with an address of this computer",
                              filter_text(lone.front())),
                  add_opposite(context, *policy, rule, lone)});
    }
  }
}

void check_tunnel_overlap(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    const PolicyOnHost* host = context.on_host(*policy);
    if (host == nullptr) continue;
    std::vector<const HostFilter*> tunnels;
    for (const HostFilter& filter : host->filters) {
      if (filter.tunnel_destination && !filter.inbound) tunnels.push_back(&filter);
    }
    std::unordered_set<std::string> told;
    for (auto later = tunnels.begin(); later != tunnels.end(); ++later) {
      const auto earlier =
          std::find_if(tunnels.begin(), later, [&](const auto* one) { return compete(*one, **later); });
      if (earlier == later || !told.insert((*earlier)->rule.text + (*later)->rule.text).second) continue;
      const Rule* winner = find_rule_by_guid(*policy, (*earlier)->rule);
      const Rule* loser = find_rule_by_guid(*policy, (*later)->rule);
      if (winner == nullptr || loser == nullptr) continue;
      report.add({policy->name, rule_label(loser->name, policy->name),
                  fmt::format("its tunnel to {} and that of rule '{}' to {} both want the packets {}; rule '{}' gets "
                              "them. Make the filters of one of the two narrower, or take one tunnel out of force",
                              (*later)->tunnel_destination->to_string(), winner->name,
                              (*earlier)->tunnel_destination->to_string(),
                              intersection((*earlier)->selector, (*later)->selector)->to_string(), winner->name),
                  deactivate_tunnel(context, *policy, *loser)});
    }
  }
}

void check_tunnel_networks_overlap(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    const PolicyOnHost* host = context.on_host(*policy);
    if (host == nullptr) continue;
    std::unordered_set<std::string> told;
    for (const HostFilter& tunnel : host->filters) {
      if (!tunnel.tunnel_destination || tunnel.inbound) continue;
      const auto local = both_ends(tunnel);
      const Rule* rule = find_rule_by_guid(*policy, tunnel.rule);
      if (!local || rule == nullptr || !goes_into_tunnel(*host, tunnel, *local)) continue;
      if (!told.insert(rule->guid.text).second) continue;
      const bool same = tunnel.selector.source == tunnel.selector.destination;
      report.add({policy->name, rule_label(rule->name, policy->name),
                  fmt::format("{} is at both ends of its tunnel: what this computer sends to its own neighbours there "
                              "goes into the tunnel to {}. {}",
                              local->to_string(), tunnel.tunnel_destination->to_string(),
                              same ? "No route can tell the two networks apart; give one of them other addresses"
                                   : "A more specific rule keeps local packets out of it"),
                  same ? deactivate_tunnel(context, *policy, *rule) : permit_local(context, *policy, *rule, *local)});
    }
  }
}

}  // namespace ipsec::store::lint
