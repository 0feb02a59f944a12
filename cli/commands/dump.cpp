#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/commands/dump_line.h"

// `dump`: a script that makes again what there is. Run on an empty store, it leads to the same objects but for their
// GUIDs and the time of their last change.
namespace ipsec::cli {

namespace {

using Json = nlohmann::json;

// The preshared keys of an export, where they were asked for.
class Keys {
 public:
  Keys() = default;
  explicit Keys(Json exported) : exported_(std::move(exported)) {}
  ~Keys() { wipe(exported_); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  std::string of_rule(int policy, int rule, int method) const {
    return key_at(policy, fmt::format("rules/{}/authentication/{}", rule, method));
  }
  std::string of_default_rule(int policy, int method) const {
    return key_at(policy, fmt::format("default_response/authentication/{}", method));
  }

 private:
  // A key that is no UTF-8 text is in the export as hexadecimal digits and in no line of netsh.
  std::string key_at(int policy, const std::string& path) const {
    const Json::json_pointer place(fmt::format("/policies/{}/{}/psk", policy, path));
    return exported_.contains(place) ? exported_.at(place).get<std::string>() : std::string();
  }

  static void wipe(Json& value) {
    if (value.is_string()) wipe_memory(value.get_ref<std::string&>().data(), value.get_ref<std::string&>().size());
    if (value.is_structured()) {
      for (Json& part : value) wipe(part);
    }
  }

  Json exported_;
};

Result<Json> exported_with_keys(Services& services) {
  IPSEC_ASSIGN_OR_RETURN(proto::ExportReply reply, export_everything(services, true));
  Json json = Json::parse(reply.json(), nullptr, false);
  wipe_memory(reply.mutable_json()->data(), reply.json().size());
  if (json.is_discarded()) return refused("the agent's export is no JSON");
  return json;
}

std::string dump_list(const proto::StoredFilterList& list) {
  DumpLine line("add filterlist");
  line.add("name", list.name());
  line.add_text("description", list.description());
  std::string text = line.to_string();
  for (const proto::StoredFilter& filter : list.filters()) {
    DumpLine filter_line("add filter");
    filter_line.add("filterlist", list.name());
    filter_line.add_filter(filter);
    filter_line.add_text("description", filter.description());
    text += filter_line.to_string();
  }
  return text;
}

std::string dump_action(const proto::StoredFilterAction& action) {
  DumpLine line("add filteraction");
  line.add("name", action.name());
  line.add_text("description", action.description());
  line.add_yes_no("qmpfs", action.quick_mode_pfs());
  if (action.quick_mode_pfs() && action.pfs_group() != "none") line.add("pfsgroup", action.pfs_group());
  line.add_yes_no("inpass", action.inbound_passthrough());
  line.add_yes_no("soft", action.allow_soft());
  line.add("action", word_of(action.action()));
  line.add_offers(action.offers());
  return line.to_string();
}

// A rule refuses an empty list when it is made, and may have one afterwards: a filter holds the place meanwhile.
std::string with_place_holder(const proto::ReadReply& store, const proto::StoredRule& rule, const std::string& line) {
  for (const proto::StoredFilterList& list : store.filter_lists()) {
    if (list.name() != rule.filter_list() || list.filter_count() != 0) continue;
    const auto place_holder = [&](std::string_view command) {
      DumpLine filter(command);
      filter.add("filterlist", list.name());
      filter.add("srcaddr", "me");
      filter.add("dstaddr", "any");
      filter.add_yes_no("mirrored", false);
      return filter.to_string();
    };
    return place_holder("add filter") + line + place_holder("delete filter");
  }
  return line;
}

std::string dump_rule(const proto::ReadReply& store, int policy, int rule, const Keys& keys) {
  const proto::StoredRule& stored = store.policies(policy).rules(rule);
  DumpLine line("add rule");
  line.add("name", stored.name());
  line.add("policy", stored.policy());
  line.add("filterlist", stored.filter_list());
  line.add("filteraction", stored.filter_action());
  if (stored.has_tunnel_endpoint()) {
    const auto end = rpc::from_proto(stored.tunnel_endpoint(), "tunnel");
    if (end.ok()) line.add("tunnel", end->to_string());
  }
  line.add("conntype", stored.connection_type());
  line.add_yes_no("activate", stored.active());
  line.add_text("description", stored.description());
  for (int i = 0; i < stored.authentication_size(); ++i) {
    line.add_authentication(stored.authentication(i), keys.of_rule(policy, rule, i));
  }
  return with_place_holder(store, stored, line.to_string());
}

std::string dump_policy(const proto::ReadReply& store, int index, const Keys& keys) {
  const proto::StoredPolicy& policy = store.policies(index);
  DumpLine line("add policy");
  line.add("name", policy.name());
  line.add_text("description", policy.description());
  line.add_yes_no("mmpfs", policy.master_pfs());
  line.add_number("qmpermm", policy.quick_mode_limit());
  line.add_number("mmlifetime", policy.main_mode_lifetime_minutes());
  line.add_yes_no("activatedefaultrule", policy.default_rule().active());
  line.add_number("pollinginterval", policy.polling_interval_minutes());
  line.add_offers(policy.main_mode_offers());
  line.add("profile", policy.profile());
  DumpLine default_rule("set defaultrule");
  default_rule.add("policy", policy.name());
  default_rule.add_yes_no("qmpfs", policy.default_rule().quick_mode_pfs());
  default_rule.add_offers(policy.default_rule().offers());
  for (int i = 0; i < policy.default_rule().authentication_size(); ++i) {
    default_rule.add_authentication(policy.default_rule().authentication(i), keys.of_default_rule(index, i));
  }
  std::string text = line.to_string() + default_rule.to_string();
  for (int i = 0; i < policy.rules_size(); ++i) text += dump_rule(store, index, i, keys);
  return text;
}

std::string dump_store(const proto::ReadReply& store, const Keys& keys) {
  std::string text = "# made by netsh ipsec static dump\npushd ipsec static\n";
  for (const auto& list : store.filter_lists()) text += dump_list(list);
  for (const auto& action : store.filter_actions()) text += dump_action(action);
  for (int i = 0; i < store.policies_size(); ++i) text += dump_policy(store, i, keys);
  for (const auto& policy : store.policies()) {
    if (!policy.assigned()) continue;
    DumpLine line("set policy");
    line.add("name", policy.name());
    line.add_yes_no("assign", true);
    text += line.to_string();
  }
  return text + "popd\n";
}

std::string pfs_word(const std::string& group) {
  if (group == "none") return "NOPFS";
  if (group == "mm") return "GRPMM";
  return group;
}

std::string dump_main_mode_policy(const proto::DynamicMainModePolicy& policy) {
  DumpLine line("add mmpolicy");
  line.add("name", policy.name());
  line.add_number("qmpermm", policy.quick_mode_limit());
  line.add_number("mmlifetime", policy.lifetime_minutes());
  line.add_number("softsaexpirationtime", policy.soft_sa_expiration());
  line.add_offers(policy.offers());
  return line.to_string();
}

std::string dump_quick_mode_policy(const proto::DynamicQuickModePolicy& policy) {
  DumpLine line("add qmpolicy");
  line.add("name", policy.name());
  line.add_yes_no("soft", policy.allow_soft());
  line.add("pfsgroup", pfs_word(policy.pfs_group()));
  line.add_offers(policy.offers());
  return line.to_string();
}

std::string dump_dynamic_rule(const proto::DynamicRule& rule) {
  DumpLine line("add rule");
  line.add_filter(rule.selector().filter());
  line.add("mmpolicy", rule.main_mode_policy());
  line.add_text("qmpolicy", rule.quick_mode_policy());
  line.add("conntype", rule.selector().connection_type());
  line.add("actioninbound", word_of(rule.inbound()));
  line.add("actionoutbound", word_of(rule.outbound()));
  if (rule.selector().has_tunnel_destination()) {
    const auto end = rpc::from_proto(rule.selector().tunnel_destination(), "tunneldstaddress");
    if (end.ok()) line.add("tunneldstaddress", end->to_string());
  }
  for (const auto& method : rule.authentication()) line.add_authentication(method, {});
  return line.to_string();
}

std::string dump_dynamic(const proto::DynamicPolicy& policy) {
  std::string text = "# made by netsh ipsec dynamic dump\npushd ipsec dynamic\n";
  for (const auto& property : policy.config()) {
    DumpLine line("set config");
    line.add("property", property.property());
    line.add("value", property.value());
    text += line.to_string();
  }
  for (const auto& each : policy.main_mode_policies()) text += dump_main_mode_policy(each);
  for (const auto& each : policy.quick_mode_policies()) text += dump_quick_mode_policy(each);
  for (const auto& rule : policy.rules()) text += dump_dynamic_rule(rule);
  return text + "popd\n";
}

}  // namespace

Outcome dump_stored(const Command& command, Services& services) {
  const auto store = read_everything(services);
  if (!store.ok()) return call_failed(services.agent, store.status());
  if (!command.with_secrets) return {dump_store(*store, Keys())};
  auto exported = exported_with_keys(services);
  if (!exported.ok()) return call_failed(services.agent, exported.status());
  return {dump_store(*store, Keys(*std::move(exported)))};
}

Outcome dump_running(const Command&, Services& services) {
  const auto policy = services.agent.dynamic_policy();
  if (!policy.ok()) return call_failed(services.agent, policy.status());
  return {dump_dynamic(*policy)};
}

Outcome dump_both(const Command& command, Services& services) {
  Outcome stored = dump_stored(command, services);
  if (stored.failed) return stored;
  const Outcome running = dump_running(command, services);
  return {stored.output + running.output, running.failed};
}

}  // namespace ipsec::cli
