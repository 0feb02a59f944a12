#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// The steps from one schema to the next: store/migrations/NNN_name.sql, compiled in by the build.
namespace ipsec::store {

struct Migration {
  std::uint32_t version;  // the schema it leads to; ascending from 1 without gaps
  std::string_view name;
  std::string_view sql;
};
std::span<const Migration> all_migrations();

}  // namespace ipsec::store
