// For any policies: JSON -> store -> compiled policy -> listings -> JSON is stable. Each step is taken twice, from what
// was written by hand and from what came back, and nothing may differ.
#include <cstdlib>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cli/format.h"
#include "cli/show_json.h"
#include "services/policyagent/core/compiler.h"
#include "services/policyagent/shell/lint_facts.h"
#include "services/policyagent/shell/policy_messages.h"
#include "services/policyagent/shell/store_messages.h"
#include "store/json/json.h"
#include "store/policy_store.h"
#include "store/validate.h"
#include "tests/store/store_support.h"

namespace ipsec::cli::tests {
namespace {

using ipsec::tests::SeededRandom;
using store::PolicyTree;
using store::tests::kNow;

agent::HostAddresses host() {
  agent::HostAddresses host;
  host.interfaces.push_back(
      {"eth0",
       agent::InterfaceKind::kLan,
       true,
       {{IpAddress::parse("192.0.2.7").value(), 24}, {IpAddress::parse("2001:db8::7").value(), 64}}});
  host.interfaces.push_back(
      {"ppp0", agent::InterfaceKind::kDialup, true, {{IpAddress::parse("10.0.0.1").value(), 32}}});
  host.dns_servers = {IpAddress::parse("192.0.2.53").value()};
  host.gateways = {IpAddress::parse("192.0.2.1").value()};
  return host;
}

template <typename T>
void keep(std::vector<T>& elements, std::size_t most) {
  if (elements.size() > most) elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(most), elements.end());
}

// A valid tree. The seed decides what is in it, the counts how much of that; a counterexample shrinks to few parts.
PolicyTree any_tree() {
  SeededRandom random(*rc::gen::arbitrary<std::uint64_t>().as("seed of the tree"));
  PolicyTree tree = store::tests::random_tree(random);
  keep(tree.policies, *rc::gen::inRange<std::size_t>(0, 4).as("policies"));
  const auto rules = *rc::gen::inRange<std::size_t>(0, 6).as("rules of each policy");
  const auto filters = *rc::gen::inRange<std::size_t>(0, 9).as("filters of each list");
  for (store::Policy& policy : tree.policies) keep(policy.rules, rules);
  for (store::FilterList& list : tree.filter_lists) keep(list.filters.edit(), filters);
  if (tree.assigned && store::assigned_policy(tree) == nullptr) tree.assigned.reset();
  return tree;
}

// Everything that `show` prints of a store and of what the host makes of it, in every layout and as JSON.
std::string everything_shown(const PolicyTree& tree) {
  proto::ReadReply stored;
  stored.set_store("local");
  for (const auto& policy : tree.policies) *stored.add_policies() = agent::to_proto(policy, tree, true);
  for (const auto& list : tree.filter_lists) *stored.add_filter_lists() = agent::to_proto(list, true);
  for (const auto& action : tree.filter_actions) *stored.add_filter_actions() = agent::to_proto(action);

  auto policy = agent::compile(tree, host());
  RC_ASSERT(policy.ok());
  const agent::PolicyInForce in_force{std::move(policy).value(), 1};
  proto::CompiledPolicyReply compiled;
  agent::for_each_part(in_force, [&compiled](const proto::CompiledPolicyReply& part) {
    compiled.MergeFrom(part);
    return true;
  });

  std::string text = show_json("static show all", stored) + show_json("dynamic show all", compiled);
  for (const bool table : {false, true}) {
    for (const bool verbose : {false, true}) {
      ShowOptions options;
      options.table = table;
      options.verbose = verbose;
      text += format_policies(stored, options) + format_filter_lists(stored, options) +
              format_filter_actions(stored, options);
    }
  }
  text += format_main_mode_policies(compiled) + format_quick_mode_policies(compiled) +
          format_generic_main_mode_filters(compiled) + format_specific_main_mode_filters(compiled, {}) +
          format_generic_filters(compiled, compiled) + format_specific_filters(compiled, compiled, {}) +
          format_running_rules(compiled, compiled);
  for (const auto& finding : store::lint::lint(tree, agent::lint_facts(tree, host(), {}))) {
    text += finding.id + finding.object + finding.why;
    for (const std::string& line : finding.mend) text += line;
  }
  return text;
}

TEST(PolicyProperty, json_store_compile_show_json_is_stable) {
  // Printed by RapidCheck; RC_PARAMS="seed=..." takes another, and "reproduce=..." a counterexample again.
  setenv("RC_PARAMS", "seed=20261120 max_success=100", 0);
  EXPECT_TRUE(rc::check("JSON -> store -> compile -> show -> JSON is stable", [] {
    const PolicyTree tree = any_tree();
    RC_PRE(store::validate(tree).empty());
    const std::string json = store::export_json(tree, {true});

    const store::tests::TemporaryDirectory directory;
    SeededRandom random(1);
    auto store = store::PolicyStore::open(directory.file("policy.db"), {}, random);
    RC_ASSERT(store.ok());
    const auto problems = store->import_json(json, store::ImportMode::kReplace, kNow);
    RC_ASSERT(problems.ok());
    RC_ASSERT(problems->empty());
    const auto stored = store->load_tree();
    RC_ASSERT(stored.ok());

    RC_ASSERT(*store->export_json(true) == json);
    const std::string shown = everything_shown(*stored);
    // The version of a policy belongs to its store; JSON does not carry it.
    PolicyTree written = tree;
    for (std::size_t i = 0; i < written.policies.size(); ++i) {
      written.policies[i].version = stored->policies[i].version;
    }
    RC_ASSERT(shown == everything_shown(written));

    // A second time around, through a merge into what is there.
    const auto again = store->import_json(json, store::ImportMode::kMerge, kNow + 999);
    RC_ASSERT(again.ok());
    RC_ASSERT(again->empty());
    RC_ASSERT(*store->export_json(true) == json);
  }));
}

}  // namespace
}  // namespace ipsec::cli::tests
