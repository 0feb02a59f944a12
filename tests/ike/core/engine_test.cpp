#include "services/ike/core/engine.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::seconds;

TEST(Engine, MM_01_QM_04_main_mode_and_quick_mode_yield_a_matching_pair) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(5));

  EXPECT_EQ(pair.sent.size(), 9U) << "six of main mode, three of quick mode";
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.inbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
}

}  // namespace
}  // namespace ipsec::ike::tests
