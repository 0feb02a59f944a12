#include "services/common/daemon/options.h"

#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "services/common/daemon/configuration.h"
#include "services/common/daemon/logging.h"

namespace ipsec::daemon {

namespace {

constexpr std::uint32_t kLongestTimeoutSeconds = 300;
// The kernel allows 256 queues to a TUN; each worker of the driver keeps about a megabyte of buffers.
constexpr std::uint32_t kMostWorkers = 64;
constexpr std::uint32_t kLongestPollingMinutes = 71582788;  // of a policy's own interval

// Reads a configuration file for CLI11, and checks it while the line numbers are still known.
class ConfigurationFile : public CLI::Config {
 public:
  explicit ConfigurationFile(CLI::App& app) : app_(app) {}

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string file = app_.get_config_ptr()->as<std::string>();
    const std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
    auto lines = read_configuration(text);
    if (!lines.ok()) throw CLI::ConfigError(fmt::format("{}: {}", file, lines.status().message()));
    std::vector<CLI::ConfigItem> items;
    for (ConfigurationLine& line : *lines) {
      if (const std::string wrong = complaint(line); !wrong.empty()) {
        throw CLI::ConfigError(fmt::format("{}: line {}: {}", file, line.number, wrong));
      }
      CLI::ConfigItem& item = items.emplace_back();
      item.name = std::move(line.name);
      item.inputs = std::move(line.values);
    }
    return items;
  }

 private:
  std::string complaint(const ConfigurationLine& line) const {
    CLI::Option* option = app_.get_option_no_throw("--" + line.name);
    if (option == nullptr || !option->get_configurable()) {
      return fmt::format("there is no option '{}'; accepted are {}", line.name, option_names());
    }
    if (line.values.size() > 1 && option->get_expected_max() < 2) {
      return fmt::format("'{}' takes one value, found {}", line.name, line.values.size());
    }
    const CLI::Validator* validator = validator_of(*option);
    if (validator == nullptr) return {};
    for (std::string value : line.values) {
      if (const std::string wrong = (*validator)(value); !wrong.empty()) {
        return fmt::format("'{}' is '{}'; {}", line.name, value, wrong);
      }
    }
    return {};
  }

  // Options here have one at most.
  static const CLI::Validator* validator_of(CLI::Option& option) {
    try {
      return option.get_validator(0);
    } catch (const CLI::OptionNotFound&) {
      return nullptr;
    }
  }

  std::string option_names() const {
    std::string names;
    for (const CLI::Option* option : app_.get_options()) {
      if (!option->get_configurable() || option->get_lnames().empty()) continue;
      names += fmt::format("{}{}", names.empty() ? "" : ", ", option->get_lnames().front());
    }
    return names;
  }

  CLI::App& app_;
};

// As CLI::Range, but with what is accepted in the text, also for what is no number.
CLI::Validator number_between(std::uint32_t least, std::uint32_t most, std::string_view unit) {
  return {[=](const std::string& text) {
            std::uint32_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool fits =
                error == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
            return fits ? std::string() : fmt::format("accepted are {} to {} {}", least, most, unit);
          },
          "", "number"};
}

void add_agent_options(CLI::App& app, AgentOptions& options, const std::string& group) {
  app.add_option("--central-store", options.central_store, "Where policies come from first: sqlite:PATH")
      ->type_name("URI")
      ->group(group);
  app.add_option("--central-key", options.central_key,
                 "Key file that the hosts of the central store share; without, it holds preshared keys in clear")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--central-timeout", options.central_timeout_seconds, "How long to wait for the central store")
      ->check(number_between(1, kLongestTimeoutSeconds, "seconds"))
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group(group);
  app.add_option("--polling-interval", options.polling_interval_minutes,
                 "How often to look for a policy while none is in force")
      ->check(number_between(1, kLongestPollingMinutes, "minutes"))
      ->type_name("MINUTES")
      ->capture_default_str()
      ->group(group);
  app.add_option("--key-file", options.key_file,
                 "Key that seals stored preshared keys (default policy.key in --state-dir)")
      ->type_name("FILE")
      ->group(group);
}

void add_driver_options(CLI::App& app, DriverOptions& options, const std::string& group) {
  app.add_option("--workers", options.workers, "Threads of the packet path (default one for each core, at most 8)")
      ->check(number_between(1, kMostWorkers, "threads"))
      ->type_name("NUMBER")
      ->group(group);
  app.add_option(
         "--crypto-engine", options.crypto_engine,
         "What does ESP's cryptography: ipsec-mb (fast; x86-64), openssl (every algorithm and processor), or auto: "
         "ipsec-mb where it can, openssl for the rest")
      ->check(CLI::IsMember({"auto", "ipsec-mb", "openssl"}))
      ->type_name("ENGINE")
      ->capture_default_str()
      ->group(group);
  app.add_option(
         "--crypto-offload", options.crypto_offload,
         "look-aside: spread the cryptography of each SA over all cores; off: the core that has the packet does it")
      ->check(CLI::IsMember({"off", "look-aside"}))
      ->type_name("PROVIDER")
      ->capture_default_str()
      ->group(group);
}

}  // namespace

OptionParser::OptionParser(const std::string& program, std::string description, Options& options)
    : app_(std::make_unique<CLI::App>(std::move(description), program)) {
  app_->set_config("--config", "", "Read options from FILE")->type_name("FILE");
  app_->allow_config_extras(CLI::config_extras_mode::error);
  app_->config_formatter(std::make_shared<ConfigurationFile>(*app_));
  app_->add_option("--runtime-dir", options.runtime_directory, "Directory of the sockets")
      ->envname("POLICYAGENT_RUNTIME_DIR")
      ->type_name("DIR")
      ->capture_default_str();
  app_->add_option("--state-dir", options.state_directory, "Directory of what outlives the process")
      ->type_name("DIR")
      ->capture_default_str();
  app_->add_option("--log-level", options.log_level, "debug, information, warning or error")
      ->check(CLI::IsMember({"debug", "information", "warning", "error"}))
      ->type_name("LEVEL")
      ->capture_default_str();
  app_->add_option("--certificate-directory", options.certificate_directory,
                   "Certificates, keys, trusted roots and revocation lists of this computer")
      ->type_name("DIR")
      ->capture_default_str();
  app_->add_option("--nic", options.interfaces, "Network interface to protect (repeatable; default all but lo)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  // An empty group: not in --help.
  add_agent_options(*app_, options.agent, program == "policyagentd" ? "Options" : "");
  add_driver_options(*app_, options.driver, program == "ipsec-iked" ? "" : "Options");
  app_->final_callback([this, &options] {
    const CLI::Option* config = app_->get_config_ptr();
    if (config->count() > 0) options.config_file = config->as<std::string>();
  });
}

OptionParser::~OptionParser() = default;

std::optional<int> OptionParser::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error);
  }
  return std::nullopt;
}

}  // namespace ipsec::daemon
