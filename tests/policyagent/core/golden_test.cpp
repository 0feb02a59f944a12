#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "services/policyagent/core/compiler.h"
#include "tests/policyagent/core/policy_builder.h"

// Whole compiled policies, pinned as text in tests/vectors/compiled, ids included: an id that changes cuts every SA of
// every host at the update. POLICYAGENT_WRITE_GOLDEN=1 writes the files again; read the difference before keeping it.
namespace ipsec::agent::tests {
namespace {

using store::Action;

struct Golden {
  const char* name;
  HostAddresses host;
  std::function<void(PolicyBuilder&)> build;
};

void domain_isolation(PolicyBuilder& builder) {
  builder.rule("secure the network", Action::kNegotiate, {filter("me", "10.77.0.0/24")});
  builder.rule("controllers", Action::kPermit, {filter("me", "10.77.0.10"), filter("me", "dns", kProtocolUdp, 0, 53)});
  builder.rule("worms", Action::kBlock, {one_way(filter("any", "me", kProtocolTcp, 0, 135))});
  store::FilterAction& action = builder.tree().filter_actions.front();
  action.inbound_passthrough = true;
  action.quick_mode_pfs = true;
  action.pfs_group = DhGroup::kModp2048;
  builder.policy().default_response = {{}, true, false, action.offers, {preshared_key("default")}};
}

void gateway(PolicyBuilder& builder) {
  builder.rule("to branch", Action::kNegotiate, {one_way(filter("10.1.0.0/16", "10.2.0.0/16"))}).tunnel_endpoint =
      address("192.0.2.2");
  builder.rule("from branch", Action::kNegotiate, {one_way(filter("10.2.0.0/16", "10.1.0.0/16"))}).tunnel_endpoint =
      address("192.0.2.1");
}

void windows_2003(PolicyBuilder& builder) {
  builder.policy().profile = store::Profile::kWindows2003;
  store::Rule& rule = builder.rule("all ip", Action::kNegotiate, {filter("me", "any")});
  rule.authentication = {store::KerberosAuthentication{}};
  builder.rule("icmp", Action::kPermit, {filter("me", "any", kProtocolIcmp)});
}

std::vector<Golden> goldens() {
  HostAddresses isolated = lan_host({"10.77.0.1/24", "fd77::1/64"});
  isolated.dns_servers = {address("10.77.0.53")};
  return {{"domain-isolation", isolated, domain_isolation},
          {"gateway", lan_host({"192.0.2.1/24", "10.1.0.1/16"}), gateway},
          {"windows2003", lan_host({"10.77.0.1/24", "fd77::1/64"}), windows_2003}};
}

class GoldenTest : public testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, compiles_to_the_pinned_text) {
  PolicyBuilder builder;
  GetParam().build(builder);
  const auto policy = compile(builder.tree(), GetParam().host);
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  const std::string text = describe(*policy, true);
  const std::string path = fmt::format("{}/tests/vectors/compiled/{}.txt", POLICYAGENT_SOURCE_DIR, GetParam().name);
  if (std::getenv("POLICYAGENT_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str());
}

INSTANTIATE_TEST_SUITE_P(Compiled, GoldenTest, testing::ValuesIn(goldens()),
                         [](const auto& info) { return fmt::format("{}", info.index); });

}  // namespace
}  // namespace ipsec::agent::tests
