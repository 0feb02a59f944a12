#include "services/driver/core/diagnostics.h"

#include <gtest/gtest.h>

namespace ipsec::driver::tests {
namespace {

using std::chrono::minutes;

constexpr Timestamp kStart{minutes(1)};

VerdictCounts with(VerdictCounts counts, Verdict verdict, std::uint64_t packets) {
  counts[static_cast<std::size_t>(verdict)] += packets;
  return counts;
}

TEST(Diagnostics, every_drop_belongs_to_its_direction_and_nothing_else_to_any) {
  for (const VerdictInfo& row : kVerdicts) {
    const std::uint32_t classes = drop_classes(row.id);
    const bool is_drop = row.kind == VerdictKind::kDrop;
    EXPECT_EQ(classes != 0, is_drop) << row.name;
    if (!is_drop) continue;
    const bool is_outbound = row.name.starts_with("outbound_");
    EXPECT_EQ((classes & kOutboundDrops) != 0, is_outbound) << row.name;
    EXPECT_EQ((classes & kInboundDrops) != 0, !is_outbound) << row.name;
  }
  EXPECT_EQ(drop_classes(Verdict::kInboundBadSpi), kFailureDrops | kInboundDrops);
  EXPECT_EQ(drop_classes(Verdict::kOutboundNegotiationFailed), kFailureDrops | kOutboundDrops);
  EXPECT_EQ(drop_classes(Verdict::kInboundBlocked), kInboundDrops) << "a policy at work is no failure";
}

TEST(Diagnostics, nothing_is_due_without_a_class) {
  Diagnostics diagnostics;
  EXPECT_FALSE(diagnostics.is_due(kStart));
  diagnostics.set({0, minutes(1)}, {}, kStart);
  EXPECT_FALSE(diagnostics.is_due(kStart + minutes(100)));
}

TEST(Diagnostics, an_interval_has_the_drops_of_the_chosen_classes_once) {
  Diagnostics diagnostics;
  VerdictCounts counts = with({}, Verdict::kOutboundBlocked, 5);
  diagnostics.set({kOutboundDrops, minutes(2)}, counts, kStart);
  EXPECT_FALSE(diagnostics.is_due(kStart + minutes(2) - Duration(1)));
  EXPECT_TRUE(diagnostics.is_due(kStart + minutes(2)));
  counts = with(counts, Verdict::kOutboundBlocked, 3);
  counts = with(counts, Verdict::kOutboundPermitted, 3);
  counts = with(counts, Verdict::kInboundBlocked, 3);
  const auto drops = diagnostics.report(counts, kStart + minutes(2));
  ASSERT_EQ(drops.size(), 1U);
  EXPECT_EQ(drops[0].verdict, Verdict::kOutboundBlocked);
  EXPECT_EQ(drops[0].packets, 3U) << "those before it was asked for do not count";
  EXPECT_FALSE(diagnostics.is_due(kStart + minutes(4) - Duration(1)));
  EXPECT_TRUE(diagnostics.is_due(kStart + minutes(4)));
  EXPECT_TRUE(diagnostics.report(counts, kStart + minutes(4)).empty());
}

TEST(Diagnostics, the_next_policy_with_the_same_settings_does_not_begin_the_interval_anew) {
  Diagnostics diagnostics;
  const DiagnosticsSettings settings{kAllDropClasses, minutes(2)};
  diagnostics.set(settings, {}, kStart);
  diagnostics.set(settings, {}, kStart + minutes(1));
  EXPECT_TRUE(diagnostics.is_due(kStart + minutes(2)));
}

}  // namespace
}  // namespace ipsec::driver::tests
