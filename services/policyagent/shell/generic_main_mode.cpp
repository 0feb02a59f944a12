#include "services/policyagent/shell/generic_main_mode.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "services/common/rpc/convert.h"
#include "services/policyagent/shell/policy_conversion.h"

namespace ipsec::agent {

std::vector<proto::GenericMainModeFilter> generic_main_mode_filters(const CompiledPolicy& policy) {
  std::map<std::string_view, const MainModeFilter*> by_rule;
  for (const MainModeFilter& filter : policy.main_mode_filters) by_rule.emplace(filter.rule_name, &filter);
  std::set<std::tuple<std::string_view, std::string, std::string>> known;
  std::vector<proto::GenericMainModeFilter> filters;
  for (const GenericFilter& written : policy.generic_filters) {
    const auto specific = by_rule.find(written.rule_name);
    if (written.action != store::Action::kNegotiate || specific == by_rule.end()) continue;
    const auto& endpoint = written.tunnel_endpoint;
    if (endpoint && std::binary_search(policy.local_addresses.begin(), policy.local_addresses.end(), *endpoint)) {
      continue;
    }
    const std::string source = endpoint ? "Me" : written.source;
    const std::string destination = endpoint ? endpoint->to_string() : written.destination;
    if (!known.emplace(written.rule_name, source, destination).second) continue;
    proto::GenericMainModeFilter& filter = filters.emplace_back();
    filter.set_rule_name(written.rule_name);
    filter.set_source(source);
    filter.set_destination(destination);
    filter.set_connection_type(std::string(name(written.connection_type)));
    filter.set_main_mode_policy(specific->second->main_mode_policy);
    *filter.mutable_authentication() = to_proto(*specific->second, Secrets::kLeaveOut).authentication();
  }
  return filters;
}

}  // namespace ipsec::agent
