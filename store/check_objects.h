#pragma once

#include "store/model.h"
#include "store/reporter.h"

// The checks of whole objects, on a reporter that already names the object. validate.h is what others use.
namespace ipsec::store {

void check_policy_header(const Reporter& report, const Policy& policy);  // without rules and default response rule
void check_rule(const Reporter& report, const Rule& rule);
void check_default_rule(const Reporter& report, const DefaultResponseRule& rule);
void check_filter_action(const Reporter& report, const FilterAction& action);
void check_filter_list_header(const Reporter& report, const FilterList& list);  // without filters
void check_links(const Reporter& report, const Rule& rule, const FilterList* list, const FilterAction* action);

}  // namespace ipsec::store
