#pragma once

#include <string_view>

#include "store/model.h"
#include "store/problem.h"

// Every complaint about policy objects. Pure; all problems at once (at most kMaxProblems), in the order of the objects.
// Each names the object, the field and what would be accepted. A tree without problems can be stored and compiled.
namespace ipsec::store {

// ---- single objects: their own fields only
// ---------------------------------------------------------------------------

Problems validate(const Policy& policy);  // with its rules, without what they point to
Problems validate(const Rule& rule, std::string_view policy_name);
Problems validate(const DefaultResponseRule& rule, std::string_view policy_name);
Problems validate(const FilterAction& action);
Problems validate(const FilterList& list);  // with its filters
Problems validate(const Filter& filter, std::string_view list_name);

// ---- a rule with what it ties together
// --------------------------------------------------------------------------------

// Null means that the link leads nowhere. An empty list is no problem here: a list may become empty while a rule uses
// it; only adding a rule refuses it (edit.h).
Problems validate_links(const Rule& rule, std::string_view policy_name, const FilterList* list,
                        const FilterAction* action);

// ---- everything
// ------------------------------------------------------------------------------------------------------

// Links may also lead to objects of `elsewhere` (an import that is merged into a store); nullptr: there is nothing
// else. Problem::field is a pointer from the top of the tree in document order:
// "/policies/0/rules/1/authentication/0/psk".
Problems validate(const PolicyTree& tree, const PolicyTree* elsewhere = nullptr);

}  // namespace ipsec::store
