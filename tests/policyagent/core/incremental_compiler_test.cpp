#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/list_difference.h"
#include "tests/policyagent/core/policy_builder.h"

// What a Compiler keeps of the compilation before may cost nothing but time: the result is that of a new one.
namespace ipsec::agent::tests {
namespace {

using store::Action;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

CompiledPolicy compiled_by(Compiler& compiler, const PolicyBuilder& builder, const HostAddresses& host) {
  auto policy = compiler.compile(builder.tree(), host);
  EXPECT_TRUE(policy.ok()) << policy.status().message();
  return policy.ok() ? *std::move(policy) : CompiledPolicy();
}

// The rules of the filters that are in one of the two but not, as the same object, in the other.
std::set<std::string> rules_made_anew(const CompiledPolicy& before, const CompiledPolicy& after) {
  std::set<const SpecificFilter*> old;
  std::set<std::string> rules;
  for (const SpecificFilter& filter : before.filters) old.insert(&filter);
  for (const SpecificFilter& filter : after.filters) {
    if (!old.contains(&filter)) rules.insert(filter.rule_name);
  }
  return rules;
}

// Three rules; "first" and "second" share the list of "first", "second" and "third" the action of "second".
PolicyBuilder three_rules() {
  PolicyBuilder builder;
  builder.rule("first", Action::kNegotiate, {filter("me", "10.1.0.0/16"), filter("me", "10.2.0.1", kProtocolTcp)});
  builder.rule("second", Action::kBlock, {filter("me", "10.3.0.0/16")});
  builder.rule("third", Action::kBlock, {filter("me", "10.4.0.0/16")});
  auto& rules = builder.policy().rules;
  rules[1].filter_list = rules[0].filter_list;
  rules[2].filter_action = rules[1].filter_action;
  return builder;
}

TEST(IncrementalCompiler, nothing_changed_shares_every_filter) {
  const PolicyBuilder builder = three_rules();
  const HostAddresses host = lan_host({"10.77.0.1/24"});
  Compiler compiler;
  const CompiledPolicy before = compiled_by(compiler, builder, host);
  const CompiledPolicy after = compiled_by(compiler, builder, host);
  EXPECT_THAT(rules_made_anew(before, after), IsEmpty());
  EXPECT_TRUE(difference(before.filters, after.filters).empty());
  EXPECT_TRUE(difference(before.main_mode_filters, after.main_mode_filters).empty());
}

TEST(IncrementalCompiler, PD_06_a_change_of_a_shared_list_reaches_every_rule_that_uses_it_and_no_other) {
  PolicyBuilder builder = three_rules();
  const HostAddresses host = lan_host({"10.77.0.1/24"});
  Compiler compiler;
  const CompiledPolicy before = compiled_by(compiler, builder, host);
  store::FilterList& shared = builder.tree().filter_lists.front();
  shared.filters.push_back(filter("me", "10.9.0.1"));
  shared.filters.edit().back().guid = {"new"};
  const CompiledPolicy after = compiled_by(compiler, builder, host);
  EXPECT_THAT(rules_made_anew(before, after), UnorderedElementsAre("first", "second"));
  const ListDifference change = difference(before.filters, after.filters);
  EXPECT_THAT(change.removed, IsEmpty());
  EXPECT_EQ(change.inserted.size(), 4U) << "two directions of two rules";
}

TEST(IncrementalCompiler, PD_06_a_change_of_a_shared_action_reaches_every_rule_that_uses_it_and_no_other) {
  PolicyBuilder builder = three_rules();
  const HostAddresses host = lan_host({"10.77.0.1/24"});
  Compiler compiler;
  const CompiledPolicy before = compiled_by(compiler, builder, host);
  builder.action_of(builder.policy().rules[1]).action = Action::kPermit;
  const CompiledPolicy after = compiled_by(compiler, builder, host);
  EXPECT_THAT(rules_made_anew(before, after), UnorderedElementsAre("second", "third"));
  for (const SpecificFilter& filter : after.filters) {
    EXPECT_EQ(filter.action, filter.rule_name == "first" ? Action::kNegotiate : Action::kPermit);
  }
}

TEST(IncrementalCompiler, IM_05_a_new_address_leaves_the_filters_of_the_others_alone) {
  const PolicyBuilder builder = three_rules();
  Compiler compiler;
  const CompiledPolicy before = compiled_by(compiler, builder, lan_host({"10.77.0.1/24"}));
  const CompiledPolicy after = compiled_by(compiler, builder, lan_host({"10.77.0.1/24", "10.77.0.5/24"}));
  const ListDifference change = difference(before.filters, after.filters);
  EXPECT_THAT(change.removed, IsEmpty());
  EXPECT_EQ(change.inserted.size(), before.filters.size());
}

TEST(IncrementalCompiler, a_refused_policy_leaves_the_compiler_as_it_was) {
  PolicyBuilder builder = three_rules();
  const HostAddresses host = lan_host({"10.77.0.1/24"});
  Compiler compiler;
  const CompiledPolicy before = compiled_by(compiler, builder, host);
  PolicyBuilder broken = builder;
  broken.policy().rules[1].filter_list = {"nowhere"};
  EXPECT_FALSE(compiler.compile(broken.tree(), host).ok());
  EXPECT_THAT(rules_made_anew(before, compiled_by(compiler, builder, host)), IsEmpty());
}

// ---- any sequence of changes ----------------------------------------------------------------------------------------

class RandomEdits {
 public:
  explicit RandomEdits(unsigned seed) : random_(seed) {
    for (unsigned i = 0; i < 6; ++i) add_rule();
  }

  const PolicyBuilder& builder() const { return builder_; }
  const HostAddresses& host() const { return host_; }

  // What was done, for the message of a failure.
  std::string change() {
    auto& rules = builder_.policy().rules;
    const std::size_t at = below(rules.size());
    store::Rule& rule = rules[at];
    store::FilterList& list = builder_.tree().filter_lists[below(builder_.tree().filter_lists.size())];
    switch (below(12)) {
      case 0:
        return add_rule();
      case 1:
        if (rules.size() > 2) rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(at));
        return "delete a rule";
      case 2:
        rule.active = !rule.active;
        return "switch a rule";
      case 3:
        rule.filter_list = list.guid;
        return "another list";
      case 4:
        rule.filter_action = builder_.tree().filter_actions[below(builder_.tree().filter_actions.size())].guid;
        return "another action";
      case 5:
        list.filters.push_back(any_filter());
        return "add a filter";
      case 6:
        if (list.filters.size() > 1) list.filters.edit().erase(list.filters.begin());
        return "delete a filter";
      case 7:
        builder_.action_of(rule).action = static_cast<Action>(below(3));
        return "change an action";
      case 8:
        builder_.action_of(rule).quick_mode_pfs = below(2) == 0;
        builder_.action_of(rule).allow_soft = below(2) == 0;
        return "change how to negotiate";
      case 9:
        rule.authentication = {preshared_key(fmt::format("key {}", below(2)))};
        return "change a key";
      case 10:
        std::swap(rules[at], rules[below(rules.size())]);
        return "swap two rules";
      default:
        host_ = lan_host(below(2) == 0 ? std::vector<std::string>{"10.77.0.1/24"}
                                       : std::vector<std::string>{"10.77.0.1/24", "10.1.0.2/16", "fd77::1/64"});
        return "other addresses";
    }
  }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

  store::Filter any_filter() {
    static const std::vector<std::string> kSides = {"me",        "any",         "10.1.0.0/16",         "10.1.0.9",
                                                    "10.1.0.10", "fd77::/64",   "10.1.0.3-10.1.0.200", "10.2.0.0/16",
                                                    "dns",       "192.0.2.0/24"};
    store::Filter made = filter(kSides[below(kSides.size())], kSides[below(kSides.size())],
                                below(2) == 0 ? kProtocolTcp : kProtocolAny, 0, 0, below(2) == 0);
    if (made.protocol == kProtocolTcp) made.destination_port = static_cast<std::uint16_t>(below(3) * 80);
    made.guid = {fmt::format("filter {}", ++filters_)};
    return made;
  }

  std::string add_rule() {
    std::vector<store::Filter> filters;
    for (std::size_t i = 0; i <= below(4); ++i) filters.push_back(any_filter());
    store::Rule& rule =
        builder_.rule(fmt::format("rule {}", ++rules_), static_cast<Action>(below(3)), std::move(filters));
    if (below(3) == 0) rule.tunnel_endpoint = address(below(2) == 0 ? "10.77.0.1" : "192.0.2.9");
    return "add a rule";
  }

  std::mt19937 random_;
  PolicyBuilder builder_;
  HostAddresses host_ = lan_host({"10.77.0.1/24"});
  unsigned filters_ = 0;
  unsigned rules_ = 0;
};

template <typename T>
std::vector<const T*> applied(const SharedList<T>& before, const SharedList<T>& after) {
  const ListDifference change = difference(before, after);
  const std::set<std::uint64_t> removed(change.removed.begin(), change.removed.end());
  std::vector<const T*> list;
  for (const T& element : before) {
    if (!removed.contains(element.id)) list.push_back(&element);
  }
  for (const std::size_t place : change.inserted) {
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(place), &after[place]);
  }
  return list;
}

template <typename T>
bool comes_out(const SharedList<T>& before, const SharedList<T>& after) {
  const std::vector<const T*> made = applied(before, after);
  return std::equal(made.begin(), made.end(), after.begin(), after.end(),
                    [](const T* a, const T& b) { return *a == b; });
}

class RandomEditsTest : public testing::TestWithParam<unsigned> {};

TEST_P(RandomEditsTest, the_result_is_that_of_a_new_compiler_and_the_difference_leads_to_it) {
  const unsigned seed = GetParam();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  RandomEdits edits(seed);
  Compiler compiler;
  CompiledPolicy before;
  for (int step = 0; step < 120; ++step) {
    const std::string done = edits.change();
    const CompiledPolicy after = compiled_by(compiler, edits.builder(), edits.host());
    const auto fresh = compile(edits.builder().tree(), edits.host());
    ASSERT_TRUE(fresh.ok());
    ASSERT_EQ(describe(after, true), describe(*fresh, true)) << "step " << step << ": " << done;
    ASSERT_TRUE(comes_out(before.filters, after.filters)) << "step " << step << ": " << done;
    ASSERT_TRUE(comes_out(before.main_mode_filters, after.main_mode_filters)) << "step " << step << ": " << done;
    before = after;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomEditsTest, testing::Range(1U, 21U));

}  // namespace
}  // namespace ipsec::agent::tests
