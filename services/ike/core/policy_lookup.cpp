#include "services/ike/core/policy_lookup.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/explain.h"
#include "services/ike/core/limits.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

template <typename List>
auto find_named(const List& list, const std::string& name) -> decltype(list.data()) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.name == name; });
  return found != list.end() ? &*found : nullptr;
}

constexpr std::string_view kWindows2003 = "windows2003";

void add_once(std::vector<std::uint16_t>& methods, std::uint16_t method) {
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
}

// What a rule's authentication methods come to on this host. On the wire all authorities are one method, which stands
// where the first of them does.
void add_methods(const std::vector<AuthenticationMethod>& methods, const CertificateSummary& own, MainModeRule& rule) {
  for (const AuthenticationMethod& method : methods) {
    if (const auto* psk = std::get_if<PresharedKeyMethod>(&method)) {
      if (rule.preshared_key.empty()) rule.preshared_key = psk->key;
      add_once(rule.methods, phase1::kMethodPresharedKey);
    } else if (const auto* certificate = std::get_if<CertificateMethod>(&method)) {
      rule.certificates.authorities.push_back(*certificate);
      for (const SignatureMethod signature : own.methods) {
        // AUC-11
        const bool allowed = !rule.certificates.windows2003 || signature == SignatureMethod::kRsa;
        if (allowed) add_once(rule.methods, static_cast<std::uint16_t>(signature));
      }
    }
  }
}

struct Candidate {
  std::uint64_t filter_id;
  const std::string* rule_name;
  const std::string* policy_name;
  const std::vector<AuthenticationMethod>* authentication;
};

const MainModeFilter* best_filter(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer) {
  const MainModeFilter* best = nullptr;
  for (const MainModeFilter& filter : policy.main_mode_filters) {
    if (!filter.local.contains(local) || !filter.remote.contains(peer)) continue;
    if (best == nullptr || filter.weight > best->weight) best = &filter;
  }
  return best;
}

// The text as Candidate borrows it.
const std::string& default_response_name() {
  static const std::string name(kDefaultResponseRule);
  return name;
}

bool has_dynamic_filter(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer) {
  return std::any_of(policy.filters.begin(), policy.filters.end(), [&](const Filter& filter) {
    return filter.dynamic && filter.direction == Direction::kOutbound && filter.selector.source.contains(local) &&
           filter.selector.destination.contains(peer);
  });
}

std::optional<Candidate> find_candidate(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer,
                                        bool as_responder) {
  if (const MainModeFilter* filter = best_filter(policy, local, peer)) {
    return Candidate{filter->id, &filter->rule_name, &filter->main_mode_policy, &filter->authentication};
  }
  if (policy.default_response.active && (as_responder || has_dynamic_filter(policy, local, peer))) {
    const DefaultResponse& rule = policy.default_response;
    return Candidate{0, &default_response_name(), &rule.main_mode_policy, &rule.authentication};
  }
  return std::nullopt;
}

std::uint64_t inbound_filter_id(const IkePolicy& policy, const Filter& outbound, const Selector& outbound_selector) {
  if (outbound.mirror_id != 0) return outbound.mirror_id;
  const Selector inbound = outbound_selector.mirrored();
  const Filter* best = nullptr;
  for (const Filter& filter : policy.filters) {
    if (filter.direction != Direction::kInbound || !filter.selector.contains(inbound)) continue;
    if (best == nullptr || filter.index < best->index) best = &filter;
  }
  return best != nullptr ? best->id : 0;
}

QuickModeRule rule_of(const IkePolicy& policy, const Filter& filter, const Selector& outbound) {
  return {filter.id,
          inbound_filter_id(policy, filter, outbound),
          filter.encapsulation(),
          *find_named(policy.quick_mode_policies, filter.quick_mode_policy),
          filter.rule_name,
          fmt::format("filter {} of list '{}'", filter.selector.to_string(), filter.filter_list_name),
          filter.dynamic};
}

bool is_negotiated_outbound(const Filter& filter) {
  return filter.direction == Direction::kOutbound && filter.action == FilterAction::kNegotiate;
}

std::vector<std::string> main_mode_filters(const IkePolicy& policy) {
  std::vector<std::string> texts;
  for (const MainModeFilter& filter : policy.main_mode_filters) {
    if (texts.size() > kMaxTermsListed) break;
    texts.push_back(
        fmt::format("{} and {} (rule '{}')", filter.local.to_string(), filter.remote.to_string(), filter.rule_name));
  }
  return shortened(std::move(texts));
}

std::vector<std::string> method_names(const std::vector<AuthenticationMethod>& methods) {
  std::vector<std::string> names;
  names.reserve(methods.size());
  for (const AuthenticationMethod& method : methods) {
    names.emplace_back(std::holds_alternative<KerberosMethod>(method)      ? "Kerberos"
                       : std::holds_alternative<CertificateMethod>(method) ? "certificate"
                                                                           : "preshared key");
  }
  return names;
}

Failure no_usable_method(const Candidate& candidate, const MainModeRule& rule, const CertificateSummary& own) {
  if (rule.certificates.authorities.empty()) {
    return {FailureReason::kUnsupportedMethod,
            fmt::format("rule '{}' has neither a preshared key nor a certificate among its {} authentication methods",
                        rule.rule_name, candidate.authentication->size()),
            {{"preshared key", "certificate"}, method_names(*candidate.authentication)}};
  }
  return {
      FailureReason::kNoCertificate,
      fmt::format("rule '{}' authenticates by certificate, and this host has none with a private key{} in {}/own",
                  rule.rule_name, rule.certificates.windows2003 ? " of RSA (profile windows2003)" : "", own.directory),
      {{}, method_names(*candidate.authentication)}};
}

// 0: holds it; 1: in part; 2: not at all.
template <typename Range>
int distance(const Range& filter, const Range& asked, bool overlap) {
  if (filter.contains(asked)) return 0;
  return overlap ? 1 : 2;
}

bool overlap(const PortRange& a, const PortRange& b) { return a.first <= b.last && b.first <= a.last; }

int distance(const AddressRange& filter, const AddressRange& asked) {
  if (filter.family() != asked.family()) return 8;
  return distance(filter, asked, intersection(filter, asked).has_value());
}

int distance(const Selector& filter, const Selector& asked) {
  const bool wider = filter.protocol == kProtocolAny || filter.protocol == asked.protocol;
  const int protocol = wider ? 0 : asked.protocol == kProtocolAny ? 1 : 2;
  return distance(filter.source, asked.source) + distance(filter.destination, asked.destination) + protocol +
         distance(filter.source_port, asked.source_port, overlap(filter.source_port, asked.source_port)) +
         distance(filter.destination_port, asked.destination_port,
                  overlap(filter.destination_port, asked.destination_port));
}

bool ends_fit(const Filter& filter, const IpAddress& local, const IpAddress& peer) {
  if (filter.encapsulation() == Encapsulation::kTransport) return true;
  return filter.tunnel_destination == peer && (!filter.tunnel_source || *filter.tunnel_source == local);
}

}  // namespace

PolicyNames::PolicyNames(const std::vector<MainModePolicy>& main_mode, const std::vector<QuickModePolicy>& quick_mode) {
  for (const MainModePolicy& each : main_mode) main_mode_.insert(each.name);
  for (const QuickModePolicy& each : quick_mode) quick_mode_.insert(each.name);
}

Status PolicyNames::check(const MainModeFilter& filter) const {
  if (main_mode_.contains(filter.main_mode_policy)) return {};
  return invalid(fmt::format("main mode filter of rule '{}': no main mode policy '{}'", filter.rule_name,
                             filter.main_mode_policy));
}

Status PolicyNames::check(const Filter& filter) const {
  if (filter.action != FilterAction::kNegotiate || quick_mode_.contains(filter.quick_mode_policy)) return {};
  return invalid(
      fmt::format("filter of rule '{}': no quick mode policy '{}'", filter.rule_name, filter.quick_mode_policy));
}

Status PolicyNames::check(const DefaultResponse& response) const {
  if (!response.active || main_mode_.contains(response.main_mode_policy)) return {};
  return invalid(fmt::format("default response rule: no main mode policy '{}'", response.main_mode_policy));
}

bool is_unassigned(const IkePolicy& policy) {
  return policy.policy_name.empty() && policy.filters.empty() && !policy.default_response.active;
}

Choice<MainModeRule> find_main_mode_rule(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer,
                                         bool as_responder, const CertificateSummary& own) {
  const auto candidate = find_candidate(policy, local, peer, as_responder);
  if (!candidate) {
    return Failure{
        FailureReason::kNoMainModeFilter,
        fmt::format("no main mode filter of policy '{}' covers {} and {}{}", policy.policy_name, local.to_string(),
                    peer.to_string(), as_responder ? without_default_response(policy) : ""),
        {{fmt::format("{} and {}", local.to_string(), peer.to_string())}, main_mode_filters(policy)},
        explain_unknown_peer(policy, local, peer)};
  }
  MainModeRule rule{candidate->filter_id,
                    *candidate->rule_name,
                    *find_named(policy.main_mode_policies, *candidate->policy_name),
                    {},
                    {},
                    {},
                    {}};
  rule.certificates.crl_level = policy.strong_crl_check;
  rule.certificates.windows2003 = policy.profile == kWindows2003;
  rule.certificates.rule_name = rule.rule_name;
  add_methods(*candidate->authentication, own, rule);
  if (rule.methods.empty()) return no_usable_method(*candidate, rule, own);
  if (!rule.certificates.authorities.empty())
    rule.certificate_requests = certificate_requests(own, rule.certificates.authorities);
  return rule;
}

std::optional<MainModeTerms> find_main_mode_terms(const IkePolicy& policy, const IpAddress& local,
                                                  const IpAddress& peer) {
  const auto candidate = find_candidate(policy, local, peer, true);
  if (!candidate) return std::nullopt;
  return MainModeTerms{find_named(policy.main_mode_policies, *candidate->policy_name), candidate->authentication,
                       *candidate->rule_name};
}

const Filter* find_filter(const IkePolicy& policy, std::uint64_t filter_id) {
  const auto found = std::find_if(policy.filters.begin(), policy.filters.end(), [&](const Filter& filter) {
    return filter.id == filter_id && is_negotiated_outbound(filter);
  });
  return found != policy.filters.end() ? &*found : nullptr;
}

std::vector<std::string> negotiating_filters(const IkePolicy& policy) {
  std::vector<std::string> texts;
  std::size_t more = 0;
  for (const Filter& filter : policy.filters) {
    if (!is_negotiated_outbound(filter)) continue;
    if (texts.size() == kMaxTermsListed) {
      ++more;
      continue;
    }
    texts.push_back(fmt::format("{} in {} mode (rule '{}')", filter.selector.to_string(), name(filter.encapsulation()),
                                filter.rule_name));
  }
  if (more != 0) texts.push_back(fmt::format("and {} more", more));
  return texts;
}

const Filter* nearest_filter(const IkePolicy& policy, const Selector& outbound) {
  const Filter* best = nullptr;
  int least = 0;
  for (const Filter& filter : policy.filters) {
    if (!is_negotiated_outbound(filter)) continue;
    const int found = distance(filter.selector, outbound);
    if (best != nullptr && (found > least || (found == least && filter.index >= best->index))) continue;
    best = &filter;
    least = found;
  }
  return best;
}

const MainModeFilter* nearest_main_mode_filter(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer) {
  const MainModeFilter* best = nullptr;
  int least = 0;
  for (const MainModeFilter& filter : policy.main_mode_filters) {
    const int found =
        distance(filter.local, AddressRange::host(local)) + distance(filter.remote, AddressRange::host(peer));
    if (best != nullptr && (found > least || (found == least && filter.weight <= best->weight))) continue;
    best = &filter;
    least = found;
  }
  return best;
}

std::optional<QuickModeRule> find_quick_mode_rule(const IkePolicy& policy, std::uint64_t filter_id) {
  const Filter* filter = find_filter(policy, filter_id);
  if (filter == nullptr) return std::nullopt;
  return rule_of(policy, *filter, filter->selector);
}

std::optional<QuickModeRule> default_response_rule(const IkePolicy& policy) {
  if (!policy.default_response.active) return std::nullopt;
  return QuickModeRule{0,
                       0,
                       Encapsulation::kTransport,
                       policy.default_response.quick_mode_policy,
                       default_response_name(),
                       "the default response rule"};
}

std::string_view without_default_response(const IkePolicy& policy) {
  const bool is_silent = policy.policy_name.empty() || policy.default_response.active;
  return is_silent ? "" : "; default response inactive";
}

std::optional<QuickModeRule> match_quick_mode_rule(const IkePolicy& policy, const Selector& outbound,
                                                   Encapsulation encapsulation, const IpAddress& local,
                                                   const IpAddress& peer) {
  const Filter* best = nullptr;
  for (const Filter& filter : policy.filters) {
    if (!is_negotiated_outbound(filter) || filter.encapsulation() != encapsulation || !ends_fit(filter, local, peer))
      continue;
    if (!filter.selector.contains(outbound)) continue;
    if (best == nullptr || filter.index < best->index) best = &filter;
  }
  if (best == nullptr) return std::nullopt;
  return rule_of(policy, *best, outbound);
}

}  // namespace ipsec::ike
