// Any bytes as a policy import: either problems, each with a code and a text, or a tree that exports and imports again
// to the same text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/json/json.h"
#include "tests/support/seeded_random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipsec::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ipsec::tests::SeededRandom random(1);
  const ImportOutcome outcome = import_json(text, random, 0);
  for (const Problem& problem : outcome.problems) {
    if (problem.code == 0 || problem.text.empty()) std::abort();
  }
  if (!outcome.problems.empty()) return 0;
  const std::string exported = export_json(outcome.tree, {true});
  const ImportOutcome again = import_json(exported, random, 1);
  if (!again.problems.empty() || export_json(again.tree, {true}) != exported) std::abort();
  return 0;
}
