
#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "cli/commands/used_by_rule.h"

namespace ipsec::cli {

namespace {

Outcome delete_every_filter_list(Services& services) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_FILTER_LIST);
  const auto objects = services.agent.read(request);
  if (!objects.ok()) return call_failed(services.agent, objects.status());
  proto::ApplyRequest changes;
  for (const auto& list : objects->filter_lists()) {
    changes.add_changes()->mutable_delete_filter_list()->mutable_filter_list()->set_name(list.name());
  }
  return apply_changes(services, changes);
}

Result<proto::ReadReply> read_shown(const Command& command, Services& services, bool with_filters) {
  const std::string rule = command.text("rule");
  if (rule.empty()) {
    return services.agent.read(read_request(proto::ReadRequest::KIND_FILTER_LIST, command, with_filters));
  }
  IPSEC_ASSIGN_OR_RETURN(proto::ReadReply everything, read_everything(services));
  return filter_lists_of_rule(everything, rule);
}

}  // namespace

Outcome add_filter_list(const Command& command, Services& services) {
  proto::Change change;
  proto::AddFilterList& message = *change.mutable_add_filter_list();
  message.set_name(command.text("name"));
  set_text(command, "description", [&] { return message.mutable_description(); });
  return apply_change(services, std::move(change));
}

Outcome set_filter_list(const Command& command, Services& services) {
  proto::Change change;
  proto::SetFilterList& message = *change.mutable_set_filter_list();
  *message.mutable_filter_list() = reference_of(command);
  set_text(command, "newname", [&] { return message.mutable_new_name(); });
  set_text(command, "description", [&] { return message.mutable_description(); });
  return apply_change(services, std::move(change));
}

Outcome delete_filter_list(const Command& command, Services& services) {
  if (command.is("name", Keyword::kAll)) return delete_every_filter_list(services);
  proto::Change change;
  *change.mutable_delete_filter_list()->mutable_filter_list() = reference_of(command);
  return apply_change(services, std::move(change));
}

Outcome show_filter_list(const Command& command, Services& services) {
  const ShowOptions options = show_options(command, services);
  const auto objects = read_shown(command, services, options.verbose || wants_json(command, services));
  if (!objects.ok()) return call_failed(services.agent, objects.status(), kFilterListNotFound);
  if (wants_json(command, services)) return json_outcome(command, *objects);
  if (objects->filter_lists().empty()) {
    if (command.text("name").empty() && command.text("rule").empty()) {
      return failure(kNoFilterLists, "there are no filter lists in the policy store");
    }
    return failure(kFilterListNotFound,
                   fmt::format("there is no such filter list '{}{}'", command.text("name"), command.text("rule")));
  }
  return {format_filter_lists(*objects, options), false};
}

}  // namespace ipsec::cli
