#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "services/common/rpc/paths.h"
#include "services/common/rpc/server.h"
#include "tests/bench/command.h"
#include "tests/bench/lab.h"
#include "tests/bench/process_status.h"

// Main and quick mode by preshared key, this product's responder against strongSwan's, the same initiator against both:
// strongSwan's load-tester, run by the script of a kit that knows how.
namespace ipsec::bench {
namespace {

constexpr const char* kLocal = "10.77.0.1";
constexpr const char* kRemote = "10.77.0.2";
constexpr const char* kPresharedKey = "interop-secret";
constexpr const char* kScript = "peers/strongswan/load-test";
constexpr double kOctetsPerKilobyte = 1024;

struct Settings {
  std::string kit = "../shared";
  unsigned handshakes = 600;
  unsigned repetitions = 3;
  unsigned main_mode_sas = 10000;
  std::vector<std::string> groups{"curve25519", "modp2048"};
};

struct Run {
  double per_second = 0;
  double milliseconds = 0;  // of the responder's processor, for each handshake
};

std::string policy(const std::string& group) {
  return Json{{"format", "policyagent/1"},
              {"assigned", "Handshakes"},
              {"policies",
               {{{"name", "Handshakes"},
                 {"main_mode", {{"offers", {{{"cipher", "AES128"}, {"integrity", "SHA256"}, {"dh_group", group}}}}}},
                 {"rules",
                  {{{"name", "All"},
                    {"filter_list", "All"},
                    {"filter_action", "Secure"},
                    {"authentication", {{{"method", "psk"}, {"psk", kPresharedKey}}}}}}},
                 {"default_response", {{"active", false}}}}}},
              {"filter_lists", {{{"name", "All"}, {"filters", {{{"source", "me"}, {"destination", kLocal}}}}}}},
              {"filter_actions",
               {{{"name", "Secure"},
                 {"action", "negotiate"},
                 {"offers",
                  {{{"esp", {{"cipher", "AES128"}, {"integrity", "SHA256"}}},
                    {"lifetime_kilobytes", 100'000'000},
                    {"lifetime_seconds", 3600}}}}}}}}
      .dump(2);
}

// "...: 600 of 600 handshakes in 2.10 s = 285/s; CPU per handshake: initiator 3.20 ms, responder 1.10 ms"
Result<Run> read_result(const std::string& output) {
  static const std::regex kLine(R"((\d+) of (\d+) handshakes in \S+ s = (\d+)/s; .* responder ([0-9.]+) ms)");
  std::smatch found;
  if (!std::regex_search(output, found, kLine)) return unavailable("the load test gave no result: " + output);
  if (found[1] != found[2]) return refused("not every handshake came to its end: " + output);
  return Run{std::stod(found[3]), std::stod(found[4])};
}

class Handshakes {
 public:
  Handshakes(const Settings& settings, Report& report) : settings_(settings), report_(report) {}

  Status measure() {
    if (access(script().c_str(), X_OK) != 0) {
      return unavailable(fmt::format("strongSwan's load test is not at {}; --kit names the folder of peers", script()));
    }
    report_.settings() = {{"handshakes", settings_.handshakes},
                          {"repetitions", settings_.repetitions},
                          {"main_mode_sas", settings_.main_mode_sas},
                          {"suite", "AES128-SHA256, preshared key, ESP AES128-SHA256"}};
    for (const std::string& group : settings_.groups) IPSEC_RETURN_IF_ERROR(measure_group(group));
    if (settings_.main_mode_sas > 0) return measure_memory(settings_.groups.front());
    return {};
  }

 private:
  std::string script() const { return settings_.kit + "/" + kScript; }

  Words load_test(const std::string& group, unsigned count) const {
    return {script(),  "--version",           "1",         "--ike", "aes128-sha256-" + group,
            "--count", std::to_string(count), "--timeout", "500"};
  }

  // A responder that has seen nothing yet: what it holds from before is not to count.
  Status start_responder(const std::string& group) {
    lab_.reset();
    IPSEC_ASSIGN_OR_RETURN(lab_, Lab::up(false));
    IPSEC_RETURN_IF_ERROR(lab_->start_daemons("b"));
    const std::string file = lab_->directory() + "/policy.json";
    std::ofstream(file) << policy(group);
    IPSEC_RETURN_IF_ERROR(lab_->netsh("b", {"ipsec", "static", "importpolicy", "file=" + file}).status());
    IPSEC_RETURN_IF_ERROR(
        lab_->netsh("b", {"ipsec", "static", "set", "policy", "name=Handshakes", "assign=y"}).status());
    ike_ = rpc::serving_process(rpc::ike_socket(lab_->runtime_directory("b")));
    return ike_ != 0 ? Status() : unavailable("the IKE service of host b does not run");
  }

  Result<Run> run_ours(const std::string& group, unsigned count) {
    IPSEC_ASSIGN_OR_RETURN(const std::string network, lab_->network("a"));
    Words words = load_test(group, count);
    words.insert(words.end(),
                 {"-n", network, "--local", kLocal, "--remote", kRemote, "--responder-pid", std::to_string(ike_)});
    IPSEC_ASSIGN_OR_RETURN(const std::string output, bench::run(words));
    return read_result(output);
  }

  Result<Run> run_theirs(const std::string& group) {
    Words words = load_test(group, settings_.handshakes);
    words.insert(words.begin() + 1, "--self");
    IPSEC_ASSIGN_OR_RETURN(const std::string output, bench::run(words));
    return read_result(output);
  }

  Status measure_group(const std::string& group) {
    std::map<std::string, std::vector<Run>> runs;
    // In turns, so that what else the machine does meets both.
    for (unsigned i = 0; i < settings_.repetitions; ++i) {
      IPSEC_ASSIGN_OR_RETURN(const Run theirs, run_theirs(group));
      runs["strongswan"].push_back(theirs);
      IPSEC_RETURN_IF_ERROR(start_responder(group));
      IPSEC_ASSIGN_OR_RETURN(const Run ours, run_ours(group, settings_.handshakes));
      runs["policyagent"].push_back(ours);
    }
    std::map<std::string, double> cost;
    for (const auto& [responder, all] : runs) {
      std::vector<double> rates, milliseconds;
      for (const Run& each : all) {
        rates.push_back(each.per_second);
        milliseconds.push_back(each.milliseconds);
      }
      cost[responder] = median(milliseconds);
      report_.add({{"case", responder},
                   {"group", group},
                   {"handshakes_per_second", median(rates)},
                   {"responder_ms_per_handshake", cost[responder]},
                   {"runs", milliseconds}});
    }
    report_.ratios()[fmt::format("responder's processor time to strongSwan's, {}", group)] =
        cost["strongswan"] > 0 ? cost["policyagent"] / cost["strongswan"] : 0;
    return {};
  }

  // What the whole process has grown by, with everything that belongs to the quick modes under them.
  Status measure_memory(const std::string& group) {
    IPSEC_RETURN_IF_ERROR(start_responder(group));
    const double before = resident_megabytes(ike_);
    IPSEC_RETURN_IF_ERROR(run_ours(group, settings_.main_mode_sas).status());
    const double grown = (resident_megabytes(ike_) - before) * kOctetsPerKilobyte;
    report_.add({{"case", "policyagent"},
                 {"group", group},
                 {"main_mode_sas", settings_.main_mode_sas},
                 {"kilobytes_each", grown / settings_.main_mode_sas}});
    return {};
  }

  const Settings& settings_;
  Report& report_;
  std::unique_ptr<Lab> lab_;
  std::int64_t ike_ = 0;
};

}  // namespace

Benchmark declare_ike(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  app.add_option("--kit", settings->kit, "Folder that has peers/strongswan/load-test")
      ->envname("POLICYAGENT_SHARED")
      ->type_name("FOLDER")
      ->capture_default_str();
  app.add_option("--handshakes", settings->handshakes, "Main modes of each run, a quick mode under each")
      ->check(CLI::Range(16U, 100000U))
      ->capture_default_str();
  app.add_option("--repetitions", settings->repetitions, "Runs of each responder; the median counts")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  app.add_option("--groups", settings->groups, "Diffie-Hellman groups")
      ->check(CLI::IsMember({"curve25519", "modp2048"}))
      ->capture_default_str();
  app.add_option("--main-mode-sas", settings->main_mode_sas,
                 "How many to hold at once for the memory of each; 0: do not measure it")
      ->check(CLI::Range(0U, 100000U))
      ->capture_default_str();
  return [settings](Report& report) { return Handshakes(*settings, report).measure(); };
}

}  // namespace ipsec::bench
