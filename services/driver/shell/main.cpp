#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include <cap-ng.h>
#include <fmt/format.h>
#include <grpcpp/impl/service_type.h>
#include <poll.h>

#include "services/common/account.h"
#include "services/common/crypto/random.h"
#include "services/common/daemon/logging.h"
#include "services/common/daemon/options.h"
#include "services/common/daemon/process.h"
#include "services/common/daemon/signals.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/server.h"
#include "services/driver/shell/bpf_attachment.h"
#include "services/driver/shell/driver.h"
#include "services/driver/shell/driver_service.h"
#include "services/driver/shell/ike_service.h"
#include "services/driver/shell/limits.h"

// ipsec-driverd: the IPsec driver.
namespace ipsec::driver {
namespace {

using daemon::LogLevel;

// TUN devices, traffic control, interfaces; eBPF programs.
constexpr std::array kCapabilities{CAP_NET_ADMIN, CAP_BPF};

unsigned cores() { return std::max(std::thread::hardware_concurrency(), 1U); }

Driver::Settings settings_of(const daemon::Options& options) {
  Driver::Settings settings;
  settings.interfaces = options.interfaces;
  const daemon::DriverOptions& driver = options.driver;
  settings.workers = driver.workers == 0 ? std::min(cores(), limits::kDefaultWorkers) : driver.workers;
  if (driver.crypto_engine == "openssl") settings.engine = EspBackend::kOpenssl;
  if (driver.crypto_engine == "ipsec-mb") settings.engine = EspBackend::kMultiBuffer;
  // The worker that has the packets is one of those who work on them.
  if (driver.crypto_offload == "look-aside") settings.look_aside = std::clamp(cores() - 1, 1U, kMaxEspHelpers);
  return settings;
}

// Keeps the least for the rest of the process's life. Before any other thread: capabilities are those of a thread.
Status drop_capabilities() {
  for (const int capability : kCapabilities) {
    if (capng_have_capability(CAPNG_EFFECTIVE, static_cast<unsigned>(capability))) continue;
    return refused(fmt::format("{} is missing: run as root, or with CAP_NET_ADMIN and CAP_BPF",
                               capng_capability_to_name(static_cast<unsigned>(capability))));
  }
  const bool bounding = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  capng_clear(CAPNG_SELECT_BOTH);
  for (const int capability : kCapabilities) {
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                 static_cast<unsigned>(capability));
  }
  if (capng_apply(bounding ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) == 0) return {};
  return refused("dropping the capabilities that are not needed failed");
}

// Until SIGTERM or SIGINT.
void run(Driver& driver, NicWatch& watch, daemon::SignalWatcher& signals) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_tick = Clock::now() + limits::kTick;
  for (;;) {
    std::array<pollfd, 2> descriptors{{{signals.file_descriptor(), POLLIN, 0}, {watch.descriptor(), POLLIN, 0}}};
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Clock::now());
    poll(descriptors.data(), descriptors.size(), static_cast<int>(std::max<long>(wait.count(), 0)));
    // SIGHUP asks to read the configuration anew; the driver's whole configuration comes from the Policy Agent.
    while (const auto signal = signals.read()) {
      if (*signal == daemon::Signal::kStop) return;
    }
    if (watch.drain()) driver.nics_changed();
    if (Clock::now() < next_tick) continue;
    driver.tick();
    next_tick = Clock::now() + limits::kTick;
  }
}

Status serve(const daemon::Options& options, daemon::SignalWatcher& signals) {
  const Driver::Settings settings = settings_of(options);
  // Its socket for IKE is of that group.
  if (const auto ike = find_account(kIkeAccount)) IPSEC_RETURN_IF_ERROR(join_group(*ike));
  IPSEC_RETURN_IF_ERROR(drop_capabilities());
  IPSEC_ASSIGN_OR_RETURN(NicWatch watch, NicWatch::open());
  IPSEC_ASSIGN_OR_RETURN(auto attachment, BpfAttachment::create(system_random()));
  IPSEC_ASSIGN_OR_RETURN(const std::unique_ptr<Driver> driver,
                         Driver::create(settings, system_random(), std::move(attachment)));
  const std::unique_ptr<grpc::Service> service = make_driver_service(*driver);
  const std::array services{service.get()};
  IPSEC_ASSIGN_OR_RETURN(
      const std::unique_ptr<rpc::Server> server,
      rpc::Server::start(rpc::driver_socket(options.runtime_directory), rpc::SocketAccess::kOwner, services));
  const std::unique_ptr<grpc::Service> ike_service = make_ike_service(*service);
  const std::array ike_services{ike_service.get()};
  IPSEC_ASSIGN_OR_RETURN(
      const std::unique_ptr<rpc::Server> ike_server,
      rpc::Server::start(rpc::driver_socket_for_ike(options.runtime_directory), rpc::SocketAccess::kIke, ike_services));
  daemon::log(LogLevel::kInformation, "started", {{"socket", server->socket_path()}, {"workers", settings.workers}});
  run(*driver, watch, signals);
  // First the NICs: from here on packets pass the driver by.
  driver->stop();
  ike_server->shutdown(limits::kShutdownGrace);
  server->shutdown(limits::kShutdownGrace);
  return {};
}

int run_program(int argc, char** argv) {
  daemon::harden_process();
  daemon::Options options;
  daemon::OptionParser parser("ipsec-driverd", "The IPsec driver: permits, blocks or secures every packet of this host",
                              options);
  if (const auto exit_code = parser.parse(argc, argv)) return *exit_code;
  daemon::start_logging("ipsec-driverd", options.log_level);
  daemon::SignalWatcher signals;
  const Status status = serve(options, signals);
  if (status.ok()) {
    daemon::log(LogLevel::kInformation, "stopped");
    return EXIT_SUCCESS;
  }
  daemon::log(LogLevel::kError, "failed", {{"reason", status.message()}});
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace ipsec::driver

int main(int argc, char** argv) { return ipsec::driver::run_program(argc, argv); }
