#include "store/check_objects.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/check_offers.h"
#include "store/limits.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

void check_named(const Reporter& report, std::string_view name, std::string_view description) {
  check_name(report, "name", name);
  check_text(report, "description", description, kMaxDescriptionLength);
}

void check_tunnel_endpoint(const Reporter& report, const IpAddress& endpoint) {
  const bool broadcast = endpoint.is_v4() && endpoint == IpAddress::last(AddressFamily::kIpv4);
  if (!endpoint.is_unspecified() && !endpoint.is_multicast() && !endpoint.is_loopback() && !broadcast) return;
  report.add(kTunnelEndpointInvalid, "tunnel_endpoint",
             fmt::format("is {}; accepted is the unicast address of one computer", endpoint.to_string()));
}

}  // namespace

void check_policy_header(const Reporter& report, const Policy& policy) {
  check_named(report, policy.name, policy.description);
  check_range(report, "polling_interval_minutes", policy.polling_interval_minutes, 0, kMaxPollingIntervalMinutes,
              "minutes");
  const Reporter main_mode = report.in("main_mode");
  check_main_mode_offers(main_mode, policy.isakmp.offers);
  check_range(main_mode, "lifetime_minutes", policy.isakmp.lifetime_minutes, kMinMainModeLifetimeMinutes,
              kMaxMainModeLifetimeMinutes, "minutes");
}

void check_rule(const Reporter& report, const Rule& rule) {
  check_named(report, rule.name, rule.description);
  check_authentication(report, rule.authentication);
  if (rule.tunnel_endpoint) check_tunnel_endpoint(report, *rule.tunnel_endpoint);
}

void check_default_rule(const Reporter& report, const DefaultResponseRule& rule) {
  if (rule.offers.empty()) report.add(kOffersMissing, "offers", "there is no quick mode offer; at least one is needed");
  check_quick_mode_offers(report, rule.offers);
  if (rule.authentication.empty()) {
    report.add(kAuthenticationMissing, "authentication",
               "there is no authentication method; accepted are Kerberos, a preshared key or a certificate");
  }
  check_authentication(report, rule.authentication);
}

void check_filter_action(const Reporter& report, const FilterAction& action) {
  check_named(report, action.name, action.description);
  if (action.action == Action::kNegotiate && action.offers.empty()) {
    report.add(kOffersMissing, "offers", "action negotiate needs at least one quick mode offer");
  }
  if (action.action != Action::kNegotiate && !action.offers.empty()) {
    report.add(kActionInvalid, "offers",
               fmt::format("action {} takes no quick mode offers; accepted are offers with negotiate",
                           to_string(action.action)));
  }
  check_quick_mode_offers(report, action.offers);
}

void check_filter_list_header(const Reporter& report, const FilterList& list) {
  check_named(report, list.name, list.description);
}

void check_links(const Reporter& report, const Rule& rule, const FilterList* list, const FilterAction* action) {
  if (!list)
    report.add(kFilterListNotFound, "filter_list", "there is no such filter list; accepted is an existing one");
  if (!action) {
    report.add(kFilterActionNotFound, "filter_action", "there is no such filter action; accepted is an existing one");
  }
  if (action && action->action == Action::kNegotiate && rule.authentication.empty()) {
    report.add(kAuthenticationMissing, "authentication",
               fmt::format("filter action '{}' negotiates and the rule has no authentication method; accepted are "
                           "Kerberos, a preshared key or a certificate",
                           action->name));
  }
  if (!list || !rule.tunnel_endpoint) return;
  const auto mirrored =
      std::find_if(list->filters.begin(), list->filters.end(), [](const Filter& f) { return f.mirrored; });
  if (mirrored == list->filters.end()) return;
  report.add(kTunnelFilterMirrored, "filter_list",
             fmt::format("filter '{}' of filter list '{}' is mirrored; accepted in a tunnel rule are filters that are "
                         "not, with a second rule for the other direction",
                         filter_text(*mirrored), list->name));
}

}  // namespace ipsec::store
