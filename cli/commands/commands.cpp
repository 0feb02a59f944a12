#include "cli/commands/commands.h"

#include "cli/arguments.h"
#include "cli/show_json.h"

namespace ipsec::cli {

namespace {

struct Handler {
  CommandId id;
  Outcome (*run)(const Command&, Services&);
};

constexpr Handler kHandlers[] = {
    {CommandId::kAddPolicy, add_policy},
    {CommandId::kAddRule, add_rule},
    {CommandId::kAddFilterList, add_filter_list},
    {CommandId::kAddFilter, add_filter},
    {CommandId::kAddFilterAction, add_filter_action},
    {CommandId::kSetPolicy, set_policy},
    {CommandId::kSetRule, set_rule},
    {CommandId::kSetDefaultRule, set_default_rule},
    {CommandId::kSetFilterList, set_filter_list},
    {CommandId::kSetFilterAction, set_filter_action},
    {CommandId::kDeletePolicy, delete_policy},
    {CommandId::kDeleteRule, delete_rule},
    {CommandId::kDeleteFilterList, delete_filter_list},
    {CommandId::kDeleteFilter, delete_filter},
    {CommandId::kDeleteFilterAction, delete_filter_action},
    {CommandId::kDeleteAll, delete_all},
    {CommandId::kShowPolicy, show_policy},
    {CommandId::kShowRule, show_rule},
    {CommandId::kShowFilterList, show_filter_list},
    {CommandId::kShowFilterAction, show_filter_action},
    {CommandId::kShowStored, show_stored},
    {CommandId::kShowStore, show_store},
    {CommandId::kExportPolicy, export_policies},
    {CommandId::kImportPolicy, import_policies},
    {CommandId::kLint, lint},
    {CommandId::kShowRunning, show_running},
    {CommandId::kShowMainModePolicy, show_main_mode_policy},
    {CommandId::kShowQuickModePolicy, show_quick_mode_policy},
    {CommandId::kShowMainModeFilter, show_main_mode_filter},
    {CommandId::kShowQuickModeFilter, show_quick_mode_filter},
    {CommandId::kShowRunningRule, show_running_rule},
    {CommandId::kShowCertificates, show_certificates},
    {CommandId::kShowMainModeSas, show_main_mode_sas},
    {CommandId::kShowQuickModeSas, show_quick_mode_sas},
    {CommandId::kShowNegotiations, show_negotiations},
    {CommandId::kShowStatistics, show_statistics},
    {CommandId::kShowStatus, show_status},
    {CommandId::kShowEvents, show_events},
    {CommandId::kRefresh, refresh},
    {CommandId::kTrace, trace_packets},
    {CommandId::kExplain, explain_packet},
    {CommandId::kExportKeys, export_keys},
    {CommandId::kSetStore, set_store},
    {CommandId::kSetBatch, set_batch},
    {CommandId::kShowGpoAssignedPolicy, show_gpo_assigned_policy},
    {CommandId::kRestorePolicyExamples, restore_policy_examples},
    {CommandId::kDumpStored, dump_stored},
    {CommandId::kDumpRunning, dump_running},
    {CommandId::kDumpBoth, dump_both},
    {CommandId::kAddMainModePolicy, add_main_mode_policy},
    {CommandId::kSetMainModePolicy, set_main_mode_policy},
    {CommandId::kDeleteMainModePolicy, delete_main_mode_policy},
    {CommandId::kAddQuickModePolicy, add_quick_mode_policy},
    {CommandId::kSetQuickModePolicy, set_quick_mode_policy},
    {CommandId::kDeleteQuickModePolicy, delete_quick_mode_policy},
    {CommandId::kAddRunningRule, add_running_rule},
    {CommandId::kSetRunningRule, set_running_rule},
    {CommandId::kDeleteRunningRule, delete_running_rule},
    {CommandId::kDeleteRunning, delete_running},
    {CommandId::kAddSa, add_sa},
    {CommandId::kDeleteSa, delete_sa},
    {CommandId::kShowSas, show_sas},
    {CommandId::kSetConfig, set_config},
    {CommandId::kShowConfig, show_config},
    {CommandId::kShowExemptions, show_exemptions},
    {CommandId::kLintRunning, lint_running},
};

}  // namespace

Outcome run_command(const Command& command, Services& services) {
  for (const Handler& handler : kHandlers) {
    if (handler.id == command.row->id) return handler.run(command, services);
  }
  return failure(kAgentRefused, fmt::format("'{}' has no meaning yet", command_name(command)));
}

Outcome apply_changes(Services& services, const proto::ApplyRequest& changes) {
  if (changes.changes().empty()) return done();
  const auto reply = services.agent.apply(changes);
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (reply->problems().empty()) return done();
  return {problem_texts(reply->problems()), true};
}

Outcome apply_change(Services& services, proto::Change change) {
  proto::ApplyRequest request;
  *request.add_changes() = std::move(change);
  Outcome outcome = apply_changes(services, request);
  wipe_keys(*request.mutable_changes(0));
  return outcome;
}

ShowOptions show_options(const Command& command, Services& services) {
  ShowOptions options;
  options.verbose = command.text("level") == "verbose";
  options.table = command.text("format") == "table";
  // Only commands with that parameter cut their tables.
  options.wide = find_parameter(*command.row, "wide") == nullptr || command.yes("wide", false);
  if (command.yes("resolvedns", false)) {
    options.name_of = [&services](const IpAddress& address) { return services.resolver.name_of(address); };
  }
  return options;
}

bool wants_json(const Command& command, const Services& services) { return command.json || services.json; }

std::string command_name(const Command& command) {
  return fmt::format("{} {}{}{}", row_of(command.row->context).name, command.row->verb,
                     command.row->object.empty() ? "" : " ", command.row->object);
}

Outcome json_outcome(const Command& command, const google::protobuf::Message& message) {
  return {show_json(command_name(command), message), false};
}

Result<proto::ReadReply> read_everything(Services& services) {
  proto::ReadRequest request;
  request.set_with_children(true);
  return services.agent.read(request);
}

Result<proto::ExportReply> export_everything(Services& services, bool with_secrets) {
  proto::ExportRequest request;
  request.set_with_secrets(with_secrets);
  return services.agent.export_policies(request);
}

proto::ReadRequest read_request(proto::ReadRequest::Kind kind, const Command& command, bool with_children) {
  proto::ReadRequest request;
  request.set_kind(kind);
  request.set_with_children(with_children);
  if (const auto* name = command.get<std::string>("name")) request.mutable_object()->set_name(*name);
  return request;
}

}  // namespace ipsec::cli
