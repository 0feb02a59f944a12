#include "services/policyagent/shell/program.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <grpcpp/impl/service_type.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "services/common/daemon/clock.h"
#include "services/common/daemon/notify.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/server.h"
#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/agent_service.h"
#include "services/policyagent/shell/config_file.h"
#include "services/policyagent/shell/configuration.h"
#include "services/policyagent/shell/default_responder.h"
#include "services/policyagent/shell/interface_manager.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/name_resolution.h"
#include "services/policyagent/shell/open_stores.h"

namespace ipsec::agent {
namespace {

using std::chrono::milliseconds;

std::string beside_this_program(std::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

Status make_state_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return unavailable(fmt::format("cannot make the state directory '{}': {}", path, std::strerror(errno)));
}

// PA-01, PA-02, PA-03.
void report_settings(const daemon::Options& options, EventLog& events) {
  const std::string& central = options.agent.central_store;
  events.add(Severity::kInformation, "policy_pointer",
             central.empty() ? "there is no central store" : fmt::format("the central store is {}", central),
             {{"central_store", central.empty() ? "none" : central}});
  events.add(Severity::kInformation, "intervals_set",
             fmt::format("{} minutes between two looks for a policy, while none says otherwise",
                         options.agent.polling_interval_minutes),
             {{"polling_interval_minutes", std::to_string(options.agent.polling_interval_minutes)}});
}

// Everything but the signals, in the order in which it comes to life; the end is the reverse (PA-03, PA-07).
class Program {
 public:
  Program(const daemon::Options& options, EventLog& events, AgentStores stores, InterfaceManager interfaces)
      : options_(options),
        events_(events),
        interfaces_(std::move(interfaces)),
        driver_client_(connect_driver(rpc::driver_socket(options.runtime_directory))),
        ike_client_(connect_ike(rpc::ike_socket(options.runtime_directory))),
        agent_(
            std::move(stores), events_,
            [this](const PolicyPointer& policy) {
              driver_link_.publish(policy);
              ike_link_.publish(policy);
            },
            LoadPace(), look_up_name),
        manual_sas_(*driver_client_, events_),
        driver_link_(*driver_client_, events_,
                     [this](std::uint64_t version) {
                       agent_.version_seen(version);
                       manual_sas_.driver_connected();
                     }),
        ike_link_(*ike_client_, events_, [this](std::uint64_t version) { agent_.version_seen(version); }),
        responder_(agent_, *ike_client_, *driver_client_, events_),
        driver_(supervised("driver", "ipsec-driverd", rpc::driver_socket(options.runtime_directory), true, SIGKILL),
                events_),
        ike_(supervised("ike", "ipsec-iked", rpc::ike_socket(options.runtime_directory), false, SIGTERM), events_) {}

  Status start() {
    auto host = interfaces_.read();
    if (!host.ok()) return host.status();
    agent_.set_host(*std::move(host));
    events_.add(Severity::kInformation, "interface_manager_started",
                fmt::format("{} interfaces", agent_.state().host.interfaces.size()));
    IPSEC_RETURN_IF_ERROR(serve());
    driver_.start();
    boot();
    // From here on nothing passes that the boot mode, or the policy of a driver taken over, does not let pass (an event
    // says where it could not be set): networks may come up.
    daemon::notify_ready();
    ike_.start();
    ike_.wait_ready(limits::kIkeReadyPatience);
    return {};
  }

  // How it is to end.
  daemon::Signal run(daemon::SignalWatcher& signals) {
    agent_.begin_load("start");
    events_.add(Severity::kInformation, "service_loop_entered", "the agent waits for events");
    for (;;) {
      std::array<pollfd, 3> waiting{{{signals.file_descriptor(), POLLIN, 0},
                                     {interfaces_.file_descriptor(), POLLIN, 0},
                                     {agent_.wake_descriptor(), POLLIN, 0}}};
      poll(waiting.data(), waiting.size(), until_next_poll());
      while (const auto signal = signals.read()) {
        if (*signal != daemon::Signal::kReload) return *signal;
        // Name servers change without a notice of the kernel.
        read_interfaces();
        agent_.begin_load("reload");
        ike_client_->reload_certificates();
      }
      if (interfaces_.drain()) interfaces_changed();
      agent_.acknowledge_wake();
      agent_.poll();
    }
  }

  // Handing over leaves IKE and the driver as they are, at work, to the next agent.
  void stop(daemon::Signal how) {
    const bool hands_over = how == daemon::Signal::kHandOver;
    events_.add(Severity::kInformation, "service_stopping",
                hands_over ? "the agent ends and leaves IKE and the driver to the next one"
                           : "the agent ends: IKE first, then the driver");
    agent_.stop();
    responder_.stop();
    manual_sas_.stop();
    driver_link_.stop();
    ike_link_.stop();
    for (Supervisor* service : {&ike_, &driver_}) hands_over ? service->leave() : service->stop();
    events_.close();
    server_->shutdown(limits::kShutdownGrace);
  }

 private:
  Supervisor::Settings supervised(const std::string& name, std::string_view program, const std::string& socket,
                                  bool with_interfaces, int replace_signal) const {
    return {name, daemon_arguments(beside_this_program(program), options_, with_interfaces), socket, replace_signal};
  }

  Status serve() {
    service_ = make_agent_service({agent_,
                                   events_,
                                   *driver_client_,
                                   *ike_client_,
                                   manual_sas_,
                                   {{"driver", driver_link_, driver_}, {"ike", ike_link_, ike_}},
                                   resolve_name,
                                   config_path()});
    grpc::Service* services[] = {service_.get()};
    IPSEC_ASSIGN_OR_RETURN(server_, rpc::Server::start(rpc::policy_agent_socket(options_.runtime_directory),
                                                       rpc::SocketAccess::kGroup, services));
    return {};
  }

  // What the driver goes by until the first policy is loaded. A host that had none is left alone (DRV-01, PA-21). Where
  // the policy in force may be one of the local store and that cannot be read, nothing may pass that it would forbid.
  void boot() {
    const bool had_policy = agent_.had_policy();
    if (!driver_.wait_ready(had_policy ? limits::kBootPatience : limits::kReadyPatience) && had_policy) {
      return boot_mode_not_set("the driver does not come up");
    }
    if (!had_policy) return;
    const auto config = read_config(config_path());
    const auto policy = boot_policy(config.ok() ? *config : store::Config(), !agent_.local_store_is_readable());
    // Its channel may have found no driver a moment ago.
    driver_client_->wait_connected(limits::kReadyPatience);
    const Status status = driver_client_->set_boot_mode(policy);
    // A driver that an agent before this one has left goes on by its policy.
    if (status.ok() || status.code() == ErrorCode::kRefused) return;
    boot_mode_not_set(status.message());
  }

  void boot_mode_not_set(std::string_view why) {
    events_.add(Severity::kError, "boot_mode_not_set",
                fmt::format("NICs that no driver before has shut stay open until the policy is loaded: {}", why));
  }

  std::string config_path() const { return options_.state_directory + "/config.json"; }

  int until_next_poll() const {
    const Timestamp next = agent_.next_poll();
    if (next == kNever) return -1;
    const auto left = std::chrono::ceil<milliseconds>(next - daemon::monotonic_now());
    return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(std::chrono::hours(24))).count());
  }

  // A burst of notices is one change.
  void interfaces_changed() {
    pollfd more{interfaces_.file_descriptor(), POLLIN, 0};
    const Timestamp latest = daemon::monotonic_now() + 10 * limits::kInterfaceSettle;
    while (daemon::monotonic_now() < latest && poll(&more, 1, static_cast<int>(limits::kInterfaceSettle.count())) > 0) {
      interfaces_.drain();
    }
    read_interfaces();
  }

  void read_interfaces() {
    auto host = interfaces_.read();
    if (host.ok()) {
      agent_.set_host(*std::move(host));
      agent_.look_up_names();
    } else {
      events_.add(Severity::kError, "interfaces_unreadable", host.status().message());
    }
  }

  const daemon::Options& options_;
  EventLog& events_;
  InterfaceManager interfaces_;
  std::unique_ptr<DriverClient> driver_client_;
  std::unique_ptr<IkeClient> ike_client_;
  Agent agent_;
  ManualSas manual_sas_;
  ServiceLink driver_link_;
  ServiceLink ike_link_;
  DefaultResponder responder_;
  Supervisor driver_;
  Supervisor ike_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace

std::vector<std::string> daemon_arguments(const std::string& program, const daemon::Options& options,
                                          bool with_interfaces) {
  std::vector<std::string> arguments = {program,          "--runtime-dir",         options.runtime_directory,
                                        "--state-dir",    options.state_directory, "--log-level",
                                        options.log_level};
  arguments.insert(arguments.end(), {"--certificate-directory", options.certificate_directory});
  if (!options.config_file.empty()) arguments.insert(arguments.end(), {"--config", options.config_file});
  if (!with_interfaces) return arguments;
  for (const std::string& interface : options.interfaces) arguments.insert(arguments.end(), {"--nic", interface});
  const daemon::DriverOptions& driver = options.driver;
  if (driver.workers != 0) arguments.insert(arguments.end(), {"--workers", fmt::format("{}", driver.workers)});
  arguments.insert(arguments.end(),
                   {"--crypto-engine", driver.crypto_engine, "--crypto-offload", driver.crypto_offload});
  return arguments;
}

Status run_agent(const daemon::Options& options, daemon::SignalWatcher& signals) {
  IPSEC_RETURN_IF_ERROR(make_state_directory(options.state_directory));
  EventLog events;
  IPSEC_ASSIGN_OR_RETURN(AgentStores stores, open_stores(options, events));
  report_settings(options, events);
  IPSEC_ASSIGN_OR_RETURN(InterfaceManager interfaces, InterfaceManager::open());
  Program program(options, events, std::move(stores), std::move(interfaces));
  IPSEC_RETURN_IF_ERROR(program.start());
  program.stop(program.run(signals));
  return {};
}

}  // namespace ipsec::agent
