#pragma once

#include <cstdint>

#include "services/common/result.h"
#include "store/key_vault.h"
#include "store/sqlite.h"

// Which database a file is, and bringing it up to date.
namespace ipsec::store {

inline constexpr std::int64_t kApplicationId = 0x49505350;  // "IPSP"

// The newest schema this program knows.
std::uint32_t newest_schema();

// Only reads, so that a file that is not ours stays as it is. Ok for an empty database and for a store of a known
// schema. kInvalid: a database of something else, or damaged. kRefused: newer than this program, or older while the
// connection is read-only.
Status check_identity(Connection& connection, Connection::Mode mode);

// kInvalid for an empty database: what is half-written must not pass for a store without policies.
Status check_not_empty(Connection& connection);

// An empty database becomes a policy store of the newest schema; an older store is brought up to it in one transaction,
// which also seals preshared keys that are stored in clear (where the vault has a key) and folds names anew. Of two
// names that have become equal by that, the later gets a number: "name (2)". Requires check_identity.
// True if it did anything.
Result<bool> migrate(Connection& connection, const KeyVault& vault, RandomSource& random);

// Seals what a store of the newest schema still holds in clear: it got its key only now. One transaction.
// True if it did anything.
Result<bool> seal_clear_keys(Connection& connection, const KeyVault& vault, RandomSource& random);

// SQLite's own check of the whole file, and that no link leads nowhere. kInvalid with the first finding.
Status check_integrity(Connection& connection);

}  // namespace ipsec::store
