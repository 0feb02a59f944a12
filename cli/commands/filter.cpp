#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

namespace ipsec::cli {

Outcome add_filter(const Command& command, Services& services) {
  proto::Change change;
  change.mutable_add_filter()->set_filter_list(command.text("filterlist"));
  *change.mutable_add_filter()->mutable_filter() = filter_of(command);
  return apply_change(services, std::move(change));
}

Outcome delete_filter(const Command& command, Services& services) {
  proto::Change change;
  change.mutable_delete_filter()->set_filter_list(command.text("filterlist"));
  *change.mutable_delete_filter()->mutable_filter() = filter_of(command);
  return apply_change(services, std::move(change));
}

}  // namespace ipsec::cli
