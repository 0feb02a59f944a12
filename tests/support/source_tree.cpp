#include "tests/support/source_tree.h"

namespace ipsec::tests {

std::string source_path(std::string_view name) { return std::string(POLICYAGENT_SOURCE_DIR "/").append(name); }

}  // namespace ipsec::tests
