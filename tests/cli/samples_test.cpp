#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/test_session.h"
#include "tests/support/published_data.h"

// The sample scripts, each run on an empty store: the state afterwards and the lines that fail are as the file beside
// the script demands.
namespace ipsec::cli::tests {
namespace {

using Json = nlohmann::json;
using ipsec::tests::read_shared_file;

// What netsh ipsec static does not have yet; these lines fail, and with them what they would have made.
bool is_out_of_scope(const std::string& line, bool is_dynamic) {
  if (line.find("set store") != std::string::npos) return true;
  return is_dynamic && std::regex_search(line, std::regex("^(add|set|delete) "));
}

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

Json policy_json(const proto::StoredPolicy& policy, const Json& exported) {
  Json methods = Json::array();
  for (const auto& offer : policy.main_mode_offers()) {
    const auto group = kGroupNumbers.find(offer.dh_group());
    methods.push_back(
        fmt::format("{}-{}-{}", offer.cipher(), offer.integrity(), group == kGroupNumbers.end() ? 0 : group->second));
  }
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
          {"mmsecmethods", methods},
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

std::set<std::size_t> expected_failures(const Json& expectation, const std::string& content, bool is_dynamic) {
  std::set<std::size_t> numbers;
  for (const Json& error : expectation["errors"]) numbers.insert(error["line"].get<std::size_t>());
  const auto lines = lines_of(content);
  bool in_dynamic = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find("ipsec dynamic") != std::string::npos) in_dynamic = true;
    if (lines[i] == "popd") in_dynamic = false;
    if (is_out_of_scope(lines[i], in_dynamic || is_dynamic)) numbers.insert(i + 1);
  }
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
  EXPECT_EQ(failed_lines(printed), expected_failures(expectation, *content, false)) << printed;
  EXPECT_EQ(netsh.succeeded(), failed_lines(printed).empty());
  expect_codes(expectation, printed);
  expect_state(state_of(agent), stated_state(expectation), "");
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

// cmd.exe's part of a batch line: what reaches netsh as words, or nothing.
std::optional<std::string> netsh_part(std::string line) {
  if (!std::regex_search(line, std::regex("^netsh ", std::regex::icase))) return std::nullopt;
  line = std::regex_replace(line, std::regex(" *(&&|>).*$"), "");
  return line;
}

class SampleBatches : public testing::TestWithParam<const char*> {};

TEST_P(SampleBatches, lead_to_the_state_they_demand) {
  const std::string name = std::string("samples/netsh/") + GetParam();
  const auto content = read_shared_file(name + ".txt");
  if (!content) GTEST_SKIP() << name << " is not beside this checkout";
  const Json expectation = Json::parse(*read_shared_file(name + ".expect.json"));
  TestAgent agent;
  std::set<std::size_t> failed;
  std::size_t commands = 0;
  const auto lines = lines_of(*content);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = netsh_part(lines[i]);
    if (!line) continue;
    TestSession netsh(agent);  // each line is a process of its own
    netsh.run(*line);
    ++commands;
    if (!netsh.succeeded()) failed.insert(i + 1);
  }
  EXPECT_EQ(commands, expectation["commands"].get<std::size_t>());
  EXPECT_EQ(failed, expected_failures(expectation, "", false));
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
