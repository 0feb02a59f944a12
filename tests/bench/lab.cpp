#include "tests/bench/lab.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ipsec::bench {
namespace {

std::string program() { return program_directory() + "/ipsec-lab"; }

}  // namespace

Result<std::unique_ptr<Lab>> Lab::up(bool daemons) {
  std::string directory = (std::filesystem::temp_directory_path() / "ipsec-bench.XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return unavailable(fmt::format("cannot make the folder {}", directory));
  end_runs_on_signals();
  std::unique_ptr<Lab> lab(new Lab(directory));
  Words words{program(), "up", "--dir", directory, "--bin", program_directory()};
  if (!daemons) words.push_back("--no-daemons");
  words.insert(words.end(), {"a", "b"});
  IPSEC_RETURN_IF_ERROR(run(words).status());
  return lab;
}

Lab::Lab(std::string directory) : directory_(std::move(directory)) {}

Lab::~Lab() {
  const auto down = run({program(), "down", "--dir", directory_}, Purpose::kCleanUp);
  if (!down.ok()) fmt::print(stderr, "ipsec-bench: {}\n", down.status().message());
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Words Lab::command(const char* name, const std::string& host, const Words& words) const {
  Words all{program(), name, "--dir", directory_, host};
  if (std::string_view(name) == "exec") all.push_back("--");
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Result<std::string> Lab::exec(const std::string& host, const Words& words) const {
  return run(command("exec", host, words));
}

Result<Background> Lab::start(const std::string& host, const Words& words) const {
  return Background::start(command("exec", host, words));
}

Result<std::string> Lab::netsh(const std::string& host, const Words& words) const {
  return run(command("netsh", host, words));
}

Status Lab::start_daemons(const std::string& host) const { return run(command("start", host, {})).status(); }

Result<std::string> Lab::network(const std::string& host) const {
  IPSEC_ASSIGN_OR_RETURN(const std::string status, run({program(), "status", "--dir", directory_, "--json"}));
  const auto parsed = nlohmann::json::parse(status, nullptr, false);
  if (!parsed.is_discarded()) {
    for (const auto& each : parsed.value("hosts", nlohmann::json::array())) {
      if (each.value("name", "") == host) return each.value("namespace", "");
    }
  }
  return unavailable(fmt::format("the lab knows no host {}: {}", host, status));
}

std::string Lab::runtime_directory(const std::string& host) const { return directory_ + "/" + host + "/run"; }

}  // namespace ipsec::bench
