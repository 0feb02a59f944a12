#pragma once

#include <string>
#include <string_view>

namespace ipsec::tests {

// The path of a file of this checkout; `name` is relative to its top: "store/json/policy.schema.json". Only this knows
// where the checkout is: everything else compiles to the same objects in every checkout, which a compiler cache finds
// again.
std::string source_path(std::string_view name);

}  // namespace ipsec::tests
