#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "store/config.h"
#include "store/model.h"
#include "store/problem.h"

// The changes of `netsh ipsec dynamic` (netsh reference section 5) and their meaning. In every Set..., only what is
// present changes. Names are compared without regard to case.
namespace ipsec::store {

struct AddMainModePolicy {
  std::string name = {};
  std::optional<std::vector<MainModeOffer>> offers = {};  // absent: the default ones
  std::optional<std::uint32_t> lifetime_minutes = {};
  std::optional<std::uint32_t> quick_mode_limit = {};
  std::optional<std::uint32_t> soft_sa_expiration = {};
};
struct SetMainModePolicy {
  std::string name = {};
  std::optional<std::vector<MainModeOffer>> offers = {};
  std::optional<std::uint32_t> lifetime_minutes = {};
  std::optional<std::uint32_t> quick_mode_limit = {};
  std::optional<std::uint32_t> soft_sa_expiration = {};
};
// Refused while a rule uses it; so is "all" as a whole.
struct DeleteMainModePolicy {
  std::string name = {};  // empty: all
};

struct AddQuickModePolicy {
  std::string name = {};
  std::optional<std::vector<QuickModeOffer>> offers = {};  // absent: the default ones
  std::optional<std::optional<DhGroup>> pfs = {};          // absent: without PFS
  std::optional<bool> allow_soft = {};
};
struct SetQuickModePolicy {
  std::string name = {};
  std::optional<std::vector<QuickModeOffer>> offers = {};
  std::optional<std::optional<DhGroup>> pfs = {};
  std::optional<bool> allow_soft = {};
};
struct DeleteQuickModePolicy {
  std::string name = {};  // empty: all
};

// What identifies a rule. Description and GUID of the filter do not count.
struct DynamicRuleSelector {
  Filter filter;
  ConnectionType connection_type = ConnectionType::kAll;
  std::optional<IpAddress> tunnel_endpoint = {};
};
struct AddDynamicRule {
  DynamicRuleSelector selector = {};
  std::string main_mode_policy = {};
  std::string quick_mode_policy = {};  // empty: none
  std::optional<Action> inbound = {};  // absent: negotiate
  std::optional<Action> outbound = {};
  std::optional<std::vector<AuthenticationMethod>> authentication = {};  // absent: default_authentication
};
struct SetDynamicRule {
  DynamicRuleSelector selector = {};
  std::optional<std::string> main_mode_policy = {};
  std::optional<std::string> quick_mode_policy = {};
  std::optional<Action> inbound = {};
  std::optional<Action> outbound = {};
  std::optional<std::vector<AuthenticationMethod>> authentication = {};  // replaces all methods
};
struct DeleteDynamicRule {
  DynamicRuleSelector selector = {};
};
struct DeleteDynamicAll {};

struct SetConfig {
  std::string property = {};
  std::string value = {};
};

using DynamicChange =
    std::variant<AddMainModePolicy, SetMainModePolicy, DeleteMainModePolicy, AddQuickModePolicy, SetQuickModePolicy,
                 DeleteQuickModePolicy, AddDynamicRule, SetDynamicRule, DeleteDynamicRule, DeleteDynamicAll, SetConfig>;

// "dynamic add rule", "set config": for logs and the audit trail.
std::string_view change_name(const DynamicChange& change);

// What an agent has beside its stores.
struct RunningState {
  DynamicPolicy policy;
  Config config;
};

// Carries out one change, or leaves the state as it was and says why.
Problems edit(RunningState& state, const DynamicChange& change);

}  // namespace ipsec::store
