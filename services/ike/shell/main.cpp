#include <cstdlib>
#include <optional>
#include <utility>

#include "services/common/account.h"
#include "services/common/crypto/random.h"
#include "services/common/daemon/logging.h"
#include "services/common/daemon/options.h"
#include "services/common/daemon/process.h"
#include "services/common/daemon/signals.h"
#include "services/common/rpc/ike_access.h"
#include "services/common/rpc/paths.h"
#include "services/ike/shell/driver_client.h"
#include "services/ike/shell/engine_host.h"
#include "services/ike/shell/event_loop.h"
#include "services/ike/shell/ike_places.h"
#include "services/ike/shell/ike_server.h"
#include "services/ike/shell/limits.h"
#include "services/ike/shell/sandbox.h"
#include "services/ike/shell/udp_sockets.h"
#include "services/ike/shell/worker_pool.h"

namespace ipsec::ike {
namespace {

int fail(const Status& status) {
  daemon::log(daemon::LogLevel::kError, "start_failed", {{"reason", status.message()}});
  return EXIT_FAILURE;
}

// The driver client's threads speak to the host through the loop.
DriverClient::Receiver receiver_for(EventLoop& loop, EngineHost& host) {
  return {
      .event =
          [&](Event event) {
            auto shared = std::make_shared<Event>(std::move(event));
            loop.post([&host, shared] { host.handle(std::move(*shared)); });
          },
      .connection = [&](bool connected) { loop.post([&host, connected] { host.set_driver_connected(connected); }); },
      .report = [&](const ReportEvent& event) { loop.post([&host, event] { host.report(event); }); },
  };
}

int run(const daemon::Options& options, daemon::SignalWatcher& signals) {
  auto sockets = UdpSockets::open();
  if (!sockets.ok()) return fail(sockets.status());
  const std::optional<Account> account = find_account(kIkeAccount);
  if (account) {
    if (const Status joined = join_group(*account); !joined.ok()) return fail(joined);
  }
  const auto driver_socket = rpc::reach_driver(options.runtime_directory, account ? &*account : nullptr);
  if (!driver_socket.ok()) return fail(driver_socket.status());
  auto places = reach_places(options.certificate_directory, options.state_directory, account ? &*account : nullptr);
  if (!places.ok()) return fail(places.status());
  drop_capabilities(account.has_value());

  EventLoop loop;
  rpc::EventBroadcaster<proto::Event> events(kEventsPerWatcher);
  WorkerPool workers;
  EngineHost host(loop, **sockets, workers, system_random(), events, *std::move(places));
  loop.watch(signals.file_descriptor(), [&] {
    while (const auto signal = signals.read()) {
      if (*signal == daemon::Signal::kStop) loop.stop();
      if (*signal == daemon::Signal::kReload) host.certificates().read_again();
    }
  });
  auto server = IkeServer::start(rpc::ike_socket(options.runtime_directory), loop, host, events);
  if (!server.ok()) return fail(server.status());
  auto sandbox = enter_sandbox(account);
  if (!sandbox.ok()) return fail(sandbox.status());
  for (ReportEvent& incomplete : *sandbox) host.report_lasting(std::move(incomplete));
  // With the rights that it will have when it reads them again.
  host.certificates().start();
  DriverClient driver(*driver_socket, receiver_for(loop, host));
  host.set_driver(driver);

  daemon::log(daemon::LogLevel::kInformation, "started", {{"runtime_directory", options.runtime_directory}});
  loop.run();
  // Peers hear that their SAs are gone instead of sending into nothing.
  host.delete_main_modes({.peer = std::nullopt, .quick_mode_too = true});
  driver.finish(kFarewellPatience);
  events.close();
  host.close_requests();
  daemon::log(daemon::LogLevel::kInformation, "stopped");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace ipsec::ike

int main(int argc, char** argv) {
  ipsec::daemon::harden_process();
  ipsec::daemon::SignalWatcher signals;
  ipsec::daemon::Options options;
  ipsec::daemon::OptionParser parser("ipsec-iked", "The IKE service: negotiates security associations", options);
  if (const auto status = parser.parse(argc, argv)) return *status;
  ipsec::daemon::start_logging("ipsec-iked", options.log_level);
  return ipsec::ike::run(options, signals);
}
