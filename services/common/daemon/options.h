#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

// The options that every daemon understands, from the command line, the environment and a configuration file.
namespace ipsec::daemon {

// Of the Policy Agent alone. The other daemons accept them, so that one configuration file serves all three.
struct AgentOptions {
  std::string central_store;                     // --central-store: "sqlite:PATH"; empty: this host has none
  std::string central_key;                       // --central-key: file with the key of a central store; empty: in clear
  std::uint32_t central_timeout_seconds = 10;    // --central-timeout, 1 to 300
  std::uint32_t polling_interval_minutes = 180;  // --polling-interval: while no policy says another
  std::string key_file;  // --key-file: seals stored preshared keys; empty: in the state directory
};

// Of the IPsec driver alone; the Policy Agent passes them on.
struct DriverOptions {
  std::uint32_t workers = 0;  // --workers, 1 to 64: threads of the packet path; 0: one for each core, at most 8
  std::string crypto_engine = "auto";  // --crypto-engine: auto, ipsec-mb, openssl
  std::string crypto_offload = "off";  // --crypto-offload: off, look-aside
};

// A configuration file holds `name = value` lines (configuration.h) with the long option names. The command line wins.
// What is wrong in it is refused with file, line, name and what is accepted.
struct Options {
  std::string config_file;                               // as given, to be passed on; empty: none
  std::string runtime_directory = "/run/policyagent";    // --runtime-dir, POLICYAGENT_RUNTIME_DIR
  std::string state_directory = "/var/lib/policyagent";  // --state-dir
  std::string log_level = "information";                 // debug, information, warning, error
  // --certificate-directory: of the IKE service (services/ike/shell/certificate_files.h)
  std::string certificate_directory = "/etc/policyagent/ike";
  std::vector<std::string> interfaces;  // --nic, repeatable; empty: all but lo
  AgentOptions agent;
  DriverOptions driver;
};

// A parser with the options above bound to `options`, which must outlive it. A daemon adds its own before parse().
class OptionParser {
 public:
  OptionParser(const std::string& program, std::string description, Options& options);
  ~OptionParser();

  // For add_option and the like: include <CLI/CLI.hpp>.
  CLI::App& app() { return *app_; }

  // Nothing: go on. Otherwise the process ends with this status; --help and errors have been printed.
  std::optional<int> parse(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace ipsec::daemon
