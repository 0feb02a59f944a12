#include <cassert>
#include <unordered_map>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "store/json/json.h"
#include "store/json/parse.h"
#include "store/json/utc_time.h"
#include "store/lookup.h"
#include "store/names.h"
#include "store/text.h"

namespace ipsec::store {

namespace {

// Keys stay in the order in which they are written here.
using Json = nlohmann::ordered_json;

template <typename Object>
Json header(const Object& object) {
  Json json;
  json["name"] = object.name;
  json["guid"] = object.guid.text;
  if (!object.description.empty()) json["description"] = object.description;
  json["last_modified"] = utc_text(object.last_modified);
  return json;
}

Json offers_json(const std::vector<MainModeOffer>& offers) {
  Json array = Json::array();
  for (const MainModeOffer& offer : offers) {
    Json json;
    json["cipher"] = info(offer.cipher).name;
    json["integrity"] = info(offer.integrity).name;
    json["dh_group"] = info(offer.group).name;
    array.push_back(std::move(json));
  }
  return array;
}

Json offers_json(const std::vector<QuickModeOffer>& offers) {
  Json array = Json::array();
  for (const QuickModeOffer& offer : offers) {
    Json json;
    if (offer.ah) json["ah"] = info(*offer.ah).name;
    if (offer.esp) {
      json["esp"]["cipher"] = info(offer.esp->cipher).name;
      json["esp"]["integrity"] = info(offer.esp->integrity).name;
    }
    json["lifetime_kilobytes"] = offer.lifetime_kilobytes;
    json["lifetime_seconds"] = offer.lifetime_seconds;
    array.push_back(std::move(json));
  }
  return array;
}

Json method_json(const AuthenticationMethod& method, bool with_secrets) {
  Json json;
  if (const auto* psk = std::get_if<PresharedKeyAuthentication>(&method)) {
    json["method"] = "psk";
    if (!with_secrets || psk->unopened) return json;
    if (is_utf8(psk->key.reveal_text())) {
      json["psk"] = psk->key.reveal_text();
    } else {
      json["psk_hex"] = to_hex(psk->key.view());
    }
  } else if (const auto* certificate = std::get_if<CertificateAuthentication>(&method)) {
    json["method"] = "certificate";
    json["root_ca"] = certificate->root_ca;
    json["map_to_account"] = certificate->map_to_account;
    json["exclude_ca_name"] = certificate->exclude_ca_name;
  } else {
    json["method"] = "kerberos";
  }
  return json;
}

Json authentication_json(const std::vector<AuthenticationMethod>& methods, bool with_secrets) {
  Json array = Json::array();
  for (const AuthenticationMethod& method : methods) array.push_back(method_json(method, with_secrets));
  return array;
}

Json address_json(const FilterAddress& address) {
  const auto* dns = std::get_if<DnsName>(&address);
  if (!dns) return address_text(address);
  Json json;
  json["dns_name"] = dns->name;
  json["resolved"] = Json::array();
  for (const IpAddress& one : dns->resolved) json["resolved"].push_back(one.to_string());
  return json;
}

// A word where the protocol has one, its number otherwise.
Json protocol_json(std::uint8_t protocol) {
  for (const char* word : {"ANY", "ICMP", "TCP", "UDP", "ICMPv6", "RAW"}) {
    if (protocol_by_name(word) == protocol) return word;
  }
  return protocol;
}

Json filter_json(const Filter& filter) {
  Json json;
  json["guid"] = filter.guid.text;
  if (!filter.description.empty()) json["description"] = filter.description;
  json["source"] = address_json(filter.source);
  json["destination"] = address_json(filter.destination);
  json["protocol"] = protocol_json(filter.protocol);
  json["source_port"] = filter.source_port;
  json["destination_port"] = filter.destination_port;
  json["mirrored"] = filter.mirrored;
  return json;
}

Json filter_list_json(const FilterList& list) {
  Json json = header(list);
  json["filters"] = Json::array();
  for (const Filter& filter : list.filters) json["filters"].push_back(filter_json(filter));
  return json;
}

Json filter_action_json(const FilterAction& action) {
  Json json = header(action);
  json["action"] = to_string(action.action);
  if (action.action == Action::kNegotiate) json["offers"] = offers_json(action.offers);
  json["quick_mode_pfs"] = action.quick_mode_pfs;
  json["pfs_group"] = info(action.pfs_group).name;
  json["inbound_passthrough"] = action.inbound_passthrough;
  json["allow_soft"] = action.allow_soft;
  return json;
}

class Exporter {
 public:
  Exporter(const PolicyTree& tree, ExportOptions options) : tree_(tree), options_(options) {
    for (const FilterList& list : tree.filter_lists) names_.emplace(list.guid.text, list.name);
    for (const FilterAction& action : tree.filter_actions) names_.emplace(action.guid.text, action.name);
  }

  Json run() const {
    Json json;
    json["format"] = "policyagent/1";
    const Policy* assigned = assigned_policy(tree_);
    json["assigned"] = assigned ? Json(assigned->name) : Json();
    json["policies"] = Json::array();
    for (const Policy& policy : tree_.policies) json["policies"].push_back(policy_json(policy));
    json["filter_lists"] = Json::array();
    for (const FilterList& list : tree_.filter_lists) json["filter_lists"].push_back(filter_list_json(list));
    json["filter_actions"] = Json::array();
    for (const FilterAction& action : tree_.filter_actions)
      json["filter_actions"].push_back(filter_action_json(action));
    return json;
  }

 private:
  Json policy_json(const Policy& policy) const {
    Json json = header(policy);
    json["profile"] = to_string(policy.profile);
    json["polling_interval_minutes"] = policy.polling_interval_minutes;
    Json& main_mode = json["main_mode"];
    main_mode["guid"] = policy.isakmp.guid.text;
    main_mode["offers"] = offers_json(policy.isakmp.offers);
    main_mode["lifetime_minutes"] = policy.isakmp.lifetime_minutes;
    main_mode["quick_mode_limit"] = policy.isakmp.quick_mode_limit;
    main_mode["master_pfs"] = policy.isakmp.master_pfs;
    json["rules"] = Json::array();
    for (const Rule& rule : policy.rules) json["rules"].push_back(rule_json(rule));
    Json& response = json["default_response"];
    response["guid"] = policy.default_response.guid.text;
    response["active"] = policy.default_response.active;
    response["quick_mode_pfs"] = policy.default_response.quick_mode_pfs;
    response["offers"] = offers_json(policy.default_response.offers);
    response["authentication"] = authentication_json(policy.default_response.authentication, options_.with_secrets);
    return json;
  }

  Json rule_json(const Rule& rule) const {
    Json json = header(rule);
    json["filter_list"] = name_of(rule.filter_list);
    json["filter_action"] = name_of(rule.filter_action);
    json["authentication"] = authentication_json(rule.authentication, options_.with_secrets);
    if (rule.tunnel_endpoint) json["tunnel_endpoint"] = rule.tunnel_endpoint->to_string();
    json["connection_type"] = to_string(rule.connection_type);
    json["active"] = rule.active;
    return json;
  }

  const std::string& name_of(const Guid& guid) const {
    const auto found = names_.find(guid.text);
    assert(found != names_.end());
    return found->second;
  }

  const PolicyTree& tree_;
  ExportOptions options_;
  std::unordered_map<std::string, std::string> names_;
};

}  // namespace

std::string export_json(const PolicyTree& tree, ExportOptions options) {
  Json json = Exporter(tree, options).run();
  std::string text = json.dump(2);
  text.push_back('\n');
  if (options.with_secrets) wipe_secrets(json);
  return text;
}

PolicyTree tree_of_policy(const PolicyTree& tree, const Policy& policy) {
  std::unordered_set<std::string> used;
  for (const Rule& rule : policy.rules) {
    used.insert(rule.filter_list.text);
    used.insert(rule.filter_action.text);
  }
  PolicyTree part;
  part.policies.push_back(policy);
  for (const FilterList& list : tree.filter_lists) {
    if (used.contains(list.guid.text)) part.filter_lists.push_back(list);
  }
  for (const FilterAction& action : tree.filter_actions) {
    if (used.contains(action.guid.text)) part.filter_actions.push_back(action);
  }
  if (tree.assigned == policy.guid) part.assigned = policy.guid;
  return part;
}

}  // namespace ipsec::store
