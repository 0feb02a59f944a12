#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/crypto/random.h"
#include "store/lookup.h"
#include "store/model.h"
#include "store/problem.h"

// The changes an administrator can make: one struct for each `netsh ipsec static` command, and their meaning (netsh
// reference section 6). In every Set..., only what is present changes.
namespace ipsec::store {

struct AddPolicy {
  std::string name;
  std::optional<std::string> description;
  std::optional<bool> master_pfs;
  std::optional<std::uint32_t> quick_mode_limit;
  std::optional<std::uint32_t> main_mode_lifetime_minutes;
  std::optional<bool> activate_default_rule;  // absent: yes
  std::optional<std::uint32_t> polling_interval_minutes;
  std::optional<bool> assign;  // true unassigns any other
  std::optional<std::vector<MainModeOffer>> main_mode_offers;
  std::optional<Profile> profile;  // absent: modern
  // DR-12: of the default response rule; absent: Kerberos.
  std::optional<std::vector<AuthenticationMethod>> default_rule_authentication;
};
struct SetPolicy {
  Reference policy;
  std::optional<std::string> new_name;
  std::optional<std::string> description;
  std::optional<bool> master_pfs;
  std::optional<std::uint32_t> quick_mode_limit;
  std::optional<std::uint32_t> main_mode_lifetime_minutes;
  std::optional<bool> activate_default_rule;
  std::optional<std::uint32_t> polling_interval_minutes;
  std::optional<bool> assign;  // false unassigns this one only
  std::optional<std::vector<MainModeOffer>> main_mode_offers;
};
// With its rules; lists and actions stay. Also the assigned one.
struct DeletePolicy {
  Reference policy;
};

struct AddFilterList {
  std::string name;
  std::optional<std::string> description;
};
struct SetFilterList {
  Reference filter_list;
  std::optional<std::string> new_name;
  std::optional<std::string> description;
};
// Refused while a rule uses it.
struct DeleteFilterList {
  Reference filter_list;
};

// Makes the list if there is none of that name. Refused where the list has an equal filter, and for a mirrored filter
// where a tunnel rule uses the list. The GUID of `filter` does not count: it gets a new one.
struct AddFilter {
  std::string filter_list;
  Filter filter;
};
// The whole selector must be equal. Description, GUID and a DNS name's addresses do not count.
struct DeleteFilter {
  std::string filter_list;
  Filter filter;
};

struct AddFilterAction {
  std::string name;
  std::optional<std::string> description;
  std::optional<bool> quick_mode_pfs;
  std::optional<bool> inbound_passthrough;
  std::optional<bool> allow_soft;
  std::optional<Action> action;                       // absent: negotiate
  std::optional<std::vector<QuickModeOffer>> offers;  // absent: default_quick_mode_offers; ignored unless negotiate
  std::optional<DhGroup> pfs_group;
};
struct SetFilterAction {
  Reference filter_action;
  std::optional<std::string> new_name;
  std::optional<std::string> description;
  std::optional<bool> quick_mode_pfs;
  std::optional<bool> inbound_passthrough;
  std::optional<bool> allow_soft;
  std::optional<Action> action;  // becoming negotiate without offers gives the default ones
  std::optional<std::vector<QuickModeOffer>> offers;
  std::optional<DhGroup> pfs_group;
};
// Refused while a rule uses it.
struct DeleteFilterAction {
  Reference filter_action;
};

// Refused with an empty filter list.
struct AddRule {
  std::string name;
  std::string policy;
  std::string filter_list;
  std::string filter_action;
  std::optional<IpAddress> tunnel_endpoint;
  std::optional<ConnectionType> connection_type;
  std::optional<bool> active;
  std::optional<std::string> description;
  std::optional<std::vector<AuthenticationMethod>> authentication;  // absent: default_authentication
};
struct SetRule {
  Reference rule;
  std::string policy;
  std::optional<std::string> new_name;
  std::optional<std::string> description;
  std::optional<std::string> filter_list;
  std::optional<std::string> filter_action;
  std::optional<IpAddress> tunnel_endpoint;  // 0.0.0.0 or ::  takes the tunnel away
  std::optional<ConnectionType> connection_type;
  std::optional<bool> active;
  std::optional<std::vector<AuthenticationMethod>> authentication;  // replaces all methods
};
struct DeleteRule {
  std::optional<Reference> rule;  // absent: all rules of the policy; the default response rule stays (DR-02)
  std::string policy;
};
struct SetDefaultRule {
  std::string policy;
  std::optional<bool> quick_mode_pfs;
  std::optional<bool> active;
  std::optional<std::vector<QuickModeOffer>> offers;
  std::optional<std::vector<AuthenticationMethod>> authentication;
};

// Every policy, filter list and filter action.
struct DeleteAll {};

using Change = std::variant<AddPolicy, SetPolicy, DeletePolicy, AddFilterList, SetFilterList, DeleteFilterList,
                            AddFilter, DeleteFilter, AddFilterAction, SetFilterAction, DeleteFilterAction, AddRule,
                            SetRule, DeleteRule, SetDefaultRule, DeleteAll>;

// "add rule", "delete all": for logs and the audit trail.
std::string_view change_name(const Change& change);

class Workspace;

// Carries out one change on the workspace, or leaves it as it was and says why. `now` becomes last_modified of what
// changes (ST-04), and of the policies that use a changed list or action (ST-05).
Problems edit(Workspace& workspace, const Change& change, RandomSource& random, WallClock now);

}  // namespace ipsec::store
