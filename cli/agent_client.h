#pragma once

#include <memory>
#include <string>

#include "cli/agent.h"

namespace ipsec::cli {

// The agent behind the socket of this runtime directory. Connects with the first call; a call that is not answered
// within kCallSeconds fails with kUnavailable. Not for two threads at once.
std::unique_ptr<Agent> connect_agent(const std::string& runtime_directory);

}  // namespace ipsec::cli
