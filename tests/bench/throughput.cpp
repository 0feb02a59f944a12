#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <poll.h>

#include "tests/bench/command.h"
#include "tests/bench/lab.h"
#include "tests/bench/protection.h"

// TCP between two hosts of a lab: in clear without a driver in the path, permitted by the driver, and secured.
namespace ipsec::bench {
namespace {

constexpr const char* kAddressOfB = "10.77.0.2";
constexpr int kConnectAttempts = 50;
constexpr double kLargestPacket = 65536;

struct Settings {
  unsigned seconds = 5;
  unsigned repetitions = 3;
  std::vector<unsigned> streams{1, 4};
  bool driver_only = false;
};

struct Run {
  double mbit_per_second = 0;
  double cores = 0;  // that both hosts together kept busy with iperf3 itself
};

class Throughput {
 public:
  Throughput(const Settings& settings, Report& report) : settings_(settings), report_(report) {}

  Status measure() {
    report_.settings() = {{"seconds", settings_.seconds},
                          {"repetitions", settings_.repetitions},
                          {"keys", settings_.driver_only ? "fixed, drivers only" : "IKE"}};
    IPSEC_ASSIGN_OR_RETURN(lab_, Lab::up(!settings_.driver_only));
    IPSEC_RETURN_IF_ERROR(measure_case("clear").status());
    if (settings_.driver_only) {
      IPSEC_ASSIGN_OR_RETURN(protection_, make_driver_protection(*lab_));
    } else {
      protection_ = make_policy_protection(*lab_);
    }
    IPSEC_RETURN_IF_ERROR(protection_->permit());
    IPSEC_RETURN_IF_ERROR(measure_case("permit").status());
    for (const Suite& suite : kSuites) IPSEC_RETURN_IF_ERROR(measure_suite(suite));
    add_ratios();
    return {};
  }

 private:
  Status measure_suite(const Suite& suite) {
    IPSEC_RETURN_IF_ERROR(protection_->use(suite));
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t before, protection_->secured_packets());
    const Result<double> bytes = measure_case(suite.name);
    if (!bytes.ok()) return bytes.status();
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t after, protection_->secured_packets());
    // A super-packet of up to 64 KiB counts as one.
    if (static_cast<double>(after - before) >= *bytes / kLargestPacket) return {};
    return refused(
        fmt::format("suite {}: the traffic was not protected ({} packets secured, {:.0f} octets transferred)",
                    suite.name, after - before, *bytes));
  }

  // Octets transferred in all its runs.
  Result<double> measure_case(const std::string& name) {
    double bytes = 0;
    for (const unsigned streams : settings_.streams) {
      std::vector<double> rates;
      std::vector<double> cores;
      for (unsigned i = 0; i < settings_.repetitions; ++i) {
        IPSEC_ASSIGN_OR_RETURN(const Run run, transfer(streams));
        rates.push_back(run.mbit_per_second);
        cores.push_back(run.cores);
        bytes += run.mbit_per_second * 1e6 / 8 * settings_.seconds;
      }
      report_.add({{"case", name},
                   {"streams", streams},
                   {"mbit_per_second", median(rates)},
                   {"iperf3_cores", median(cores)},
                   {"runs", rates}});
    }
    return bytes;
  }

  Result<Run> transfer(unsigned streams) {
    IPSEC_ASSIGN_OR_RETURN(const Background server, lab_->start("b", {"iperf3", "--server", "--one-off"}));
    const Words client{"iperf3",
                       "--client",
                       kAddressOfB,
                       "--time",
                       std::to_string(settings_.seconds),
                       "--parallel",
                       std::to_string(streams),
                       "--json"};
    // The server may not listen yet; iperf3 tells so in its answer, with status 0.
    Status last;
    for (int i = 0; i < kConnectAttempts; ++i) {
      const Result<std::string> output = lab_->exec("a", client);
      Result<Run> run = output.ok() ? read_result(*output) : output.status();
      if (run.ok()) return run;
      last = run.status();
      if (is_ended_by_signal()) break;
      poll(nullptr, 0, 100);
    }
    return last;
  }

  static Result<Run> read_result(const std::string& output) {
    const Json result = Json::parse(output, nullptr, false);
    if (result.is_discarded() || !result.contains("/end/sum_received/bits_per_second"_json_pointer)) {
      return unavailable("iperf3 gave no result: " + output);
    }
    const Json& end = result.at("end");
    const Json& busy = end.at("cpu_utilization_percent");
    return Run{end.at("sum_received").at("bits_per_second").get<double>() / 1e6,
               (busy.at("host_total").get<double>() + busy.at("remote_total").get<double>()) / 100};
  }

  double rate_of(const std::string& name, unsigned streams) const {
    for (const Json& figure : report_.figures()) {
      if (figure.at("case") == name && figure.at("streams") == streams)
        return figure.at("mbit_per_second").get<double>();
    }
    return 0;
  }

  void add_ratios() {
    for (const unsigned streams : settings_.streams) {
      const double clear = rate_of("clear", streams);
      for (const Json& figure : report_.figures()) {
        if (figure.at("case") == "clear" || figure.at("streams") != streams) continue;
        const std::string name = fmt::format("{} to clear, {} streams", figure.at("case").get<std::string>(), streams);
        report_.ratios()[name] = clear > 0 ? figure.at("mbit_per_second").get<double>() / clear : 0;
      }
    }
  }

  const Settings& settings_;
  Report& report_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<Protection> protection_;
};

}  // namespace

Benchmark declare_throughput(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  app.add_option("--seconds", settings->seconds, "Length of one transfer")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_option("--repetitions", settings->repetitions, "Transfers of each kind; the median counts")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  app.add_option("--streams", settings->streams, "TCP connections at once")
      ->check(CLI::Range(1U, 128U))
      ->capture_default_str();
  app.add_flag("--driver-only", settings->driver_only, "Drivers with SAs of fixed keys, no IKE and no policy agent");
  return [settings](Report& report) { return Throughput(*settings, report).measure(); };
}

}  // namespace ipsec::bench
