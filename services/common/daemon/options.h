#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

// The options that every daemon understands, from the command line, the environment and a configuration file.
namespace ipsec::daemon {

// A configuration file holds `name = value` lines (CLI11's INI/TOML form) with the long option names; it may hold any
// of these for every daemon, so that one file serves all three. The command line wins. A name that no option has is
// refused.
struct Options {
  std::string config_file;                               // as given, to be passed on; empty: none
  std::string runtime_directory = "/run/policyagent";    // --runtime-dir, POLICYAGENT_RUNTIME_DIR
  std::string state_directory = "/var/lib/policyagent";  // --state-dir
  std::string log_level = "information";                 // debug, information, warning, error
  std::vector<std::string> interfaces;                   // --nic, repeatable; empty: all but lo
};

// A parser with the options above bound to `options`, which must outlive it. A daemon adds its own before parse().
class OptionParser {
 public:
  OptionParser(std::string program, std::string description, Options& options);
  ~OptionParser();

  // For add_option and the like: include <CLI/CLI.hpp>.
  CLI::App& app() { return *app_; }

  // Nothing: go on. Otherwise the process ends with this status; --help and errors have been printed.
  std::optional<int> parse(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace ipsec::daemon
