#include "tests/policyagent/core/policy_builder.h"

#include <map>

namespace ipsec::agent::tests {
namespace {

using store::AddressKeyword;

class Describer {
 public:
  explicit Describer(bool with_ids) : with_ids_(with_ids) {}

  template <typename... T>
  void line(fmt::format_string<T...> format, T&&... values) {
    text_ += fmt::format(format, std::forward<T>(values)...) + "\n";
  }
  std::string id(std::uint64_t value) {
    if (value == 0) return "-";
    if (with_ids_) return fmt::format("{:016x}", value);
    return fmt::format("#{}", numbers_.try_emplace(value, numbers_.size() + 1).first->second);
  }
  std::string take() { return std::move(text_); }

 private:
  bool with_ids_;
  std::map<std::uint64_t, std::size_t> numbers_;
  std::string text_;
};

std::string text(const store::AuthenticationMethod& method) {
  if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&method)) {
    return fmt::format("psk({})", key->key.size());
  }
  if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&method)) {
    return fmt::format("certificate({})", certificate->root_ca);
  }
  return "kerberos";
}

std::string text(const std::vector<store::AuthenticationMethod>& methods) {
  std::string all;
  for (const auto& method : methods) all += (all.empty() ? "" : ", ") + text(method);
  return all;
}

std::string text(const store::QuickModeOffer& offer) {
  std::string all;
  if (offer.ah) all += fmt::format("AH[{}]", info(*offer.ah).name);
  if (offer.esp) {
    all += fmt::format("{}ESP[{},{}]", all.empty() ? "" : "+", info(offer.esp->cipher).name,
                       info(offer.esp->integrity).name);
  }
  return fmt::format("{}:{}k/{}s", all, offer.lifetime_kilobytes, offer.lifetime_seconds);
}

void describe_filter(Describer& out, std::size_t place, const SpecificFilter& f) {
  std::string tunnel;
  if (f.tunnel_destination) {
    tunnel = fmt::format(" tunnel {} -> {}", f.tunnel_source ? f.tunnel_source->to_string() : "?",
                         f.tunnel_destination->to_string());
  }
  const std::string id = out.id(f.id);
  const std::string mirror = out.id(f.mirror_id);
  const std::string generic = out.id(f.generic_id);
  out.line("filter {} weight {:012x} {} {} {}{}{}{} | {} mirror {} generic {} | rule {} list {} action {}{}", place,
           f.weight, name(f.direction), name(f.action), f.selector.to_string(), tunnel,
           f.inbound_passthrough ? " passthrough" : "", f.allow_soft ? " soft" : "", id, mirror, generic, f.rule_name,
           f.filter_list_name, f.filter_action_name,
           f.quick_mode_policy.empty() ? "" : " quick mode " + f.quick_mode_policy);
}

void describe_quick_mode(Describer& out, std::string_view what, const QuickModePolicy& policy) {
  out.line("{} {} pfs {} {}", what, policy.name, policy.pfs, info(policy.pfs_group).name);
  for (const auto& offer : policy.offers) out.line("  {}", text(offer));
}

}  // namespace

store::FilterAddress side(const std::string& text) {
  static const std::map<std::string, AddressKeyword> kKeywords = {
      {"me", AddressKeyword::kMe},     {"any", AddressKeyword::kAny},   {"dns", AddressKeyword::kDns},
      {"wins", AddressKeyword::kWins}, {"dhcp", AddressKeyword::kDhcp}, {"gateway", AddressKeyword::kGateway}};
  const auto keyword = kKeywords.find(text);
  if (keyword != kKeywords.end()) return keyword->second;
  return range(text);
}

store::Filter filter(const std::string& source, const std::string& destination, std::uint8_t protocol,
                     std::uint16_t source_port, std::uint16_t destination_port, bool mirrored) {
  store::Filter made;
  made.source = side(source);
  made.destination = side(destination);
  made.protocol = protocol;
  made.source_port = source_port;
  made.destination_port = destination_port;
  made.mirrored = mirrored;
  return made;
}

store::Filter one_way(store::Filter filter) {
  filter.mirrored = false;
  return filter;
}

store::AuthenticationMethod preshared_key(std::string_view key) {
  return store::PresharedKeyAuthentication{SecretBytes(key)};
}

PolicyBuilder::PolicyBuilder() {
  store::Policy policy;
  policy.guid = next_guid();
  policy.name = "Test";
  policy.isakmp.offers = {store::MainModeOffer{}};
  policy.default_response.active = false;
  tree_.assigned = policy.guid;
  tree_.policies.push_back(std::move(policy));
}

store::Rule& PolicyBuilder::rule(const std::string& name, store::Action action, std::vector<store::Filter> filters) {
  store::FilterList list;
  list.guid = next_guid();
  list.name = name + " list";
  list.filters = std::move(filters);
  for (store::Filter& filter : list.filters.edit()) filter.guid = next_guid();
  store::FilterAction filter_action;
  filter_action.guid = next_guid();
  filter_action.name = name + " action";
  filter_action.action = action;
  if (action == store::Action::kNegotiate) {
    store::QuickModeOffer offer;
    offer.esp = store::QuickModeOffer::Esp{};
    filter_action.offers = {offer};
  }
  store::Rule rule;
  rule.guid = next_guid();
  rule.name = name;
  rule.filter_list = list.guid;
  rule.filter_action = filter_action.guid;
  rule.authentication.push_back(preshared_key("secret"));
  tree_.filter_lists.push_back(std::move(list));
  tree_.filter_actions.push_back(std::move(filter_action));
  policy().rules.push_back(std::move(rule));
  return policy().rules.back();
}

store::FilterAction& PolicyBuilder::action_of(const store::Rule& rule) {
  for (store::FilterAction& action : tree_.filter_actions) {
    if (action.guid == rule.filter_action) return action;
  }
  std::abort();
}

store::Guid PolicyBuilder::next_guid() { return {fmt::format("00000000-0000-0000-0000-{:012}", ++guids_)}; }

HostAddresses lan_host(const std::vector<std::string>& addresses) {
  HostAddresses host;
  add_interface(host, "eth0", InterfaceKind::kLan, addresses);
  return host;
}

void add_interface(HostAddresses& host, const std::string& name, InterfaceKind kind,
                   const std::vector<std::string>& addresses) {
  Interface interface {
    name, kind, true, {}
  };
  for (const std::string& text : addresses) {
    const auto slash = text.find('/');
    interface.addresses.push_back(
        {address(text.substr(0, slash)), static_cast<unsigned>(std::stoul(text.substr(slash + 1)))});
  }
  host.interfaces.push_back(std::move(interface));
}

std::string describe(const CompiledPolicy& policy, bool with_ids) {
  Describer out(with_ids);
  out.line("policy '{}' {} profile {} polling {}", policy.policy_name, policy.active ? "active" : "inactive",
           name(policy.profile), policy.polling_interval_minutes);
  for (const IpAddress& local : policy.local_addresses) out.line("local {}", local.to_string());
  for (const GenericFilter& g : policy.generic_filters) {
    out.line("generic {} {} -> {} {} {}:{} mirrored {} {} rule {} connection {}", out.id(g.id), g.source, g.destination,
             protocol_name(g.protocol), g.source_port, g.destination_port, g.mirrored, name(g.action), g.rule_name,
             name(g.connection_type));
  }
  for (std::size_t i = 0; i < policy.filters.size(); ++i) describe_filter(out, i, policy.filters[i]);
  for (const MainModePolicy& m : policy.main_mode_policies) {
    out.line("main mode {} {}s limit {} pfs {}", m.name, m.lifetime_seconds, m.quick_mode_limit, m.master_pfs);
    for (const auto& o : m.offers) {
      out.line("  {}-{}-{}", info(o.cipher).name, info(o.integrity).name, info(o.group).name);
    }
  }
  for (const MainModeFilter& m : policy.main_mode_filters) {
    out.line("main mode filter weight {:012x} {} <-> {} policy {} rule {} by {}", m.weight, m.local.to_string(),
             m.remote.to_string(), m.main_mode_policy, m.rule_name, text(m.authentication));
  }
  for (const QuickModePolicy& q : policy.quick_mode_policies) describe_quick_mode(out, "quick mode", q);
  if (policy.default_response.active) {
    describe_quick_mode(out, "default response", policy.default_response.quick_mode_policy);
    out.line("  by {}", text(policy.default_response.authentication));
  }
  for (const PolicyProblem& p : policy.problems) {
    out.line("{} {}: {}: {}", name(p.severity), p.name, p.object, p.text);
  }
  return out.take();
}

}  // namespace ipsec::agent::tests
