#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <optional>

#include "cli/agent_client.h"
#include "cli/commands/outcome.h"
#include "cli/encoding.h"
#include "cli/limits.h"
#include "cli/options.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "cli/ssh_connection.h"
#include "cli/system_resolver.h"
#include "services/common/files.h"
#include "services/common/rpc/paths.h"

namespace {

using namespace ipsec::cli;

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Other users may read the command line of a process: a key does not stay in it.
void hide_keys(int argc, char** argv, bool as_ipseccmd) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (!as_ipseccmd && !mentions_key(words_of(arguments))) return;
  for (int i = 1; i < argc; ++i) std::memset(argv[i], '*', std::strlen(argv[i]));
}

// Connects to the agent of the runtime directory and gives `use` a session on it.
bool with_session(const Options& options, const std::function<bool(Session&)>& use) {
  std::optional<CodePage> code_page;
  if (!options.code_page.empty()) {
    auto opened = CodePage::open(options.code_page);
    if (!opened.ok()) {
      print(error_text(kShellMisused, "--codepage: " + opened.status().message()));
      return false;
    }
    code_page = *std::move(opened);
  }
  const auto agent = connect_agent(ipsec::rpc::runtime_directory(options.runtime_directory));
  SystemResolver resolver;
  Services services{*agent, resolver, [] { return static_cast<std::int64_t>(std::time(nullptr)); }, options.json};
  if (const char* connection = std::getenv("SSH_CONNECTION")) {
    if (const auto session = parse_ssh_connection(connection)) services.sessions = {*session};
  }
  services.warn = print;
  Session session({services,
                   print,
                   [](const std::string& path) { return ipsec::read_file(path, kLargestScript); },
                   {code_page ? &*code_page : nullptr, options.batch, options.strict}});
  return use(session);
}

bool run(const Options& options) {
  return with_session(options, [&](Session& session) {
    if (!session.run_options(options)) return false;
    return options.script || !options.command.empty() || run_prompt(session);
  });
}

bool run_ipseccmd(const std::vector<std::string>& arguments) {
  return with_session({}, [&](Session& session) { return session.run_ipseccmd(words_of(arguments)); });
}

// The name by which the program was started.
bool is_ipseccmd(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  return name == "ipseccmd" || name == "ipsecpol";
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool as_ipseccmd = is_ipseccmd(argv[0]);
  hide_keys(argc, argv, as_ipseccmd);
  if (as_ipseccmd) return run_ipseccmd(arguments) ? 0 : 1;
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
