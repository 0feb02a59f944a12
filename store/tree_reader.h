#pragma once

#include "store/model.h"
#include "store/sqlite.h"

namespace ipsec::store {

// The whole tree, as the transaction of the connection sees it. kInvalid names the table, row and column of a value
// that is none of ours (somebody edited the file).
Result<PolicyTree> read_tree(Connection& connection);

}  // namespace ipsec::store
