#include "tests/cli/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/support/source_tree.h"

namespace ipsec::cli::tests {

void expect_golden(std::string_view name, const std::string& text) {
  const std::string path = ipsec::tests::source_path("tests/cli/golden/") + std::string(name);
  if (std::getenv("POLICYAGENT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.good()) << path << " is missing; POLICYAGENT_UPDATE_GOLDEN=1 writes it";
  const std::string expected((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, expected) << path;
}

}  // namespace ipsec::cli::tests
