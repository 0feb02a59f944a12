#include "tests/bench/report.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>

#include "tests/bench/bare_crypto.h"

namespace ipsec::bench {
namespace {

std::string first_line_with(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    return colon == std::string::npos ? std::string() : line.substr(line.find_first_not_of(" \t", colon + 1));
  }
  return "unknown";
}

// Other work on the machine makes every figure too low; whoever reads them must be able to see it.
double load_average() {
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

// Those that decide how fast cryptography is: a library with the SHA instructions is not slower by as much as one
// without.
Json processor_features() {
  const std::string flags = " " + first_line_with("/proc/cpuinfo", "flags") + " ";
  Json found = Json::array();
  for (const char* feature : {"aes", "vaes", "pclmulqdq", "vpclmulqdq", "sha_ni", "avx2", "avx512f"}) {
    if (flags.find(fmt::format(" {} ", feature)) != std::string::npos) found.push_back(feature);
  }
  return found;
}

Json machine() {
  utsname system{};
  uname(&system);
  return {{"processor", first_line_with("/proc/cpuinfo", "model name")},
          {"features", processor_features()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory", first_line_with("/proc/meminfo", "MemTotal")},
          {"kernel", system.release},
          {"load_average_before", load_average()}};
}

Json versions() {
  return {{"policyagent", POLICYAGENT_VERSION},
          {"compiler", __VERSION__},
          {"build", POLICYAGENT_BUILD_TYPE},
          {"openssl", OpenSSL_version(OPENSSL_VERSION)},
          {"intel-ipsec-mb", ipsec_mb_version()}};
}

std::string cell(const Json& figure, const std::string& key) {
  const auto found = figure.find(key);
  if (found == figure.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_float()) return fmt::format("{:.1f}", found->get<double>());
  return found->dump();
}

std::vector<std::string> columns_of(const Json& figures) {
  std::vector<std::string> columns;
  for (const Json& figure : figures) {
    for (const auto& [key, value] : figure.items()) {
      const bool known = std::find(columns.begin(), columns.end(), key) != columns.end();
      if (!known && value.is_primitive()) columns.push_back(key);
    }
  }
  return columns;
}

}  // namespace

Report::Report(std::string benchmark) {
  json_ = {{"benchmark", std::move(benchmark)}, {"machine", machine()},     {"versions", versions()},
           {"settings", Json::object()},        {"figures", Json::array()}, {"ratios", Json::object()}};
}

std::string Report::to_text() const {
  const std::vector<std::string> columns = columns_of(figures());
  std::string text;
  for (const std::string& column : columns) text += fmt::format("{:>24}", column);
  text += '\n';
  for (const Json& figure : figures()) {
    for (const std::string& column : columns) text += fmt::format("{:>24}", cell(figure, column));
    text += '\n';
  }
  for (const auto& [name, value] : json_.at("ratios").items()) {
    text += fmt::format("{}: {:.3f}\n", name, value.get<double>());
  }
  return text;
}

double median(std::vector<double> values) {
  assert(!values.empty());
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

}  // namespace ipsec::bench
