#pragma once

#include <cstdint>
#include <string>

#include "tests/ike/core/pair.h"
#include "tests/simulation/dh_cache.h"

// One random but repeatable run of two engines over a bad network, often with address translators on the way that
// forget their mappings.
namespace ipsec::ike::tests {

struct Outcome {
  std::string complaint;  // empty: as it must be
  std::string story;      // what the run was
  std::string log;        // every event of both hosts
  std::size_t pairs = 0;  // SA pairs at the end
  std::size_t failures = 0;
};

// One to three wishes of one or both hosts, then quiet: matching SAs on both sides, or a named failure where nothing
// came of it.
Outcome run_negotiation(std::uint64_t seed, DhCache& dh);

// Minutes of rekeys from both sides at once, ended SAs, administrators' deletes, restarted drivers and short main mode
// lifetimes, then five minutes without loss and a new negotiation: it succeeds, and all that is left matches.
Outcome run_life(std::uint64_t seed, DhCache& dh);

// The same as run_negotiation, where the other host has the default response rule only, and an agent that grants, takes
// back, declines or does not answer what is asked of it.
Outcome run_default_response(std::uint64_t seed, DhCache& dh);

}  // namespace ipsec::ike::tests
