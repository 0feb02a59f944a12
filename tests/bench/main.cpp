#include <array>
#include <cstdlib>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/bench/command.h"

// ipsec-bench: the measurements of the product, one subcommand each.
namespace ipsec::bench {
namespace {

constexpr std::array kCommands{
    Command{"crypto", "The cryptographic engines on the same packets, and what their work costs without them",
            declare_crypto},
    Command{"ike",
            "Handshakes of the IKE service as responder, beside strongSwan's, and memory of main mode SAs (root)",
            declare_ike},
    Command{"pipeline", "The driver core alone: packets in memory, both ways", declare_pipeline},
    Command{"policy", "A big policy: compiling, distributing, changing it, and what the daemons need for it (root)",
            declare_policy},
    Command{"throughput", "TCP between two hosts in clear and protected (root; a throw-away network)",
            declare_throughput},
};

int run_program(int argc, char** argv) {
  CLI::App app("Measures PolicyAgent", "ipsec-bench");
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, Benchmark>> benchmarks;
  bool as_json = false;
  for (const Command& command : kCommands) {
    CLI::App* subcommand = app.add_subcommand(command.name, command.description);
    subcommand->add_flag("--json", as_json, "Print one JSON object");
    benchmarks.emplace_back(subcommand, command.declare(*subcommand));
  }
  CLI11_PARSE(app, argc, argv);
  for (const auto& [subcommand, benchmark] : benchmarks) {
    if (!subcommand->parsed()) continue;
    Report report(subcommand->get_name());
    const Status status = benchmark(report);
    if (!status.ok()) {
      fmt::print(stderr, "ipsec-bench {}: {}\n", subcommand->get_name(), status.message());
      return EXIT_FAILURE;
    }
    fmt::print("{}\n", as_json ? report.to_json() : report.to_text());
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace ipsec::bench

int main(int argc, char** argv) { return ipsec::bench::run_program(argc, argv); }
