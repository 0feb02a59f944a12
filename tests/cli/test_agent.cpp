#include "tests/cli/test_agent.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <grpcpp/impl/service_type.h>
#include <gtest/gtest.h>

#include "cli/agent_client.h"
#include "services/common/daemon/logging.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/server.h"
#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/agent_service.h"
#include "tests/cli/samples.h"

namespace ipsec::cli::tests {

namespace {

// What both stand-ins have in common: nobody sends them policies here.
template <typename Base>
class StandIn : public Base {
 public:
  explicit StandIn(const bool& answers) : answers_(answers) {}
  std::string_view name() const override { return "stand-in"; }
  bool wait_connected(std::chrono::milliseconds) override { return answers_; }
  Status send_policy(const agent::PolicyInForce&, const agent::PolicyInForce*) override { return {}; }
  Result<std::uint64_t> policy_version() override { return std::uint64_t{1}; }
  void watch_events(const std::function<void(proto::Event)>&) override {}
  void cancel() override {}

 protected:
  template <typename T>
  Result<T> answer(T reply) const {
    if (!answers_) return unavailable("the stand-in does not answer");
    return reply;
  }

 private:
  const bool& answers_;
};

class DriverStandIn : public StandIn<agent::DriverClient> {
 public:
  using StandIn::StandIn;
  Result<proto::ListSasReply> list_sas() override { return answer(sample_quick_mode_sas()); }
  Result<proto::ListNatFiltersReply> list_nat_filters() override { return answer(sample_nat_filters()); }
  Result<proto::ListSasReply> list_manual_sas() override { return answer(installed_); }
  Status install_sa(const proto::InstallSaRequest& request) override {
    IPSEC_RETURN_IF_ERROR(answer(true).status());
    for (const proto::SaStatus& status : installed_.sas()) {
      if (status.sa().spi() == request.sa().spi()) return {ErrorCode::kAlreadyExists, "the stand-in has this SPI"};
    }
    *installed_.add_sas()->mutable_sa() = request.sa();
    return {};
  }
  Status delete_sa(const proto::DeleteSaRequest& request) override {
    auto* const sas = installed_.mutable_sas();
    const auto end = std::remove_if(sas->begin(), sas->end(),
                                    [&](const proto::SaStatus& status) { return status.sa().spi() == request.spi(); });
    sas->erase(end, sas->end());
    return {};
  }
  const proto::ListSasReply& installed() const { return installed_; }
  Result<proto::DriverStatistics> statistics(std::chrono::milliseconds) override {
    return answer(sample_statistics().driver());
  }
  Result<proto::DriverStatistics> summary(std::chrono::milliseconds patience) override { return statistics(patience); }
  Status set_boot_mode(const proto::DriverPolicy&) override { return {}; }

 private:
  proto::ListSasReply installed_;
};

class IkeStandIn : public StandIn<agent::IkeClient> {
 public:
  using StandIn::StandIn;
  Result<proto::ListMainModeSasReply> list_main_mode_sas() override { return answer(sample_main_mode_sas()); }
  Result<proto::ListCertificatesReply> list_certificates() override { return answer(sample_certificates()); }
  void reload_certificates() override {}
  Result<proto::ListFailedNegotiationsReply> list_failed_negotiations() override {
    return answer(sample_negotiations());
  }
  Result<proto::DeleteMainModeSasReply> delete_main_mode_sas(const proto::DeleteMainModeSasRequest&) override {
    return answer(proto::DeleteMainModeSasReply());
  }
  Result<proto::IkeStatistics> statistics(std::chrono::milliseconds) override {
    return answer(sample_statistics().ike());
  }
  void watch_requests(const std::function<bool(const proto::IkeRequest&)>&) override {}
  Status decline_request(const proto::DeclineIkeRequestRequest&) override { return {}; }
};

std::string make_directory() {
  // Only errors of the service belong into the output of a test.
  static const bool is_quiet = [] {
    daemon::start_logging("netsh-test", "error");
    return true;
  }();
  static_cast<void>(is_quiet);
  std::string path = (std::filesystem::temp_directory_path() / "netsh-test-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

}  // namespace

struct TestAgent::Parts {
  Parts()
      : directory(make_directory()),
        agent(store::PolicyStore::open(directory + "/policy.db").value(), events, [](const auto&) {}),
        service(agent::make_agent_service({agent, events, driver, ike, manual_sas, {}, [](const std::string&) {
                                             return std::vector{IpAddress::parse("192.0.2.99").value()};
                                           }})) {
    const std::array<grpc::Service*, 1> services = {service.get()};
    server = rpc::Server::start(rpc::policy_agent_socket(directory), rpc::SocketAccess::kOwner, services).value();
    agent.load("start");
    client = connect_agent(directory);
  }
  ~Parts() {
    client.reset();
    server.reset();
    std::filesystem::remove_all(directory);
  }

  const std::string directory;
  bool services_answer = true;
  agent::EventLog events;
  DriverStandIn driver{services_answer};
  IkeStandIn ike{services_answer};
  agent::Agent agent;
  agent::ManualSas manual_sas{driver, events};
  std::unique_ptr<grpc::Service> service;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<cli::Agent> client;
};

TestAgent::TestAgent() : parts_(std::make_unique<Parts>()) {}
TestAgent::~TestAgent() = default;

Agent& TestAgent::client() { return *parts_->client; }
const std::string& TestAgent::directory() const { return parts_->directory; }
std::string TestAgent::exported() { return parts_->agent.export_json(true, "").value(); }
void TestAgent::give_address(const std::string& address) {
  agent::HostAddresses host;
  host.interfaces.push_back({"eth0", agent::InterfaceKind::kLan, true, {{IpAddress::parse(address).value(), 24}}});
  parts_->agent.set_host(std::move(host));
}

std::size_t TestAgent::specific_filters() { return parts_->agent.state().in_force->policy.filters.size(); }

std::vector<std::string> TestAgent::dynamic_keys() {
  std::vector<std::string> keys;
  for (const agent::MainModeFilter& filter : parts_->agent.state().in_force->policy.main_mode_filters) {
    for (const store::AuthenticationMethod& method : filter.authentication) {
      const auto* key = std::get_if<store::PresharedKeyAuthentication>(&method);
      if (key != nullptr) keys.emplace_back(key->key.reveal_text());
    }
  }
  return keys;
}

std::vector<proto::Sa> TestAgent::installed_sas() {
  std::vector<proto::Sa> sas;
  for (const proto::SaStatus& status : parts_->driver.installed().sas()) sas.push_back(status.sa());
  return sas;
}

void TestAgent::stop() { parts_->server.reset(); }
void TestAgent::take_services_away() { parts_->services_answer = false; }

void TestAgent::set_address(const std::string& address) {
  agent::HostAddresses host;
  host.interfaces.push_back({"eth0", agent::InterfaceKind::kLan, true, {{IpAddress::parse(address).value(), 24}}});
  parts_->agent.set_host(host);
}

}  // namespace ipsec::cli::tests
