#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/json/json.h"
#include "store/policy_store.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kTrees = 200;

TEST(RoundTrip, ExportImportExportIsByteIdentical) {
  for (std::uint64_t seed = 1; seed <= kTrees; ++seed) {
    SeededRandom random(seed);
    const std::string first = export_json(random_tree(random), {true});
    const ImportOutcome imported = import_json(first, random, kNow + 999);
    ASSERT_THAT(imported.problems, IsEmpty()) << "seed " << seed << "\n" << all_text(imported.problems);
    ASSERT_EQ(export_json(imported.tree, {true}), first) << "seed " << seed;
  }
}

TEST(RoundTrip, MergingAnExportWithoutSecretsChangesNothing) {
  for (std::uint64_t seed = 1; seed <= kTrees; ++seed) {
    SeededRandom random(seed);
    const PolicyTree tree = random_tree(random);
    // Unless said otherwise the keys stay; `assigned` stands in the export too.
    const ImportOutcome merged = merge_json(export_json(tree), tree, random, kNow + 999);
    ASSERT_THAT(merged.problems, IsEmpty()) << "seed " << seed << "\n" << all_text(merged.problems);
    ASSERT_EQ(export_json(merged.tree, {true}), export_json(tree, {true})) << "seed " << seed;
  }
}

TEST(RoundTrip, ThroughTheStore) {
  TemporaryDirectory directory;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    const std::string text = export_json(random_tree(random), {true});
    auto store = PolicyStore::open(directory.file("policy.db"), {}, random);
    ASSERT_TRUE(store.ok());
    const auto problems = store->import_json(text, ImportMode::kReplace, kNow);
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_THAT(*problems, IsEmpty()) << all_text(*problems);
    ASSERT_EQ(*store->export_json(true), text) << "seed " << seed;
  }
}

TEST(Export, KeysAreLeftOutUnlessAskedFor) {
  PolicyTree tree = small_tree();
  tree.policies[0].rules[0].authentication = {
      psk("open sesame"), PresharedKeyAuthentication{SecretBytes(ByteView(Bytes{0xff, 0x00, 0x01}))}};
  const std::string without = export_json(tree);
  EXPECT_THAT(without, Not(HasSubstr("sesame")));
  EXPECT_THAT(without, Not(HasSubstr("psk_hex")));
  const std::string with = export_json(tree, {true});
  EXPECT_THAT(with, HasSubstr("\"psk\": \"open sesame\""));
  EXPECT_THAT(with, HasSubstr("\"psk_hex\": \"ff0001\""));
}

TEST(Export, OnePolicyTakesOnlyWhatItsRulesUse) {
  const PolicyTree tree = small_tree();
  const PolicyTree part = tree_of_policy(tree, tree.policies[1]);
  EXPECT_EQ(part.policies.size(), 1u);
  EXPECT_EQ(part.filter_lists.size(), 2u);
  EXPECT_EQ(part.filter_actions.size(), 1u);
  EXPECT_EQ(part.assigned, std::nullopt);
  EXPECT_EQ(tree_of_policy(tree, tree.policies[0]).assigned, tree.policies[0].guid);
}

}  // namespace
}  // namespace ipsec::store::tests
