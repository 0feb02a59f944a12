#include "services/policyagent/shell/generic_main_mode.h"

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "services/common/rpc/convert.h"

namespace ipsec::agent {

namespace {

bool is_local(const proto::CompiledPolicyReply& reply, const proto::Address& address) {
  for (const proto::Address& local : reply.driver().local_addresses()) {
    if (local.octets() == address.octets()) return true;
  }
  return false;
}

std::string text_of(const proto::Address& message) {
  const auto address = rpc::from_proto(message, "");
  return address.ok() ? address->to_string() : "";
}

}  // namespace

void add_generic_main_mode_filters(proto::CompiledPolicyReply& reply) {
  std::map<std::string, const proto::MainModeFilter*> by_rule;
  for (const proto::MainModeFilter& filter : reply.ike().main_mode_filters())
    by_rule.emplace(filter.rule_name(), &filter);
  std::set<std::tuple<std::string, std::string, std::string>> known;
  for (const proto::GenericFilter& written : reply.generic_filters()) {
    const auto specific = by_rule.find(written.rule_name());
    if (written.action() != proto::ACTION_NEGOTIATE || specific == by_rule.end()) continue;
    const bool is_tunnel = written.has_tunnel_endpoint();
    if (is_tunnel && is_local(reply, written.tunnel_endpoint())) continue;
    const std::string source = is_tunnel ? "Me" : written.source();
    const std::string destination = is_tunnel ? text_of(written.tunnel_endpoint()) : written.destination();
    if (!known.emplace(written.rule_name(), source, destination).second) continue;
    proto::GenericMainModeFilter& filter = *reply.add_generic_main_mode_filters();
    filter.set_rule_name(written.rule_name());
    filter.set_source(source);
    filter.set_destination(destination);
    filter.set_connection_type(written.connection_type());
    filter.set_main_mode_policy(specific->second->main_mode_policy());
    *filter.mutable_authentication() = specific->second->authentication();
  }
}

}  // namespace ipsec::agent
