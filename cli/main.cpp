#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "cli/agent_client.h"
#include "cli/commands/outcome.h"
#include "cli/files.h"
#include "cli/limits.h"
#include "cli/options.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "cli/ssh_connection.h"
#include "cli/system_resolver.h"
#include "services/common/rpc/paths.h"

namespace {

using namespace ipsec::cli;

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Other users may read the command line of a process: a preshared key does not stay in it.
void hide_keys(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (!mentions_preshared_key(words_of(arguments))) return;
  for (int i = 1; i < argc; ++i) std::memset(argv[i], '*', std::strlen(argv[i]));
}

bool run(const Options& options) {
  const auto agent = connect_agent(ipsec::rpc::runtime_directory(options.runtime_directory));
  SystemResolver resolver;
  Services services{*agent, resolver, [] { return static_cast<std::int64_t>(std::time(nullptr)); }, options.json};
  if (const char* connection = std::getenv("SSH_CONNECTION")) {
    if (const auto session = parse_ssh_connection(connection)) services.sessions = {*session};
  }
  services.warn = print;
  Session session({services, print, [](const std::string& path) { return read_file(path, kLargestScript); }});
  if (!options.context.empty() && !session.enter(options.context)) return false;
  if (options.script) return session.run_file(*options.script);
  if (options.alias_file && !session.run_file(*options.alias_file)) return false;
  if (!options.command.empty()) return session.run_words(words_of(options.command));
  return run_prompt(session);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  hide_keys(argc, argv);
  const auto options = parse_options(arguments);
  if (!options.ok()) {
    print(error_text(kShellMisused, options.status().message()));
    return 1;
  }
  if (options->help) {
    print(options_help());
    return 0;
  }
  if (options->version) {
    print("netsh of PolicyAgent " POLICYAGENT_VERSION "\n");
    return 0;
  }
  return run(*options) ? 0 : 1;
}
