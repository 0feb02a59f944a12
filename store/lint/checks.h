#pragma once

#include "store/lint/context.h"

// The checks, one function for each row of the table in lint.cpp.
namespace ipsec::store::lint {

// check_lockout.cpp
void check_lockout(const Context& context, Report report);
void check_lockout_without_ipsec(const Context& context, Report report);
// check_tunnels.cpp
void check_tunnel_incomplete(const Context& context, Report report);
void check_tunnel_overlap(const Context& context, Report report);
void check_tunnel_networks_overlap(const Context& context, Report report);
// check_filters.cpp
void check_filter_one_way(const Context& context, Report report);
void check_filter_duplicate(const Context& context, Report report);
// check_reach.cpp
void check_rule_unreachable(const Context& context, Report report);
void check_filter_unreachable(const Context& context, Report report);
// check_methods.cpp
void check_main_mode_weak(const Context& context, Report report);
void check_main_mode_order(const Context& context, Report report);
void check_main_mode_unlimited(const Context& context, Report report);
void check_quick_mode_weak(const Context& context, Report report);
void check_quick_mode_no_integrity(const Context& context, Report report);
void check_quick_mode_much_data(const Context& context, Report report);
void check_default_response_weak(const Context& context, Report report);
// check_keys.cpp
void check_preshared_key_shared(const Context& context, Report report);
// check_host.cpp
void check_exemption_hole(const Context& context, Report report);
void check_dynamic_rules_left_out(const Context& context, Report report);
// check_unused.cpp
void check_rule_without_filters(const Context& context, Report report);
void check_filter_list_unused(const Context& context, Report report);
void check_filter_action_unused(const Context& context, Report report);

}  // namespace ipsec::store::lint
