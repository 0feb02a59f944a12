#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "store/lint/lint.h"
#include "store/lint/netsh_command.h"

// What the checks share: the tree with its links resolved, and where findings go.
namespace ipsec::store::lint {

struct RuleUse {
  const Policy* policy = nullptr;
  const Rule* rule = nullptr;
  std::size_t place = 0;  // among the policy's rules
};

// Borrows tree and facts. A link that leads nowhere counts as an empty list or a missing action.
class Context {
 public:
  // `scope`: the only policy to look at; null: everything.
  Context(const PolicyTree& tree, const HostFacts& facts, const Policy* scope);

  const PolicyTree& tree() const { return tree_; }
  const HostFacts& facts() const { return facts_; }
  bool is_whole_store() const { return scope_ == nullptr; }
  // Those in scope.
  std::vector<const Policy*> policies() const;
  // True for a list or an action that a rule in scope uses, and for every one where the scope is the whole store.
  bool is_in_scope(const Guid& list_or_action) const;

  const std::vector<Filter>& filters_of(const Rule& rule) const;
  const FilterList* list_of(const Rule& rule) const;
  const FilterAction* action_of(const Rule& rule) const;
  bool negotiates(const Rule& rule) const;
  // The rules that use this list or action, in the order of the tree.
  const std::vector<RuleUse>& uses_of(const Guid& list_or_action) const;
  // nullptr where the host's view of it is not known.
  const PolicyOnHost* on_host(const Policy& policy) const;
  bool is_local(const IpAddress& address) const;

 private:
  const PolicyTree& tree_;
  const HostFacts& facts_;
  const Policy* scope_;
  std::unordered_map<std::string, const FilterList*> lists_;
  std::unordered_map<std::string, const FilterAction*> actions_;
  std::unordered_map<std::string, const PolicyOnHost*> policies_;
  std::unordered_map<std::string, std::vector<RuleUse>> uses_;
};

bool is_tunnel(const Rule& rule);
// Source and destination exchanged, and their ports.
Filter reversed(Filter filter);
bool has_preshared_key(const std::vector<AuthenticationMethod>& methods);

// Takes the findings of one check.
class Report {
 public:
  Report(const CheckInfo& check, std::vector<Finding>& findings) : check_(check), findings_(findings) {}

  struct What {
    std::string policy;
    std::string object;
    std::string why;
    std::vector<NetshCommand> mend;
  };
  void add(What what) { add(check_.severity, std::move(what)); }
  void add(Severity severity, What what);

 private:
  const CheckInfo& check_;
  std::vector<Finding>& findings_;
};

}  // namespace ipsec::store::lint
