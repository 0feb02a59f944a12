#include <cstdint>
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "tests/simulation/scenario.h"

// POLICYAGENT_SEED=N runs that seed alone; POLICYAGENT_SIMULATION_RUNS=N says how many seeds, from 1.
namespace ipsec::ike::tests {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void run_all(const char* what, std::uint64_t runs, const std::function<Outcome(std::uint64_t, DhCache&)>& run) {
  constexpr std::size_t kEnough = 5;
  const std::uint64_t only = number_from_environment("POLICYAGENT_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : number_from_environment("POLICYAGENT_SIMULATION_RUNS", runs);
  DhCache dh;
  std::size_t bad = 0;
  std::size_t with_sas = 0;
  std::size_t with_failures = 0;
  for (std::uint64_t seed = first; seed <= last && bad < kEnough; ++seed) {
    const Outcome outcome = run(seed, dh);
    with_sas += outcome.pairs != 0 ? 1 : 0;
    with_failures += outcome.failures != 0 ? 1 : 0;
    if (outcome.complaint.empty()) continue;
    ++bad;
    ADD_FAILURE() << "seed " << seed << " (" << outcome.story << "): " << outcome.complaint
                  << "\nagain: POLICYAGENT_SEED=" << seed << (only != 0 ? "\n" + outcome.log : "");
  }
  std::printf("%s: seeds %llu to %llu, %zu with SAs at the end, %zu with failed requests\n", what,
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last), with_sas, with_failures);
  if (only == 0) {
    EXPECT_GT(with_sas, (last - first) / 3) << "the network is so bad that nothing is tested";
  }
}

TEST(Simulation, negotiations_end_in_matching_sas_or_named_failures) { run_all("negotiation", 10000, run_negotiation); }

TEST(Simulation, lives_of_rekeys_restarts_and_deletes_end_in_matching_sas) { run_all("life", 1000, run_life); }

TEST(Simulation, DR_08_default_responses_end_in_matching_sas_or_named_failures) {
  run_all("default response", 2000, run_default_response);
}

}  // namespace
}  // namespace ipsec::ike::tests
