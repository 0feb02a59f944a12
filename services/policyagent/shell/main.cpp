#include <cstdlib>

#include "services/common/daemon/logging.h"
#include "services/common/daemon/options.h"
#include "services/common/daemon/process.h"
#include "services/common/daemon/signals.h"
#include "services/policyagent/shell/program.h"

// policyagentd: the Policy Agent.
int main(int argc, char** argv) {
  using ipsec::daemon::LogLevel;
  ipsec::daemon::harden_process();
  ipsec::daemon::Options options;
  ipsec::daemon::OptionParser parser("policyagentd", "The Policy Agent: applies the assigned IPsec policy to this host",
                                     options);
  if (const auto exit_code = parser.parse(argc, argv)) return *exit_code;
  ipsec::daemon::start_logging("policyagentd", options.log_level);
  ipsec::daemon::SignalWatcher signals;
  const ipsec::Status status = ipsec::agent::run_agent(options, signals);
  if (status.ok()) {
    ipsec::daemon::log(LogLevel::kInformation, "stopped");
    return EXIT_SUCCESS;
  }
  ipsec::daemon::log(LogLevel::kError, "failed", {{"reason", status.message()}});
  return EXIT_FAILURE;
}
