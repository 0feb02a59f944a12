#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

// Main mode and quick mode policies of `netsh ipsec dynamic`.
namespace ipsec::cli {

namespace {

// The parameters that `add` and `set` share.
template <typename Message>
void set_main_mode(const Command& command, Message& message) {
  message.set_name(command.text("name"));
  set_number(command, "qmpermm", message, &Message::set_quick_mode_limit);
  set_number(command, "mmlifetime", message, &Message::set_lifetime_minutes);
  set_number(command, "softsaexpirationtime", message, &Message::set_soft_sa_expiration);
  if (const auto* offers = command.get<std::vector<MainModeOffer>>("mmsecmethods")) {
    *message.mutable_offers() = to_proto(*offers);
  }
}

template <typename Message>
void set_quick_mode(const Command& command, Message& message) {
  message.set_name(command.text("name"));
  set_yes_no(command, "soft", message, &Message::set_allow_soft);
  set_text(command, "pfsgroup", [&] { return message.mutable_pfs_group(); });
  if (const auto* offers = command.get<std::vector<QuickModeOffer>>("qmsecmethods")) {
    *message.mutable_offers() = to_proto(*offers);
  }
}

}  // namespace

Outcome add_main_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  set_main_mode(command, *change.mutable_add_main_mode_policy());
  return apply_change(services, std::move(change));
}

Outcome set_main_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  set_main_mode(command, *change.mutable_set_main_mode_policy());
  return apply_change(services, std::move(change));
}

Outcome delete_main_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  change.mutable_delete_main_mode_policy()->set_name(command.text("name"));
  return apply_change(services, std::move(change));
}

Outcome add_quick_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  set_quick_mode(command, *change.mutable_add_quick_mode_policy());
  return apply_change(services, std::move(change));
}

Outcome set_quick_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  set_quick_mode(command, *change.mutable_set_quick_mode_policy());
  return apply_change(services, std::move(change));
}

Outcome delete_quick_mode_policy(const Command& command, Services& services) {
  proto::Change change;
  change.mutable_delete_quick_mode_policy()->set_name(command.text("name"));
  return apply_change(services, std::move(change));
}

}  // namespace ipsec::cli
