#include "services/common/daemon/options.h"

#include <CLI/CLI.hpp>

#include "services/common/daemon/logging.h"

namespace ipsec::daemon {

OptionParser::OptionParser(std::string program, std::string description, Options& options)
    : app_(std::make_unique<CLI::App>(std::move(description), std::move(program))) {
  app_->set_config("--config", "", "Read options from FILE")->type_name("FILE");
  app_->allow_config_extras(CLI::config_extras_mode::error);
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
  app_->add_option("--nic", options.interfaces, "Network interface to protect (repeatable; default all but lo)")
      ->type_name("NAME")
      ->allow_extra_args(false);
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
