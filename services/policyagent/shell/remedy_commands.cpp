#include "services/policyagent/shell/remedy_commands.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "services/common/rpc/convert.h"
#include "store/limits.h"
#include "store/lint/netsh_command.h"
#include "store/lookup.h"

namespace ipsec::agent {
namespace {

namespace proto = policyagent::v1;
using store::lint::NetshCommand;

constexpr std::string_view kDefaultResponseRule = "<Default Response Rule>";
constexpr std::string_view kKeyOfBoth = "the key of both hosts";
constexpr std::string_view kPresharedKey = "preshared key";

// Where the objects to be changed are. Texts are as netsh is to be given them.
struct Place {
  bool dynamic = false;
  bool default_response = false;
  std::string policy;
  std::string rule;
  std::string filter_list;
  std::string filter_action;     // dynamic: quick mode policy
  std::string main_mode_policy;  // dynamic only
  const store::DynamicRule* dynamic_rule = nullptr;
  std::vector<store::AuthenticationMethod> authentication;
  bool tunnel = false;
};

Place place_on_peer() {
  Place place;
  place.policy = "<its policy>";
  place.rule = "<its rule>";
  place.filter_list = "<its filter list>";
  place.filter_action = "<its filter action>";
  return place;
}

std::optional<Place> find_static(const store::PolicyTree& tree, const std::string& rule_name) {
  const store::Policy* policy = store::assigned_policy(tree);
  if (policy == nullptr) return std::nullopt;
  Place place;
  place.policy = policy->name;
  place.rule = rule_name;
  if (rule_name == kDefaultResponseRule) {
    place.default_response = true;
    place.authentication = policy->default_response.authentication;
    return place;
  }
  const store::Rule* rule = store::find_rule(*policy, rule_name);
  if (rule == nullptr) return std::nullopt;
  const store::FilterList* list = store::find_filter_list(tree, rule->filter_list);
  const store::FilterAction* action = store::find_filter_action(tree, rule->filter_action);
  if (list != nullptr) place.filter_list = list->name;
  if (action != nullptr) place.filter_action = action->name;
  place.authentication = rule->authentication;
  place.tunnel = rule->tunnel_endpoint.has_value();
  return place;
}

std::optional<Place> find_dynamic(const store::DynamicPolicy& policy, const std::string& rule_name) {
  const auto rule = std::find_if(policy.rules.begin(), policy.rules.end(),
                                 [&](const store::DynamicRule& one) { return one.name == rule_name; });
  if (rule == policy.rules.end()) return std::nullopt;
  Place place;
  place.dynamic = true;
  place.rule = rule->name;
  place.filter_action = rule->quick_mode_policy;
  place.main_mode_policy = rule->main_mode_policy;
  place.dynamic_rule = &*rule;
  place.authentication = rule->authentication;
  place.tunnel = rule->tunnel_endpoint.has_value();
  return place;
}

// At most as many as a policy may have; the last one is what it is about.
template <typename Offer>
void keep_limit(std::vector<Offer>& offers, std::size_t most) {
  if (offers.size() > most) offers.erase(offers.begin() + static_cast<std::ptrdiff_t>(most) - 1, offers.end() - 1);
}

std::vector<store::MainModeOffer> main_mode_offers(const proto::Remedy& remedy) {
  std::vector<store::MainModeOffer> offers;
  for (const proto::MainModeOffer& message : remedy.main_mode_offers()) {
    const auto cipher = rpc::from_proto(message.cipher(), "cipher");
    const auto integrity = rpc::from_proto(message.integrity(), "integrity");
    const auto group = rpc::dh_group_from_proto(message.dh_group(), "dh_group");
    if (cipher.ok() && integrity.ok() && group.ok()) offers.push_back({*cipher, *integrity, *group});
  }
  keep_limit(offers, store::kMaxMainModeOffers);
  return offers;
}

std::uint32_t within(std::uint32_t value, std::uint32_t least, std::uint32_t most, std::uint32_t otherwise) {
  return value >= least && value <= most ? value : otherwise;
}

std::vector<store::QuickModeOffer> quick_mode_offers(const proto::Remedy& remedy) {
  std::vector<store::QuickModeOffer> offers;
  for (const proto::QuickModeOffer& message : remedy.quick_mode_offers()) {
    store::QuickModeOffer offer;
    // Peers may have lifetimes that netsh does not take; they decide nothing.
    const store::QuickModeOffer usual;
    offer.lifetime_kilobytes = within(message.lifetime_kilobytes(), store::kMinQuickModeKilobytes,
                                      store::kMaxQuickModeKilobytes, usual.lifetime_kilobytes);
    offer.lifetime_seconds = within(message.lifetime_seconds(), store::kMinQuickModeSeconds,
                                    store::kMaxQuickModeSeconds, usual.lifetime_seconds);
    if (message.ah() != proto::INTEGRITY_UNSPECIFIED) {
      const auto integrity = rpc::from_proto(message.ah(), "ah");
      if (!integrity.ok()) continue;
      offer.ah = *integrity;
    }
    if (message.has_esp()) {
      const auto cipher = rpc::from_proto(message.esp().cipher(), "cipher");
      const auto integrity = rpc::from_proto(message.esp().integrity(), "integrity");
      if (!cipher.ok() || !integrity.ok()) continue;
      offer.esp = store::QuickModeOffer::Esp{*cipher, *integrity};
    }
    if (offer.ah || offer.esp) offers.push_back(offer);
  }
  keep_limit(offers, store::kMaxQuickModeOffers);
  return offers;
}

NetshCommand& identify(const store::DynamicRule& rule, NetshCommand& command) {
  const store::Filter& filter = rule.filter;
  command.selector(filter);
  if (filter.protocol == kProtocolAny) command.word("protocol", "ANY");
  if (filter.source_port == 0) command.word("srcport", "0");
  if (filter.destination_port == 0) command.word("dstport", "0");
  constexpr std::string_view kTypes[] = {"all", "lan", "dialup"};
  command.word("conntype", kTypes[static_cast<std::size_t>(rule.connection_type)]);
  if (rule.tunnel_endpoint) command.word("tunneldstaddress", rule.tunnel_endpoint->to_string());
  return command;
}

NetshCommand rule_command(const Place& place) {
  if (place.dynamic_rule != nullptr) {
    NetshCommand command("set rule");
    return identify(*place.dynamic_rule, command);
  }
  if (place.default_response) return NetshCommand("set defaultrule").text("policy", place.policy);
  return NetshCommand("set rule").text("name", place.rule).text("policy", place.policy);
}

// The methods that the rule has, and `wanted`: a list replaces the old one.
NetshCommand authentication_command(const Place& place, std::string_view wanted) {
  std::vector<store::AuthenticationMethod> methods = place.authentication;
  const auto is_wanted = [&](const store::AuthenticationMethod& method) {
    return wanted == kPresharedKey ? std::holds_alternative<store::PresharedKeyAuthentication>(method)
           : wanted == "Kerberos"  ? std::holds_alternative<store::KerberosAuthentication>(method)
                                   : std::holds_alternative<store::CertificateAuthentication>(method);
  };
  if (std::none_of(methods.begin(), methods.end(), is_wanted)) {
    if (wanted == kPresharedKey) {
      methods.emplace_back(store::PresharedKeyAuthentication{});
    } else if (wanted == "Kerberos") {
      methods.emplace_back(store::KerberosAuthentication{});
    } else {
      methods.emplace_back(store::CertificateAuthentication{"<the CA of both hosts>"});
    }
  }
  NetshCommand command = rule_command(place);
  return command.authentication(methods, kKeyOfBoth);
}

NetshCommand main_mode_command(const Place& place, const std::vector<store::MainModeOffer>& offers) {
  NetshCommand command = place.dynamic ? NetshCommand("set mmpolicy").text("name", place.main_mode_policy)
                                       : NetshCommand("set policy").text("name", place.policy);
  return command.text("mmsecmethods", store::lint::methods_text(offers));
}

NetshCommand quick_mode_command(const Place& place, const proto::Remedy& remedy) {
  NetshCommand command = place.dynamic            ? NetshCommand("set qmpolicy").text("name", place.filter_action)
                         : place.default_response ? NetshCommand("set defaultrule").text("policy", place.policy)
                                                  : NetshCommand("set filteraction").text("name", place.filter_action);
  if (remedy.has_pfs_group()) {
    const std::uint32_t group = remedy.pfs_group();
    if (place.dynamic) {
      command.word("pfsgroup", group == 0 ? "NOPFS" : fmt::format("GRP{}", group));
    } else {
      command.word("qmpfs", group == 0 ? "no" : "yes");
      if (group != 0 && !place.default_response) command.word("pfsgroup", std::to_string(group));
    }
  }
  const auto offers = quick_mode_offers(remedy);
  if (!offers.empty()) command.text("qmsecmethods", store::lint::methods_text(offers));
  return command;
}

std::optional<store::Filter> filter_of(const proto::Selector& message, bool mirrored) {
  const auto selector = rpc::from_proto(message, "filter");
  if (!selector.ok()) return std::nullopt;
  const auto source_port = selector->source_port.as_number();
  const auto destination_port = selector->destination_port.as_number();
  if (!source_port || !destination_port) return std::nullopt;
  store::Filter filter;
  filter.source = selector->source;
  filter.destination = selector->destination;
  filter.protocol = selector->protocol;
  filter.source_port = *source_port;
  filter.destination_port = *destination_port;
  filter.mirrored = mirrored;
  return filter;
}

std::optional<NetshCommand> filter_command(const Place& place, const proto::Selector& selector) {
  const auto filter = filter_of(selector, !place.tunnel);
  // A rule of one direction has a rule for the other, which would need its filter, too.
  if (!filter || place.tunnel || place.default_response) return std::nullopt;
  if (!place.dynamic) return NetshCommand("add filter").text("filterlist", place.filter_list).selector(*filter);
  return NetshCommand("add rule")
      .selector(*filter)
      .text("mmpolicy", place.main_mode_policy)
      .text("qmpolicy", place.filter_action)
      .authentication(place.authentication, kKeyOfBoth);
}

// Empty where one of the changes cannot be said.
std::vector<std::string> commands_of(const proto::Remedy& remedy, const Place& place) {
  std::vector<NetshCommand> commands;
  if (const auto offers = main_mode_offers(remedy); !offers.empty())
    commands.push_back(main_mode_command(place, offers));
  if (!remedy.authentication().empty()) commands.push_back(authentication_command(place, remedy.authentication()));
  if (remedy.quick_mode_offers_size() != 0 || remedy.has_pfs_group())
    commands.push_back(quick_mode_command(place, remedy));
  if (remedy.encapsulation() != proto::ENCAPSULATION_UNSPECIFIED) return {};
  if (remedy.has_filter()) {
    auto command = filter_command(place, remedy.filter());
    if (!command) return {};
    commands.push_back(*std::move(command));
  }
  std::vector<std::string> lines = store::lint::lines(commands);
  for (std::string& line : lines) line.insert(0, place.dynamic ? "netsh ipsec dynamic " : "netsh ipsec static ");
  return lines;
}

std::string assign_command(const std::vector<std::string>& stored) {
  const std::string name = stored.size() == 1 ? stored.front() : "<policy>";
  const std::string line = NetshCommand("set policy").text("name", name).word("assign", "yes").line();
  return line.empty() ? line : "netsh ipsec static " + line;
}

}  // namespace

void RemedyWriter::add_commands(proto::FailedNegotiation& failed) const {
  if (!failed.has_explanation()) return;
  for (proto::Remedy& remedy : *failed.mutable_explanation()->mutable_remedies()) {
    if (remedy.assign()) {
      if (const std::string line = assign_command(stored_); !line.empty()) remedy.add_commands(line);
      continue;
    }
    const std::string& rule = remedy.rule().empty() ? failed.rule_name() : remedy.rule();
    std::optional<Place> place = place_on_peer();
    if (remedy.side() == proto::SIDE_THIS_HOST) {
      place = find_dynamic(dynamic_, rule);
      if (!place) place = find_static(assigned_, rule);
    }
    if (!place) continue;
    for (std::string& line : commands_of(remedy, *place)) remedy.add_commands(std::move(line));
  }
}

}  // namespace ipsec::agent
