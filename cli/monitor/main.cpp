#include <cstdio>
#include <ctime>

#include <CLI/CLI.hpp>

#include "cli/agent_client.h"
#include "cli/monitor/render.h"
#include "cli/monitor/sampler.h"
#include "cli/monitor/screen.h"
#include "services/common/rpc/paths.h"

int main(int argc, char** argv) {
  using namespace ipsec::cli;
  std::string runtime_directory;
  bool once = false;
  bool json = false;
  double interval = 1.0;
  std::size_t width = 80;
  CLI::App app("IP Security Monitor: SAs, drops, statistics and events of this host, live");
  app.add_option("--runtime-dir", runtime_directory,
                 "Directory of the Policy Agent's socket (otherwise POLICYAGENT_RUNTIME_DIR, otherwise "
                 "/run/policyagent)");
  app.add_flag("--once", once, "Print everything once as plain text and end");
  app.add_flag("--json", json, "Print everything once as JSON (policyagent-monitor/1) and end");
  app.add_option("--interval", interval, "Seconds between two looks")->check(CLI::Range(0.2, 3600.0));
  app.add_option("--width", width, "Columns of the plain text")->check(CLI::Range(20, 1000));
  CLI11_PARSE(app, argc, argv);

  const auto agent = connect_agent(ipsec::rpc::runtime_directory(runtime_directory));
  if (once || json) {
    monitor::Model model;
    model.update(monitor::take_sample(*agent, {}, std::time(nullptr)));
    const std::string text = json ? render_json(model) : render_plain(model, width);
    std::fputs(text.c_str(), stdout);
    return model.latest().status ? 0 : 1;
  }
  const ipsec::Status status = monitor::run_screen(*agent, static_cast<int>(interval * 1000));
  if (!status.ok()) std::fprintf(stderr, "ipsecmon: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
