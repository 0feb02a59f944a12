#pragma once

#include <algorithm>

#include "cli/commands/commands.h"
#include "cli/commands/narrowing.h"

// What the files about the running state share.
namespace ipsec::cli {

// Keeps the elements that `wanted` is true for.
template <typename T, typename Wanted>
void keep_if(google::protobuf::RepeatedPtrField<T>* elements, Wanted wanted) {
  const auto end =
      std::remove_if(elements->begin(), elements->end(), [&](const T& element) { return !wanted(element); });
  elements->erase(end, elements->end());
}

// True if the element is meant by `name`: all, or one.
bool is_named(const Command& command, const std::string& name);

// The compiled policy, or the failure to print.
struct Compiled {
  proto::CompiledPolicyReply reply;
  std::optional<Outcome> failure;
};
Compiled read_compiled(Services& services);

// The narrowing of a listing of SAs; asks the agent for the addresses of its host only if `me` is stated.
Result<Narrowing> narrowing_of_sas(const Command& command, Services& services);

// What to print when there is no narrowing.
Outcome narrowing_failed(const Services& services, const Status& status);

}  // namespace ipsec::cli
