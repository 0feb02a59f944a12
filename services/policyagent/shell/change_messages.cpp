#include "services/policyagent/shell/change_reader.h"
#include "services/policyagent/shell/store_messages.h"
#include "store/names.h"

// Changes as the messages ask for them.
namespace ipsec::agent {

namespace {

using store::Problems;

std::string label(const proto::ObjectReference& reference) {
  return reference.by_case() == proto::ObjectReference::kGuid ? reference.guid() : reference.name();
}

// Copies field X of the message where it is present.
#define IPSEC_COPY_IF_SET(X) \
  if (from.has_##X()) to.X = from.X()

store::Change read(ChangeReader& reader, const proto::AddPolicy& from) {
  reader.name_object(store::policy_label(from.name()));
  store::AddPolicy to;
  to.name = from.name();
  IPSEC_COPY_IF_SET(description);
  IPSEC_COPY_IF_SET(master_pfs);
  IPSEC_COPY_IF_SET(quick_mode_limit);
  IPSEC_COPY_IF_SET(main_mode_lifetime_minutes);
  IPSEC_COPY_IF_SET(activate_default_rule);
  IPSEC_COPY_IF_SET(polling_interval_minutes);
  IPSEC_COPY_IF_SET(assign);
  if (from.has_main_mode_offers()) to.main_mode_offers = reader.main_mode_offers(from.main_mode_offers());
  if (from.has_profile()) to.profile = reader.profile(from.profile());
  if (from.has_default_rule_authentication()) {
    to.default_rule_authentication = reader.authentication(from.default_rule_authentication());
  }
  return to;
}

store::Change read(ChangeReader& reader, const proto::SetPolicy& from) {
  reader.name_object(store::policy_label(label(from.policy())));
  store::SetPolicy to;
  to.policy = reader.reference(from.policy(), "policy");
  IPSEC_COPY_IF_SET(new_name);
  IPSEC_COPY_IF_SET(description);
  IPSEC_COPY_IF_SET(master_pfs);
  IPSEC_COPY_IF_SET(quick_mode_limit);
  IPSEC_COPY_IF_SET(main_mode_lifetime_minutes);
  IPSEC_COPY_IF_SET(activate_default_rule);
  IPSEC_COPY_IF_SET(polling_interval_minutes);
  IPSEC_COPY_IF_SET(assign);
  if (from.has_main_mode_offers()) to.main_mode_offers = reader.main_mode_offers(from.main_mode_offers());
  return to;
}

store::Change read(ChangeReader& reader, const proto::DeletePolicy& from) {
  reader.name_object(store::policy_label(label(from.policy())));
  return store::DeletePolicy{reader.reference(from.policy(), "policy")};
}

store::Change read(ChangeReader& reader, const proto::AddFilterList& from) {
  reader.name_object(store::filter_list_label(from.name()));
  store::AddFilterList to;
  to.name = from.name();
  IPSEC_COPY_IF_SET(description);
  return to;
}

store::Change read(ChangeReader& reader, const proto::SetFilterList& from) {
  reader.name_object(store::filter_list_label(label(from.filter_list())));
  store::SetFilterList to;
  to.filter_list = reader.reference(from.filter_list(), "filter_list");
  IPSEC_COPY_IF_SET(new_name);
  IPSEC_COPY_IF_SET(description);
  return to;
}

store::Change read(ChangeReader& reader, const proto::DeleteFilterList& from) {
  reader.name_object(store::filter_list_label(label(from.filter_list())));
  return store::DeleteFilterList{reader.reference(from.filter_list(), "filter_list")};
}

store::Change read(ChangeReader& reader, const proto::AddFilter& from) {
  reader.name_object(store::filter_list_label(from.filter_list()));
  return store::AddFilter{from.filter_list(), reader.filter(from.filter())};
}

store::Change read(ChangeReader& reader, const proto::DeleteFilter& from) {
  reader.name_object(store::filter_list_label(from.filter_list()));
  return store::DeleteFilter{from.filter_list(), reader.filter(from.filter())};
}

store::Change read(ChangeReader& reader, const proto::AddFilterAction& from) {
  reader.name_object(store::filter_action_label(from.name()));
  store::AddFilterAction to;
  to.name = from.name();
  IPSEC_COPY_IF_SET(description);
  IPSEC_COPY_IF_SET(quick_mode_pfs);
  IPSEC_COPY_IF_SET(inbound_passthrough);
  IPSEC_COPY_IF_SET(allow_soft);
  to.action = reader.action(from.action());
  if (from.has_offers()) to.offers = reader.quick_mode_offers(from.offers());
  if (from.has_pfs_group()) to.pfs_group = reader.group(from.pfs_group(), "pfs_group");
  return to;
}

store::Change read(ChangeReader& reader, const proto::SetFilterAction& from) {
  reader.name_object(store::filter_action_label(label(from.filter_action())));
  store::SetFilterAction to;
  to.filter_action = reader.reference(from.filter_action(), "filter_action");
  IPSEC_COPY_IF_SET(new_name);
  IPSEC_COPY_IF_SET(description);
  IPSEC_COPY_IF_SET(quick_mode_pfs);
  IPSEC_COPY_IF_SET(inbound_passthrough);
  IPSEC_COPY_IF_SET(allow_soft);
  to.action = reader.action(from.action());
  if (from.has_offers()) to.offers = reader.quick_mode_offers(from.offers());
  if (from.has_pfs_group()) to.pfs_group = reader.group(from.pfs_group(), "pfs_group");
  return to;
}

store::Change read(ChangeReader& reader, const proto::DeleteFilterAction& from) {
  reader.name_object(store::filter_action_label(label(from.filter_action())));
  return store::DeleteFilterAction{reader.reference(from.filter_action(), "filter_action")};
}

store::Change read(ChangeReader& reader, const proto::AddRule& from) {
  reader.name_object(store::rule_label(from.name(), from.policy()));
  store::AddRule to;
  to.name = from.name();
  to.policy = from.policy();
  to.filter_list = from.filter_list();
  to.filter_action = from.filter_action();
  if (from.has_tunnel_endpoint()) to.tunnel_endpoint = reader.tunnel_endpoint(from.tunnel_endpoint());
  if (from.has_connection_type()) to.connection_type = reader.connection_type(from.connection_type());
  IPSEC_COPY_IF_SET(active);
  IPSEC_COPY_IF_SET(description);
  if (from.has_authentication()) to.authentication = reader.authentication(from.authentication());
  return to;
}

store::Change read(ChangeReader& reader, const proto::SetRule& from) {
  reader.name_object(store::rule_label(label(from.rule()), from.policy()));
  store::SetRule to;
  to.rule = reader.reference(from.rule(), "rule");
  to.policy = from.policy();
  IPSEC_COPY_IF_SET(new_name);
  IPSEC_COPY_IF_SET(description);
  IPSEC_COPY_IF_SET(filter_list);
  IPSEC_COPY_IF_SET(filter_action);
  if (from.has_tunnel_endpoint()) to.tunnel_endpoint = reader.tunnel_endpoint(from.tunnel_endpoint());
  if (from.has_connection_type()) to.connection_type = reader.connection_type(from.connection_type());
  IPSEC_COPY_IF_SET(active);
  if (from.has_authentication()) to.authentication = reader.authentication(from.authentication());
  return to;
}

store::Change read(ChangeReader& reader, const proto::DeleteRule& from) {
  reader.name_object(store::rule_label(label(from.rule()), from.policy()));
  store::DeleteRule to;
  to.policy = from.policy();
  if (from.has_rule()) to.rule = reader.reference(from.rule(), "rule");
  return to;
}

store::Change read(ChangeReader& reader, const proto::SetDefaultRule& from) {
  reader.name_object(store::default_rule_label(from.policy()));
  store::SetDefaultRule to;
  to.policy = from.policy();
  IPSEC_COPY_IF_SET(quick_mode_pfs);
  IPSEC_COPY_IF_SET(active);
  if (from.has_offers()) to.offers = reader.quick_mode_offers(from.offers());
  if (from.has_authentication()) to.authentication = reader.authentication(from.authentication());
  return to;
}

#undef IPSEC_COPY_IF_SET

store::Change read_change(ChangeReader& reader, const proto::Change& message) {
  switch (message.change_case()) {
    case proto::Change::kAddPolicy:
      return read(reader, message.add_policy());
    case proto::Change::kSetPolicy:
      return read(reader, message.set_policy());
    case proto::Change::kDeletePolicy:
      return read(reader, message.delete_policy());
    case proto::Change::kAddFilterList:
      return read(reader, message.add_filter_list());
    case proto::Change::kSetFilterList:
      return read(reader, message.set_filter_list());
    case proto::Change::kDeleteFilterList:
      return read(reader, message.delete_filter_list());
    case proto::Change::kAddFilter:
      return read(reader, message.add_filter());
    case proto::Change::kDeleteFilter:
      return read(reader, message.delete_filter());
    case proto::Change::kAddFilterAction:
      return read(reader, message.add_filter_action());
    case proto::Change::kSetFilterAction:
      return read(reader, message.set_filter_action());
    case proto::Change::kDeleteFilterAction:
      return read(reader, message.delete_filter_action());
    case proto::Change::kAddRule:
      return read(reader, message.add_rule());
    case proto::Change::kSetRule:
      return read(reader, message.set_rule());
    case proto::Change::kDeleteRule:
      return read(reader, message.delete_rule());
    case proto::Change::kSetDefaultRule:
      return read(reader, message.set_default_rule());
    case proto::Change::kDeleteAll:
      return store::DeleteAll{};
    default:
      break;
  }
  reader.name_object("change");
  reader.complain(store::kMissingKey, "change", "the change is empty or of a newer version of the program");
  return store::DeletePolicy{};
}

}  // namespace

std::optional<store::Change> to_change(const proto::Change& message, const Resolver& resolver, Problems& problems) {
  ChangeReader reader(resolver, problems);
  store::Change change = read_change(reader, message);
  if (!reader.good()) return std::nullopt;
  return change;
}

std::optional<store::Reference> to_reference(const proto::ObjectReference& message, Problems& problems) {
  const Resolver none;
  ChangeReader reader(none, problems);
  reader.name_object(fmt::format("object '{}'", label(message)));
  store::Reference reference = reader.reference(message, "object");
  if (!reader.good()) return std::nullopt;
  return reference;
}

}  // namespace ipsec::agent
