#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <poll.h>

#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "proto/policyagent.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"
#include "services/policyagent/core/compiler.h"
#include "store/json/json.h"
#include "tests/bench/big_policy.h"
#include "tests/bench/command.h"
#include "tests/bench/lab.h"
#include "tests/bench/process_status.h"

// A big policy, from its JSON file to the packet path: how long each step takes, how long a change of one filter takes,
// and what the daemons need for it.
namespace ipsec {
namespace proto = ::policyagent::v1;
}

namespace ipsec::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::seconds kPatience{300};
// Between two changes, as between two commands of a person; the agent gathers what comes faster.
constexpr int kRestMilliseconds = 2500;

struct Settings {
  BigPolicy policy;
  unsigned changes = 5;
};

double since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

class PolicyBenchmark {
 public:
  PolicyBenchmark(const Settings& settings, Report& report) : settings_(settings), report_(report) {}

  Status measure() {
    report_.settings() = {{"rules", settings_.policy.rules},
                          {"filters", settings_.policy.rules * settings_.policy.filters_per_rule}};
    json_ = big_policy_document(settings_.policy);
    IPSEC_RETURN_IF_ERROR(measure_compiler());
    return measure_daemons();
  }

 private:
  void add(const char* step, double seconds) { report_.add({{"step", step}, {"seconds", seconds}}); }

  // The compiler alone, in this process.
  Status measure_compiler() {
    store::ImportOutcome imported = store::import_json(json_, system_random(), 0);
    if (!imported.problems.empty()) return invalid(store::to_string(imported.problems.front()));
    store::PolicyTree& tree = imported.tree;
    agent::HostAddresses host;
    host.interfaces.push_back(
        {"eth0", agent::InterfaceKind::kLan, true, {{IpAddress::parse("10.77.0.1").value(), 24}}});
    agent::Compiler compiler;
    auto start = Clock::now();
    const auto first = compiler.compile(tree, host);
    if (!first.ok()) return first.status();
    add("compile, alone", since(start));
    report_.settings()["specific_filters"] = first->filters.size();
    store::Filter more = tree.filter_lists[tree.filter_lists.size() / 2].filters.front();
    more.guid.text.back() = more.guid.text.back() == '0' ? '1' : '0';
    more.destination = AddressRange::parse("10.99.0.1").value();
    tree.filter_lists[tree.filter_lists.size() / 2].filters.push_back(more);
    start = Clock::now();
    const auto second = compiler.compile(tree, host);
    if (!second.ok()) return second.status();
    add("compile after a change of one filter, alone", since(start));
    if (second->filters.size() == first->filters.size() + 2) return {};
    return refused("the change was not compiled");
  }

  Status measure_daemons() {
    IPSEC_ASSIGN_OR_RETURN(lab_, Lab::up(true));
    const std::string runtime = lab_->runtime_directory("a");
    driver_ = proto::Driver::NewStub(rpc::connect_channel(rpc::driver_socket(runtime)));
    ike_ = proto::Ike::NewStub(rpc::connect_channel(rpc::ike_socket(runtime)));
    agent_ = proto::PolicyAgent::NewStub(rpc::connect_channel(rpc::policy_agent_socket(runtime)));
    IPSEC_RETURN_IF_ERROR(wait_until([this] { return all_have(0); }));

    auto start = Clock::now();
    proto::ImportRequest import;
    import.set_json(json_);
    proto::ImportReply imported;
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(agent_->ImportPolicies(&context, import, &imported)));
    if (imported.problems_size() != 0) return invalid(imported.problems(0).text());
    add("import: parse, store, load, compile", since(start));
    IPSEC_RETURN_IF_ERROR(wait_until([this] { return all_have(1); }));
    add("in force in driver and IKE, from the start of the import", since(start));
    IPSEC_RETURN_IF_ERROR(add_octets("whole policy", {}).status());
    IPSEC_RETURN_IF_ERROR(measure_changes());
    IPSEC_RETURN_IF_ERROR(add_memory());
    return measure_restart();
  }

  Status measure_changes() {
    IPSEC_ASSIGN_OR_RETURN(const Octets before, octets());
    IPSEC_ASSIGN_OR_RETURN(const Processes processes, find_processes());
    const double agent_before = processor_milliseconds(processes.agent);
    const double driver_before = processor_milliseconds(processes.driver);
    std::vector<double> seconds;
    for (unsigned change = 0; change < settings_.changes; ++change) {
      IPSEC_ASSIGN_OR_RETURN(const double taken, change_one_filter(change));
      seconds.push_back(taken);
      // One after the other: what comes while IKE still works on the one before is another measurement.
      IPSEC_RETURN_IF_ERROR(wait_until([this] { return all_have(1); }));
      ::poll(nullptr, 0, kRestMilliseconds);
    }
    report_.add(
        {{"step", "change of one filter, in force in the driver (median)"}, {"milliseconds", median(seconds) * 1000}});
    // On a machine that does other things, too, this says more than the time on the wall.
    const double changes = settings_.changes;
    report_.add({{"step", "processor time of agent for a change"},
                 {"milliseconds", (processor_milliseconds(processes.agent) - agent_before) / changes}});
    report_.add({{"step", "processor time of driver for a change"},
                 {"milliseconds", (processor_milliseconds(processes.driver) - driver_before) / changes}});
    report_.ratios()["slowest change, milliseconds"] = *std::max_element(seconds.begin(), seconds.end()) * 1000;
    return add_octets(fmt::format("{} changes of one filter", settings_.changes), before).status();
  }

  // A driver that has just been started gets the whole policy.
  Status measure_restart() {
    IPSEC_ASSIGN_OR_RETURN(const Processes processes, find_processes());
    const auto start = Clock::now();
    if (::kill(static_cast<pid_t>(processes.driver), SIGKILL) != 0) return unavailable("the driver cannot be killed");
    IPSEC_RETURN_IF_ERROR(wait_until([&]() -> Result<bool> {
      IPSEC_ASSIGN_OR_RETURN(const Processes now, find_processes());
      if (now.driver == 0 || now.driver == processes.driver) return false;
      return all_have(1);
    }));
    add("a new driver has the whole policy, from the end of the one before", since(start));
    return {};
  }

  // Of policy messages, as driver and IKE have counted them.
  struct Octets {
    std::uint64_t driver = 0;
    std::uint64_t ike = 0;
  };
  Result<Octets> octets() {
    Octets counted;
    proto::GetDriverStatisticsRequest request;
    request.set_without_filters(true);
    proto::DriverStatistics of_driver;
    grpc::ClientContext driver_context;
    rpc::set_patience(driver_context, kPatience);
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(driver_->GetStatistics(&driver_context, request, &of_driver)));
    counted.driver = of_driver.policy_octets();
    proto::IkeStatistics of_ike;
    grpc::ClientContext ike_context;
    rpc::set_patience(ike_context, kPatience);
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(ike_->GetStatistics(&ike_context, {}, &of_ike)));
    counted.ike = of_ike.policy_octets();
    return counted;
  }
  Result<Octets> add_octets(const std::string& what, const Octets& before) {
    IPSEC_ASSIGN_OR_RETURN(const Octets now, octets());
    report_.add({{"step", what + ", sent to driver"}, {"octets", now.driver - before.driver}});
    report_.add({{"step", what + ", sent to ike"}, {"octets", now.ike - before.ike}});
    return now;
  }

  // From the call to the moment when the driver has it.
  Result<double> change_one_filter(unsigned number) {
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t before, driver_version());
    proto::ApplyRequest request;
    proto::AddFilter& added = *request.add_changes()->mutable_add_filter();
    added.set_filter_list(fmt::format("Rule {}", settings_.policy.rules / 2));
    added.mutable_filter()->mutable_source()->set_keyword("me");
    *added.mutable_filter()->mutable_destination()->mutable_range() =
        rpc::to_proto(AddressRange::parse(fmt::format("10.98.0.{}", number + 1)).value());
    added.mutable_filter()->set_mirrored(true);
    proto::ApplyReply reply;
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    const auto start = Clock::now();
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(agent_->Apply(&context, request, &reply)));
    if (reply.problems_size() != 0) return invalid(reply.problems(0).text());
    IPSEC_RETURN_IF_ERROR(wait_until([&]() -> Result<bool> {
      IPSEC_ASSIGN_OR_RETURN(const std::uint64_t version, driver_version());
      return version > before;
    }));
    return since(start);
  }

  Result<std::uint64_t> driver_version() {
    proto::GetDriverStatisticsRequest request;
    request.set_without_filters(true);
    proto::DriverStatistics reply;
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(driver_->GetStatistics(&context, request, &reply)));
    return reply.policy_version();
  }

  // Driver and IKE have the policy in force of the agent, which has at least so many rules (0 or more than 0).
  Result<bool> all_have(unsigned rules) {
    proto::AgentStatus status;
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    const Status asked = rpc::from_grpc(agent_->GetStatus(&context, {}, &status));
    if (!asked.ok()) return false;
    if (rules != 0 && status.policy_name() != kBigPolicyName) return false;
    for (const proto::ServiceStatus& service : status.services()) {
      if (!service.connected() || service.policy_version() != status.policy_version()) return false;
    }
    return status.services_size() == 2;
  }

  template <typename Condition>
  Status wait_until(Condition condition) {
    const auto end = Clock::now() + kPatience;
    while (Clock::now() < end) {
      IPSEC_ASSIGN_OR_RETURN(const bool done, condition());
      if (done) return {};
      ::poll(nullptr, 0, 2);
    }
    return unavailable("what was waited for did not come");
  }

  struct Processes {
    std::int64_t agent = 0;
    std::int64_t driver = 0;
    std::int64_t ike = 0;
  };
  Result<Processes> find_processes() {
    proto::AgentStatus status;
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    IPSEC_RETURN_IF_ERROR(rpc::from_grpc(agent_->GetStatus(&context, {}, &status)));
    Processes found;
    for (const proto::ServiceStatus& service : status.services()) {
      (service.name() == "driver" ? found.driver : found.ike) = service.pid();
    }
    found.agent = parent_of(found.driver);
    return found;
  }

  Status add_memory() {
    IPSEC_ASSIGN_OR_RETURN(const Processes processes, find_processes());
    report_.add({{"step", "memory of agent"}, {"megabytes", resident_megabytes(processes.agent)}});
    report_.add({{"step", "memory of driver"}, {"megabytes", resident_megabytes(processes.driver)}});
    report_.add({{"step", "memory of ike"}, {"megabytes", resident_megabytes(processes.ike)}});
    return {};
  }

  const Settings& settings_;
  Report& report_;
  std::string json_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<proto::Driver::Stub> driver_;
  std::unique_ptr<proto::Ike::Stub> ike_;
  std::unique_ptr<proto::PolicyAgent::Stub> agent_;
};

}  // namespace

Benchmark declare_policy(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  app.add_option("--rules", settings->policy.rules, "Rules of the policy, each with a filter list of its own")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str();
  app.add_option("--filters", settings->policy.filters_per_rule, "Filters of each rule, all mirrored")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  app.add_option("--changes", settings->changes, "Changes of one filter; the median counts")
      ->check(CLI::Range(1U, 200U))
      ->capture_default_str();
  return [settings](Report& report) { return PolicyBenchmark(*settings, report).measure(); };
}

}  // namespace ipsec::bench
