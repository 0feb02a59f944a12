#pragma once

#include <cstdint>

#include "services/common/result.h"
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

// An empty database becomes a policy store of the newest schema, an older store is brought up to it, each step in its
// own transaction. Requires check_identity.
Status migrate(Connection& connection);

// SQLite's own check of the whole file, and that no link leads nowhere. kInvalid with the first finding.
Status check_integrity(Connection& connection);

}  // namespace ipsec::store
