#pragma once

#include <functional>
#include <string>

#include "cli/agent.h"
#include "cli/command.h"
#include "cli/commands/outcome.h"
#include "cli/format.h"
#include "cli/ipseccmd.h"
#include "cli/scope.h"

// One function for each command, in one file for each noun. None of them prints.
namespace ipsec::cli {

// Names and addresses, as this machine resolves them.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // The first address of the name.
  virtual Result<IpAddress> address_of(const std::string& name) = 0;
  // Empty if the address has no name.
  virtual std::string name_of(const IpAddress& address) = 0;
};

// What commands work with. Borrowed for the call.
struct Services {
  Agent& agent;
  Resolver& resolver;
  std::function<std::int64_t()> now;  // UTC seconds
  bool json = false;                  // every `show` as JSON
  // Connections of the administrator to this host, as packets that come in; empty: not known.
  std::vector<FiveTuple> sessions = {};
  // Prints before a command has its effect, which may be the end of the connection. Not set: nothing is said.
  std::function<void(std::string_view)> warn = {};
  // The store and the batch of this netsh, in front of its agent; null: neither can be set.
  AgentScope* scope = nullptr;
};

// Carries out any command of the grammar.
Outcome run_command(const Command& command, Services& services);

// ---- for the files of the nouns -------------------------------------------------------------------------------------

// Sends changes; all are made or none. No change at all is no call and no error.
Outcome apply_changes(Services& services, const proto::ApplyRequest& changes);
Outcome apply_change(Services& services, proto::Change change);
ShowOptions show_options(const Command& command, Services& services);
bool wants_json(const Command& command, const Services& services);
std::string command_name(const Command& command);  // "static show policy"
Outcome json_outcome(const Command& command, const google::protobuf::Message& message);

// Everything in the store, with rules and filters.
Result<proto::ReadReply> read_everything(Services& services);
// The JSON form of everything, which holds the preshared keys in clear where they were asked for.
Result<proto::ExportReply> export_everything(Services& services, bool with_secrets);
proto::ReadRequest read_request(proto::ReadRequest::Kind kind, const Command& command, bool with_children);

// The end of a tunnel as an address: a name is resolved here, when the rule is made. kNotFound.
Result<proto::Address> tunnel_end(const AddressValue& value, Services& services);

// policy.cpp
Outcome add_policy(const Command& command, Services& services);
Outcome set_policy(const Command& command, Services& services);
Outcome delete_policy(const Command& command, Services& services);
Outcome show_policy(const Command& command, Services& services);
// rule.cpp
Outcome add_rule(const Command& command, Services& services);
Outcome set_rule(const Command& command, Services& services);
Outcome set_default_rule(const Command& command, Services& services);
Outcome delete_rule(const Command& command, Services& services);
Outcome show_rule(const Command& command, Services& services);
// filter_list.cpp
Outcome add_filter_list(const Command& command, Services& services);
Outcome set_filter_list(const Command& command, Services& services);
Outcome delete_filter_list(const Command& command, Services& services);
Outcome show_filter_list(const Command& command, Services& services);
// filter.cpp
Outcome add_filter(const Command& command, Services& services);
Outcome delete_filter(const Command& command, Services& services);
// filter_action.cpp
Outcome add_filter_action(const Command& command, Services& services);
Outcome set_filter_action(const Command& command, Services& services);
Outcome delete_filter_action(const Command& command, Services& services);
Outcome show_filter_action(const Command& command, Services& services);
// store.cpp
Outcome delete_all(const Command& command, Services& services);
Outcome show_stored(const Command& command, Services& services);
Outcome show_store(const Command& command, Services& services);
Outcome export_policies(const Command& command, Services& services);
Outcome import_policies(const Command& command, Services& services);
// lint.cpp
Outcome lint(const Command& command, Services& services);
Outcome lint_running(const Command& command, Services& services);
// Warns if this policy would cut off who assigns it. Never fails: the policy is assigned all the same.
void warn_of_lockout(const Command& set_policy, Services& services);
Outcome set_store(const Command& command, Services& services);
Outcome set_batch(const Command& command, Services& services);
Outcome show_gpo_assigned_policy(const Command& command, Services& services);
// policy_examples.cpp
Outcome restore_policy_examples(const Command& command, Services& services);
// dump.cpp
Outcome dump_stored(const Command& command, Services& services);
Outcome dump_running(const Command& command, Services& services);
Outcome dump_both(const Command& command, Services& services);
// dynamic_policy.cpp
Outcome add_main_mode_policy(const Command& command, Services& services);
Outcome set_main_mode_policy(const Command& command, Services& services);
Outcome delete_main_mode_policy(const Command& command, Services& services);
Outcome add_quick_mode_policy(const Command& command, Services& services);
Outcome set_quick_mode_policy(const Command& command, Services& services);
Outcome delete_quick_mode_policy(const Command& command, Services& services);
// dynamic_rule.cpp
Outcome add_running_rule(const Command& command, Services& services);
Outcome set_running_rule(const Command& command, Services& services);
Outcome delete_running_rule(const Command& command, Services& services);
// running_state.cpp
Outcome delete_running(const Command& command, Services& services);
Outcome set_config(const Command& command, Services& services);
Outcome show_config(const Command& command, Services& services);
Outcome show_exemptions(const Command& command, Services& services);
// ipseccmd.cpp
Outcome run_ipseccmd(const Ipseccmd& command, Services& services);
// main_mode.cpp
Outcome show_main_mode_policy(const Command& command, Services& services);
Outcome show_main_mode_filter(const Command& command, Services& services);
Outcome show_certificates(const Command& command, Services& services);
Outcome show_main_mode_sas(const Command& command, Services& services);
// export_keys.cpp
Outcome export_keys(const Command& command, Services& services);
// negotiations.cpp
Outcome show_negotiations(const Command& command, Services& services);
// quick_mode.cpp
Outcome show_quick_mode_policy(const Command& command, Services& services);
Outcome show_quick_mode_filter(const Command& command, Services& services);
Outcome show_running_rule(const Command& command, Services& services);
Outcome show_quick_mode_sas(const Command& command, Services& services);
// statistics.cpp
Outcome show_statistics(const Command& command, Services& services);
Outcome show_status(const Command& command, Services& services);
Outcome show_events(const Command& command, Services& services);
Outcome show_running(const Command& command, Services& services);
Outcome refresh(const Command& command, Services& services);
// security_association.cpp
Outcome add_sa(const Command& command, Services& services);
Outcome delete_sa(const Command& command, Services& services);
Outcome show_sas(const Command& command, Services& services);
// trace.cpp
Outcome trace_packets(const Command& command, Services& services);
Outcome explain_packet(const Command& command, Services& services);

}  // namespace ipsec::cli
