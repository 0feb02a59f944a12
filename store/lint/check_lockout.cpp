#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "store/lint/checks.h"
#include "store/names.h"

// Whether those who administer this host over the network would still reach it.
namespace ipsec::store::lint {

namespace {

// What decides one direction of a session; null: no filter does, and it passes.
const HostFilter* decider(const PolicyOnHost& host, const FiveTuple& packet, bool inbound) {
  const auto found = std::find_if(host.filters.begin(), host.filters.end(), [&](const HostFilter& filter) {
    return filter.inbound == inbound && filter.selector.matches(packet);
  });
  return found == host.filters.end() ? nullptr : &*found;
}

enum class Path : std::uint8_t { kOpen, kNeedsIpsec, kBlocked };

Path path_of(const HostFilter* filter) {
  if (filter == nullptr || filter->action == Action::kPermit) return Path::kOpen;
  if (filter->action == Action::kBlock) return Path::kBlocked;
  return filter->accepts_clear ? Path::kOpen : Path::kNeedsIpsec;
}

struct Verdict {
  Path path = Path::kOpen;
  const HostFilter* filter = nullptr;  // that makes it so
};

// The worse of the two directions.
Verdict verdict(const PolicyOnHost& host, const FiveTuple& session) {
  const HostFilter* in = decider(host, session, true);
  const HostFilter* out = decider(host, session.reversed(), false);
  const bool is_out = path_of(out) > path_of(in);
  return {is_out ? path_of(out) : path_of(in), is_out ? out : in};
}

// Packets of the host to itself never meet a filter.
bool is_remote(const Context& context, const FiveTuple& session) {
  return !session.source.is_loopback() && !context.is_local(session.source);
}

Filter permit_of(const FiveTuple& session) {
  Filter filter;
  filter.source = AddressRange::host(session.source);
  filter.destination = AddressRange::host(session.destination);
  filter.protocol = session.protocol;
  filter.destination_port = session.destination_port;
  return filter;
}

// A permit of this session comes before a filter that holds more than it; one that is as narrow goes before a permit.
bool gives_way(const HostFilter& filter, const FiveTuple& session) {
  Selector permit;
  permit.source = AddressRange::host(session.source);
  permit.destination = AddressRange::host(session.destination);
  permit.protocol = session.protocol;
  permit.destination_port = PortRange::single(session.destination_port);
  if (!filter.inbound) permit = permit.mirrored();
  return filter.selector != permit && filter.selector.contains(permit);
}

template <typename T>
bool has_name(const std::vector<T>& objects, const std::string& name) {
  return std::any_of(objects.begin(), objects.end(),
                     [&](const T& object) { return fold_name(object.name) == fold_name(name); });
}

std::string free_name(const Context& context, const Policy& policy, const FiveTuple& session) {
  const std::string wanted =
      fmt::format("Administration from {} port {}", session.source.to_string(), session.destination_port);
  std::string name = wanted;
  for (int number = 2; has_name(policy.rules, name) || has_name(context.tree().filter_lists, name); ++number) {
    name = fmt::format("{} {}", wanted, number);
  }
  return name;
}

std::vector<NetshCommand> permit(const Context& context, const Policy& policy, const FiveTuple& session) {
  const std::string name = free_name(context, policy, session);
  std::vector<NetshCommand> commands = {
      NetshCommand("add filter").text("filterlist", name).selector(permit_of(session))};
  const auto& actions = context.tree().filter_actions;
  const auto permits = std::find_if(actions.begin(), actions.end(),
                                    [](const FilterAction& action) { return action.action == Action::kPermit; });
  const std::string action = permits == actions.end() ? name : permits->name;
  if (permits == actions.end()) {
    commands.push_back(NetshCommand("add filteraction").text("name", action).word("action", "permit"));
  }
  commands.push_back(NetshCommand("add rule")
                         .text("name", name)
                         .text("policy", policy.name)
                         .text("filterlist", name)
                         .text("filteraction", action));
  return commands;
}

std::vector<NetshCommand> deactivate(const Policy& policy, const Rule& rule) {
  return {NetshCommand("set rule").text("name", rule.name).text("policy", policy.name).word("activate", "no")};
}

std::string what_it_does(const Verdict& found) {
  return found.path == Path::kBlocked ? "blocks"
                                      : "secures (no clear packet passes, so the other side has to do IPsec too)";
}

void report_dynamic_rule(const Policy& policy, const std::string& name, const FiveTuple& session, const Verdict& found,
                         Report& report) {
  report.add({policy.name,
              fmt::format("dynamic rule {}", name),
              fmt::format("it {} the connection {} of an administrator ({} packets). `netsh ipsec dynamic delete rule` "
                          "takes it away",
                          what_it_does(found), session.to_string(), found.filter->inbound ? "inbound" : "outbound"),
              {}});
}

void report_session(const Context& context, const Policy& policy, const FiveTuple& session, const Verdict& found,
                    Report& report) {
  const auto& dynamic_rules = context.on_host(policy)->dynamic_rules;
  if (const auto dynamic = dynamic_rules.find(found.filter->rule.text); dynamic != dynamic_rules.end()) {
    return report_dynamic_rule(policy, dynamic->second, session, found, report);
  }
  const auto rule = std::find_if(policy.rules.begin(), policy.rules.end(),
                                 [&](const Rule& one) { return one.guid == found.filter->rule; });
  if (rule == policy.rules.end()) return;
  report.add({policy.name, rule_label(rule->name, policy.name),
              fmt::format("it {} the connection {} of an administrator ({} packets), which ends when the policy is "
                          "assigned. Permit it, or administer this host from its console",
                          what_it_does(found), session.to_string(), found.filter->inbound ? "inbound" : "outbound"),
              gives_way(*found.filter, session) ? permit(context, policy, session) : deactivate(policy, *rule)});
}

void check_sessions(const Context& context, Path path, Report& report) {
  for (const Policy* policy : context.policies()) {
    const PolicyOnHost* host = context.on_host(*policy);
    if (host == nullptr) continue;
    std::set<FiveTuple> told;  // one finding for all connections of one administrator
    for (const FiveTuple& session : context.facts().sessions) {
      const Verdict found = verdict(*host, session);
      if (found.path != path || !is_remote(context, session)) continue;
      FiveTuple without_source_port = session;
      without_source_port.source_port = 0;
      if (told.insert(without_source_port).second) report_session(context, *policy, session, found, report);
    }
  }
}

}  // namespace

void check_lockout(const Context& context, Report report) { check_sessions(context, Path::kBlocked, report); }

void check_lockout_without_ipsec(const Context& context, Report report) {
  check_sessions(context, Path::kNeedsIpsec, report);
}

}  // namespace ipsec::store::lint
