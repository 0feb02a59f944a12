#pragma once

#include <string>
#include <string_view>

namespace ipsec::cli::tests {

// Compares with tests/cli/golden/NAME. With POLICYAGENT_UPDATE_GOLDEN set, writes the file instead: look at what
// changed before it is committed.
void expect_golden(std::string_view name, const std::string& text);

}  // namespace ipsec::cli::tests
