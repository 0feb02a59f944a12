#include <algorithm>

#include <fmt/format.h>

#include "services/common/secret.h"
#include "store/lint/checks.h"
#include "store/lint/limits.h"
#include "store/names.h"

// PSK-05: a preshared key is for one pair of hosts.
namespace ipsec::store::lint {

namespace {

struct KeyUses {
  const SecretBytes* key = nullptr;
  std::vector<RuleUse> rules;
};

class KeyRegister {
 public:
  void add(const RuleUse& use) {
    for (const AuthenticationMethod& method : use.rule->authentication) {
      const auto* psk = std::get_if<PresharedKeyAuthentication>(&method);
      if (psk == nullptr || psk->key.view().empty()) continue;  // a sealed key that cannot be opened is no key
      KeyUses& uses = uses_of(psk->key);
      if (uses.rules.empty() || uses.rules.back().rule != use.rule) uses.rules.push_back(use);
    }
  }
  const std::vector<KeyUses>& all() const { return uses_; }

 private:
  KeyUses& uses_of(const SecretBytes& key) {
    for (KeyUses& uses : uses_) {
      if (constant_time_equal(uses.key->view(), key.view())) return uses;
    }
    return uses_.emplace_back(KeyUses{&key, {}});
  }
  std::vector<KeyUses> uses_;
};

std::string common_policy(const std::vector<RuleUse>& rules) {
  const bool is_one =
      std::all_of(rules.begin(), rules.end(), [&](const RuleUse& use) { return use.policy == rules.front().policy; });
  return is_one ? rules.front().policy->name : "";
}

std::vector<NetshCommand> new_keys(const std::vector<RuleUse>& rules) {
  std::vector<NetshCommand> commands;
  for (std::size_t i = 1; i < rules.size(); ++i) {
    commands.push_back(NetshCommand("set rule")
                           .text("name", rules[i].rule->name)
                           .text("policy", rules[i].policy->name)
                           .authentication(rules[i].rule->authentication, fmt::format("new key {}", i)));
  }
  return commands;
}

}  // namespace

void check_preshared_key_shared(const Context& context, Report report) {
  KeyRegister keys;
  for (const Policy* policy : context.policies()) {
    for (std::size_t i = 0; i < policy->rules.size(); ++i) {
      const Rule& rule = policy->rules[i];
      if (rule.active && context.negotiates(rule)) keys.add({policy, &rule, i});
    }
  }
  for (const KeyUses& uses : keys.all()) {
    if (uses.rules.size() < kManyRules) continue;
    const RuleUse& first = uses.rules.front();
    report.add(
        {common_policy(uses.rules), rule_label(first.rule->name, first.policy->name),
         fmt::format("{} rules have the preshared key of this one: who learns it from one peer can pretend to be "
                     "any of them. Give each pair of hosts a key of its own (the peers need it too)",
                     uses.rules.size() - 1),
         new_keys(uses.rules)});
  }
}

}  // namespace ipsec::store::lint
