#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "services/policyagent/core/compiler.h"
#include "store/json/json.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/support/seeded_random.h"
#include "tests/support/source_tree.h"

// Whole compiled policies, pinned as text beside the policies and hosts that they are made of (golden/NAME.json,
// NAME.txt), ids included: an id that changes cuts every SA of every host at the update. POLICYAGENT_WRITE_GOLDEN=1
// writes the text again; read the difference before keeping it.
namespace ipsec::agent::tests {
namespace {

using Json = nlohmann::json;

std::string path_of(const std::string& name, const char* ending) {
  return ipsec::tests::source_path(fmt::format("tests/policyagent/core/golden/{}.{}", name, ending));
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<IpAddress> servers(const Json& host, const char* kind) {
  std::vector<IpAddress> found;
  for (const std::string& text : host.value(kind, std::vector<std::string>())) found.push_back(address(text));
  return found;
}

HostAddresses host_of(const Json& description) {
  HostAddresses host;
  for (const Json& each : description.at("interfaces")) {
    add_interface(host, each.at("name"), each.at("kind") == "dialup" ? InterfaceKind::kDialup : InterfaceKind::kLan,
                  each.at("addresses"));
  }
  host.dns_servers = servers(description, "dns");
  host.wins_servers = servers(description, "wins");
  host.dhcp_servers = servers(description, "dhcp");
  host.gateways = servers(description, "gateways");
  return host;
}

class GoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, compiles_to_the_pinned_text) {
  const Json input = Json::parse(content_of(path_of(GetParam(), "json")));
  ipsec::tests::SeededRandom random(1);
  const store::ImportOutcome imported = store::import_json(input.at("document").dump(), random, 0);
  ASSERT_TRUE(imported.problems.empty()) << store::to_string(imported.problems.front());
  const auto policy = compile(imported.tree, host_of(input.at("host")));
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  const std::string text = describe(*policy, true);
  const std::string path = path_of(GetParam(), "txt");
  if (std::getenv("POLICYAGENT_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
  EXPECT_EQ(text, content_of(path));
}

INSTANTIATE_TEST_SUITE_P(Compiled, GoldenTest,
                         testing::Values("actions", "addresses", "connection-types", "default-modern",
                                         "default-windows2003", "host-names", "mirrored", "servers", "servers-unknown",
                                         "several-addresses", "tunnel-pair"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ipsec::agent::tests
