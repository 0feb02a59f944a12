#pragma once

#include "store/key_vault.h"
#include "store/model.h"
#include "store/sqlite.h"

namespace ipsec::store {

// The whole tree, as the transaction of the connection sees it; preshared keys that `vault` cannot open are unopened.
// kInvalid names the table, row and column of a value
// that is none of ours (somebody edited the file).
Result<PolicyTree> read_tree(Connection& connection, const KeyVault& vault);

}  // namespace ipsec::store
