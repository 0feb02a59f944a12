#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/batch.h"
#include "cli/script.h"
#include "tests/cli/test_session.h"
#include "tests/support/published_data.h"

// The sample scripts, each run on an empty store: the state afterwards and the lines that fail are as the file beside
// the script demands.
namespace ipsec::cli::tests {
namespace {

using Json = nlohmann::json;
using ipsec::tests::read_shared_file;

Json address_json(const proto::StoredAddress& address) {
  if (address.has_dns_name()) return {{"kind", "host"}, {"name", address.dns_name().name()}};
  if (!address.has_range()) return {{"kind", address.keyword()}};
  const AddressRange range = rpc::from_proto(address.range(), "").value();
  return {{"from", range.first.to_string()}, {"to", range.last.to_string()}};
}

// A subnet and a range of the same addresses are one: the store keeps no more than the addresses.
Json as_range(const Json& address) {
  if (address["kind"] == "subnet") {
    const auto range = AddressRange::of(Subnet::around(IpAddress::parse(address["addr"].get<std::string>()).value(),
                                                       address["prefix"].get<unsigned>()));
    return {{"from", range.first.to_string()}, {"to", range.last.to_string()}};
  }
  if (address["kind"] == "range") return {{"from", address["from"]}, {"to", address["to"]}};
  return address;
}

Json protocol_json(std::uint32_t protocol) {
  const std::map<std::uint32_t, const char*> names = {{0, "ANY"}, {1, "ICMP"}, {6, "TCP"}, {17, "UDP"}, {255, "RAW"}};
  const auto name = names.find(protocol);
  return name == names.end() ? Json(protocol) : Json(name->second);
}

Json filter_json(const proto::StoredFilter& filter) {
  return {{"src", address_json(filter.source())},         {"dst", address_json(filter.destination())},
          {"protocol", protocol_json(filter.protocol())}, {"srcport", filter.source_port()},
          {"dstport", filter.destination_port()},         {"mirrored", filter.mirrored()},
          {"description", filter.description()}};
}

Json method_json(const proto::StoredQuickModeOffer& offer) {
  Json esp = nullptr;
  if (offer.has_esp_cipher()) esp = Json::array({offer.esp_cipher(), offer.esp_integrity()});
  return {{"ah", offer.has_ah() ? Json(offer.ah()) : Json(nullptr)},
          {"esp", esp},
          {"kb", offer.lifetime_kilobytes()},
          {"sec", offer.lifetime_seconds()}};
}

Json action_json(const proto::StoredFilterAction& action) {
  const char* words[] = {"", "permit", "block", "negotiate"};
  Json methods = nullptr;
  if (action.action() == proto::ACTION_NEGOTIATE) {
    methods = Json::array();
    for (const auto& offer : action.offers()) methods.push_back(method_json(offer));
  }
  return {{"name", action.name()},
          {"description", action.description()},
          {"action", words[action.action()]},
          {"qmpfs", action.quick_mode_pfs()},
          {"inpass", action.inbound_passthrough()},
          {"soft", action.allow_soft()},
          {"qmsecmethods", methods}};
}

Json authentication_json(const proto::StoredRule& rule, const Json& exported_rule) {
  Json methods = Json::array();
  for (int i = 0; i < rule.authentication_size(); ++i) {
    const auto& method = rule.authentication(i);
    if (method.has_certificate()) {
      methods.push_back({{"type", "cert"},
                         {"ca", method.certificate().root_ca()},
                         {"certmap", method.certificate().map_to_account()},
                         {"excludecaname", method.certificate().exclude_ca_name()}});
    } else if (method.has_preshared_key()) {
      EXPECT_TRUE(method.preshared_key().key().empty()) << "stored keys are never sent back";
      methods.push_back(
          {{"type", "psk"}, {"key", exported_rule["authentication"][static_cast<std::size_t>(i)]["psk"]}});
    } else {
      methods.push_back({{"type", "kerberos"}});
    }
  }
  return methods;
}

Json rule_json(const proto::StoredRule& rule, const Json& exported_rule) {
  Json tunnel = nullptr;
  if (rule.has_tunnel_endpoint()) tunnel = rpc::from_proto(rule.tunnel_endpoint(), "").value().to_string();
  return {{"name", rule.name()},
          {"description", rule.description()},
          {"filterlist", rule.filter_list()},
          {"filteraction", rule.filter_action()},
          {"conntype", rule.connection_type()},
          {"activate", rule.active()},
          {"tunnel", tunnel},
          {"auth", authentication_json(rule, exported_rule)}};
}

const std::map<std::string, int> kGroupNumbers = {{"modp768", 1}, {"modp1024", 2}, {"modp2048", 3}};

Json main_mode_methods_json(const google::protobuf::RepeatedPtrField<proto::StoredMainModeOffer>& offers) {
  Json methods = Json::array();
  for (const auto& offer : offers) {
    const auto group = kGroupNumbers.find(offer.dh_group());
    methods.push_back(
        fmt::format("{}-{}-{}", offer.cipher(), offer.integrity(), group == kGroupNumbers.end() ? 0 : group->second));
  }
  return methods;
}

Json policy_json(const proto::StoredPolicy& policy, const Json& exported) {
  Json rules = Json::array();
  for (int i = 0; i < policy.rules_size(); ++i) {
    rules.push_back(rule_json(policy.rules(i), exported["rules"][static_cast<std::size_t>(i)]));
  }
  return {{"name", policy.name()},
          {"description", policy.description()},
          {"mmpfs", policy.master_pfs()},
          // Master key PFS makes the limit 1, whatever is stored.
          {"qmpermm", policy.master_pfs() ? 1 : policy.quick_mode_limit()},
          {"mmlifetime_min", policy.main_mode_lifetime_minutes()},
          {"activatedefaultrule", policy.default_rule().active()},
          {"pollinginterval_min", policy.polling_interval_minutes()},
          {"mmsecmethods", main_mode_methods_json(policy.main_mode_offers())},
          {"assigned", policy.assigned()},
          {"rules", rules}};
}

Json state_of(TestAgent& agent) {
  proto::ReadRequest request;
  request.set_with_children(true);
  const proto::ReadReply store = agent.client().read(request).value();
  const Json exported = Json::parse(agent.exported());
  Json state = {{"assigned", nullptr},
                {"policies", Json::array()},
                {"filterlists", Json::array()},
                {"filteractions", Json::array()}};
  for (int i = 0; i < store.policies_size(); ++i) {
    state["policies"].push_back(policy_json(store.policies(i), exported["policies"][static_cast<std::size_t>(i)]));
    if (store.policies(i).assigned()) state["assigned"] = store.policies(i).name();
  }
  for (const auto& list : store.filter_lists()) {
    Json filters = Json::array();
    for (const auto& filter : list.filters()) filters.push_back(filter_json(filter));
    state["filterlists"].push_back({{"name", list.name()}, {"description", list.description()}, {"filters", filters}});
  }
  for (const auto& action : store.filter_actions()) state["filteractions"].push_back(action_json(action));
  return state;
}

Json action_word(proto::Action action) {
  const char* words[] = {"", "permit", "block", "negotiate"};
  return words[action];
}

// Keys are not in the agent's answers; the compiled policy of the agent has them.
Json dynamic_authentication_json(const proto::DynamicRule& rule, const std::vector<std::string>& keys) {
  Json methods = Json::array();
  for (const auto& method : rule.authentication()) {
    if (method.has_preshared_key()) {
      EXPECT_TRUE(method.preshared_key().key().empty());
      methods.push_back({{"type", "psk"}, {"key", keys.empty() ? "" : keys.front()}});
    } else {
      methods.push_back({{"type", method.has_certificate() ? "cert" : "kerberos"}});
    }
  }
  return methods;
}

Json dynamic_rule_json(const proto::DynamicRule& rule, const std::vector<std::string>& keys) {
  Json json = filter_json(rule.selector().filter());
  json["conntype"] = rule.selector().connection_type();
  json["tunneldstaddress"] = nullptr;
  if (rule.selector().has_tunnel_destination()) {
    json["tunneldstaddress"] = rpc::from_proto(rule.selector().tunnel_destination(), "").value().to_string();
  }
  json["actioninbound"] = action_word(rule.inbound());
  json["actionoutbound"] = action_word(rule.outbound());
  json["mmpolicy"] = rule.main_mode_policy();
  json["qmpolicy"] = rule.quick_mode_policy().empty() ? Json(nullptr) : Json(rule.quick_mode_policy());
  json["auth"] = dynamic_authentication_json(rule, keys);
  return json;
}

Json exemptions_json(const std::string& text) {
  Json list = Json::array();
  std::istringstream entries(text);
  for (std::string entry; entries >> entry;) {
    std::vector<std::string> parts;
    std::istringstream stream(entry);
    for (std::string part; std::getline(stream, part, ':');) parts.push_back(part);
    Json json = {{"protocol", parts.front()}, {"direction", parts.back()}};
    if (parts.size() == 4) {
      json["srcport"] = std::stoi(parts[1]);
      json["dstport"] = std::stoi(parts[2]);
    }
    list.push_back(json);
  }
  return list;
}

Json dynamic_state_of(TestAgent& agent) {
  const proto::DynamicPolicy policy = agent.client().dynamic_policy().value();
  const std::map<std::string, std::string> groups = {
      {"none", "nopfs"}, {"mm", "grpmm"}, {"modp768", "grp1"}, {"modp1024", "grp2"}, {"modp2048", "grp3"}};
  Json state = {{"mmpolicies", Json::array()}, {"qmpolicies", Json::array()}, {"rules", Json::array()}};
  for (const auto& each : policy.main_mode_policies()) {
    state["mmpolicies"].push_back({{"name", each.name()},
                                   {"qmpermm", each.quick_mode_limit()},
                                   {"mmlifetime_min", each.lifetime_minutes()},
                                   {"softsaexpirationtime", each.soft_sa_expiration()},
                                   {"mmsecmethods", main_mode_methods_json(each.offers())}});
  }
  for (const auto& each : policy.quick_mode_policies()) {
    Json methods = Json::array();
    for (const auto& offer : each.offers()) methods.push_back(method_json(offer));
    state["qmpolicies"].push_back({{"name", each.name()},
                                   {"soft", each.allow_soft()},
                                   {"pfsgroup", groups.at(each.pfs_group())},
                                   {"qmsecmethods", methods}});
  }
  agent.give_address("192.0.2.1");
  const auto keys = agent.dynamic_keys();
  for (const auto& rule : policy.rules()) state["rules"].push_back(dynamic_rule_json(rule, keys));
  for (const auto& property : policy.config()) {
    const bool is_number = property.value().find_first_not_of("0123456789") == std::string::npos;
    Json value = is_number ? Json(std::stoi(property.value())) : Json(property.value());
    if (property.property() == "bootexemptions") value = exemptions_json(property.value());
    state["config"][property.property()] = value;
  }
  return state;
}

// Everything that `expected` states; "default" and null lifetimes are not compared. Lists keep the order of creation.
void expect_state(const Json& found, const Json& expected, const std::string& where) {
  if (expected == "default" || (expected.is_null() && (where.ends_with("/kb") || where.ends_with("/sec")))) return;
  if (expected.is_object() && expected.contains("kind") && as_range(expected) != expected) {
    EXPECT_EQ(found, as_range(expected)) << where;
  } else if (expected.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(found.contains(key)) << where << "/" << key;
      expect_state(found[key], value, where + "/" + key);
    }
  } else if (expected.is_array()) {
    ASSERT_EQ(found.size(), expected.size()) << where << "\n" << found.dump(1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_state(found[i], expected[i], where + "/" + std::to_string(i));
    }
  } else {
    EXPECT_EQ(found, expected) << where;
  }
}

Json stated_state(const Json& expectation) {
  Json state = Json::object();
  for (const char* key : {"assigned", "policies", "filterlists", "filteractions"}) state[key] = expectation[key];
  return state;
}

std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines;
  std::istringstream stream(content);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

std::string first_lines(const std::string& content, std::size_t count) {
  std::string text;
  const auto lines = lines_of(content);
  for (std::size_t i = 0; i < std::min(count, lines.size()); ++i) text += lines[i] + "\n";
  return text;
}

std::set<std::size_t> failed_lines(const std::string& printed) {
  std::set<std::size_t> numbers;
  const std::regex pattern("^script:([0-9]+): this line failed", std::regex::multiline);
  for (auto it = std::sregex_iterator(printed.begin(), printed.end(), pattern); it != std::sregex_iterator(); ++it) {
    numbers.insert(std::stoul((*it)[1]));
  }
  return numbers;
}

std::set<std::size_t> expected_failures(const Json& expectation) {
  std::set<std::size_t> numbers;
  for (const Json& error : expectation["errors"]) numbers.insert(error["line"].get<std::size_t>());
  return numbers;
}

// The text of the error at a line: what stands before its "this line failed".
void expect_codes(const Json& expectation, const std::string& printed) {
  for (const Json& error : expectation["errors"]) {
    const std::size_t end = printed.find(fmt::format("script:{}: this line failed", error["line"].get<int>()));
    if (end == std::string::npos) continue;  // reported by the comparison of the lines
    const std::size_t start = printed.rfind(": this line failed", end);
    const std::string text = printed.substr(start == std::string::npos ? 0 : start, end - start);
    if (error.contains("code")) {
      EXPECT_NE(text.find("ERR IPsec[" + error["code"].get<std::string>() + "] : "), std::string::npos) << text;
    } else if (error["kind"] == "unknown-command") {
      EXPECT_NE(text.find("The following command was not found: " + error["detail"].get<std::string>() + "."),
                std::string::npos)
          << text;
    } else {
      EXPECT_NE(text.find("ERR IPsec["), std::string::npos) << text;
    }
  }
}

class SampleScripts : public testing::TestWithParam<const char*> {};

TEST_P(SampleScripts, lead_to_the_state_they_demand) {
  const std::string name = std::string("samples/netsh/") + GetParam();
  const auto content = read_shared_file(name + ".txt");
  if (!content) GTEST_SKIP() << name << " is not beside this checkout";
  const Json expectation = Json::parse(*read_shared_file(name + ".expect.json"));
  // exportpolicy writes into the working directory.
  TestAgent agent;
  std::filesystem::current_path(agent.directory());
  TestSession netsh(agent);
  const std::string printed = netsh.run_script("script", *content);
  EXPECT_EQ(failed_lines(printed), expected_failures(expectation)) << printed;
  EXPECT_EQ(netsh.succeeded(), failed_lines(printed).empty());
  expect_codes(expectation, printed);
  expect_state(state_of(agent), stated_state(expectation), "");
  if (expectation.contains("dynamic")) expect_state(dynamic_state_of(agent), expectation["dynamic"], "dynamic");
  if (expectation.contains("exports")) {
    for (const Json& file : expectation["exports"]) {
      EXPECT_TRUE(std::filesystem::exists(file.get<std::string>())) << file;
    }
  }
  std::filesystem::current_path("/");
}

TEST_P(SampleScripts, pass_their_checkpoints) {
  const std::string name = std::string("samples/netsh/") + GetParam();
  const auto content = read_shared_file(name + ".txt");
  if (!content) GTEST_SKIP() << name << " is not beside this checkout";
  const Json expectation = Json::parse(*read_shared_file(name + ".expect.json"));
  if (!expectation.contains("checkpoints")) return;
  for (const Json& checkpoint : expectation["checkpoints"]) {
    TestAgent agent;
    TestSession netsh(agent);
    netsh.run_script("script", first_lines(*content, checkpoint["after_line"].get<std::size_t>()));
    expect_state(state_of(agent), stated_state(checkpoint), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Netsh, SampleScripts,
                         testing::Values("abbreviations-positional", "cert-rule", "contexts-and-comments",
                                         "dynamic-lockdown", "errors-basic", "modify-and-delete", "psk-two-hosts",
                                         "servers-ranges-protocols", "spaced-equals", "tunnel-pair"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class SampleBatches : public testing::TestWithParam<const char*> {};

std::size_t commands_of(const std::string& content) {
  std::size_t count = 0;
  for (const BatchStep& step : read_batch(*read_batch_lines(content))) {
    count += step.kind == BatchStep::Kind::kNetsh ? 1U : 0U;
  }
  return count;
}

TEST_P(SampleBatches, lead_to_the_state_they_demand) {
  const std::string name = std::string("samples/netsh/") + GetParam();
  const auto content = read_shared_file(name + ".txt");
  if (!content) GTEST_SKIP() << name << " is not beside this checkout";
  const Json expectation = Json::parse(*read_shared_file(name + ".expect.json"));
  TestAgent agent;
  TestSession netsh(agent, {.code_page = nullptr, .is_batch = true});
  const std::string printed = netsh.run_script("script", *content);
  EXPECT_EQ(commands_of(*content), expectation["commands"].get<std::size_t>());
  EXPECT_EQ(failed_lines(printed), expected_failures(expectation)) << printed;
  expect_codes(expectation, printed);
  expect_state(state_of(agent), stated_state(expectation), "");
}

INSTANTIATE_TEST_SUITE_P(Netsh, SampleBatches, testing::Values("block-worm-ports.bat", "rdp-whitelist.bat"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace ipsec::cli::tests
