#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/agent.h"

// What a command prints and whether it succeeded, and the shape of every error: `ERR IPsec[NNNNN] : text`.
namespace ipsec::cli {

struct Outcome {
  std::string output;  // ends in a line feed unless empty
  bool failed = false;
};

// Numbers of errors that netsh itself reports; the agent's problems bring their own. Below 05900: documented.
enum ErrorNumber : std::uint32_t {
  kFilterListNotFound = 5049,
  kNoFilterLists = 5067,
  kNoFilterActions = 5068,
  kNoPolicies = 5072,
  kAgentNotReached = 5073,
  kPolicyNotFound = 5900,
  kFilterActionNotFound = 5901,
  kRuleNotFound = 5902,
  kManualSaNotFound = 5962,
  // 05980 to 05989: lines that were not understood (arguments.h).
  kFileFailed = 5990,
  kAgentRefused = 5991,
  kNameNotResolved = 5992,
  kShellMisused = 5993,
};

std::string error_text(std::uint32_t number, std::string_view text);
Outcome failure(std::uint32_t number, std::string_view text);

// What a change prints when it is done, as documented: a blank line.
Outcome done();

// A call that failed. `not_found` is the number for kNotFound.
Outcome call_failed(const Agent& agent, const Status& status, std::uint32_t not_found = kAgentRefused);

// One line.
std::string problem_text(const proto::Problem& problem);

template <typename Problems>
std::string problem_texts(const Problems& problems) {
  std::string text;
  for (const proto::Problem& problem : problems) text += problem_text(problem);
  return text;
}

}  // namespace ipsec::cli
