#include "tests/bench/protection.h"

#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include "tests/bench/driver_client.h"

namespace ipsec::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPatienceMs = 30000;
constexpr int kPauseMs = 100;

const IpAddress kA = IpAddress::v4(0x0a4d0001);
const IpAddress kB = IpAddress::v4(0x0a4d0002);

// The drivers of both hosts.
struct Drivers {
  explicit Drivers(const Lab& lab) : a(lab.runtime_directory("a")), b(lab.runtime_directory("b")) {}
  DriverClient a;
  DriverClient b;
};

Json policy_document(const std::string& name, const Json& filter_action, bool negotiates) {
  Json authentication = Json::array();
  if (negotiates) authentication.push_back({{"method", "psk"}, {"psk", "for benchmarks only"}});
  return {{"format", "policyagent/1"},
          {"assigned", name},
          {"policies",
           {{{"name", name},
             {"rules",
              {{{"name", name}, {"filter_list", name}, {"filter_action", name}, {"authentication", authentication}}}},
             {"default_response", {{"active", false}}}}}},
          {"filter_lists", {{{"name", name}, {"filters", {{{"source", "me"}, {"destination", "10.77.0.0/24"}}}}}}},
          {"filter_actions", {filter_action}}};
}

class PolicyProtection : public Protection {
 public:
  explicit PolicyProtection(const Lab& lab) : lab_(lab), drivers_(lab) {}

  Status use(const Suite& suite) override {
    const Json offer{
        {"esp",
         {{"cipher", std::string(info(suite.cipher).name)},
          {"integrity", suite.integrity == Integrity::kNone ? "NONE" : std::string(info(suite.integrity).name)}}},
        {"lifetime_kilobytes", 1'000'000'000},
        {"lifetime_seconds", 3600}};
    IPSEC_RETURN_IF_ERROR(
        assign(suite.name, {{"name", suite.name}, {"action", "negotiate"}, {"offers", {offer}}}, true));
    return wait(fmt::format("SAs of suite {}", suite.name), [&]() -> Result<bool> {
      // Its answer does not matter: it asks for the SA.
      static_cast<void>(lab_.exec("a", {"ping", "-c", "1", "-W", "1", kB.to_string()}));
      return drivers_.a.has_sa(suite.cipher);
    });
  }

  Status permit() override {
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t before, permitted());
    IPSEC_RETURN_IF_ERROR(assign("permit", {{"name", "permit"}, {"action", "permit"}}, false));
    return wait("permitted packets", [&]() -> Result<bool> {
      static_cast<void>(lab_.exec("a", {"ping", "-c", "1", "-W", "1", kB.to_string()}));
      IPSEC_ASSIGN_OR_RETURN(const std::uint64_t now, permitted());
      return now > before;
    });
  }

  Result<std::uint64_t> secured_packets() override { return drivers_.a.verdict("outbound_secured"); }

 private:
  Result<std::uint64_t> permitted() { return drivers_.a.verdict("outbound_permitted"); }

  Status assign(const std::string& name, const Json& filter_action, bool negotiates) {
    const std::string file = lab_.directory() + "/" + name + ".json";
    std::ofstream(file) << policy_document(name, filter_action, negotiates).dump(2);
    for (const char* host : {"a", "b"}) {
      IPSEC_RETURN_IF_ERROR(lab_.netsh(host, {"ipsec", "static", "importpolicy", "file=" + file}).status());
      IPSEC_RETURN_IF_ERROR(
          lab_.netsh(host, {"ipsec", "static", "set", "policy", "name=" + name, "assign=y"}).status());
    }
    return {};
  }

  template <typename Condition>
  Status wait(const std::string& what, Condition condition) {
    for (int waited = 0; waited < kPatienceMs; waited += kPauseMs) {
      IPSEC_ASSIGN_OR_RETURN(const bool done, condition());
      if (done) return {};
      poll(nullptr, 0, kPauseMs);
    }
    return unavailable(fmt::format("no {} after {} s", what, kPatienceMs / 1000));
  }

  const Lab& lab_;
  Drivers drivers_;
};

class DriverProtection : public Protection {
 public:
  explicit DriverProtection(const Lab& lab) : drivers_(lab) {}

  Status start(const Lab& lab) {
    for (const char* host : {"a", "b"}) {
      const std::string directory = lab.runtime_directory(host);
      auto process = lab.start(host, {program_directory() + "/ipsec-driverd", "--runtime-dir", directory, "--state-dir",
                                      directory, "--nic", "eth0"});
      IPSEC_RETURN_IF_ERROR(process.status());
      processes_.push_back(*std::move(process));
    }
    IPSEC_RETURN_IF_ERROR(drivers_.a.wait_ready());
    return drivers_.b.wait_ready();
  }

  Status use(const Suite& suite) override {
    IPSEC_RETURN_IF_ERROR(set_policy(proto::ACTION_NEGOTIATE));
    IPSEC_ASSIGN_OR_RETURN(const std::uint32_t spi_of_a, drivers_.a.reserve_spi(kA, kB));
    IPSEC_ASSIGN_OR_RETURN(const std::uint32_t spi_of_b, drivers_.b.reserve_spi(kB, kA));
    const auto install = [&suite](DriverClient& driver, proto::Direction direction, std::uint32_t spi,
                                  const IpAddress& from, const IpAddress& to) {
      return driver.install(direction, spi, from, to, suite.cipher, suite.integrity);
    };
    IPSEC_RETURN_IF_ERROR(install(drivers_.a, proto::DIRECTION_INBOUND, spi_of_a, kB, kA));
    IPSEC_RETURN_IF_ERROR(install(drivers_.b, proto::DIRECTION_INBOUND, spi_of_b, kA, kB));
    IPSEC_RETURN_IF_ERROR(install(drivers_.a, proto::DIRECTION_OUTBOUND, spi_of_b, kA, kB));
    return install(drivers_.b, proto::DIRECTION_OUTBOUND, spi_of_a, kB, kA);
  }

  Status permit() override { return set_policy(proto::ACTION_PERMIT); }
  Result<std::uint64_t> secured_packets() override { return drivers_.a.verdict("outbound_secured"); }

 private:
  Status set_policy(proto::Action action) {
    IPSEC_RETURN_IF_ERROR(drivers_.a.set_policy(action));
    return drivers_.b.set_policy(action);
  }

  Drivers drivers_;
  std::vector<Background> processes_;
};

}  // namespace

std::unique_ptr<Protection> make_policy_protection(const Lab& lab) { return std::make_unique<PolicyProtection>(lab); }

Result<std::unique_ptr<Protection>> make_driver_protection(const Lab& lab) {
  auto protection = std::make_unique<DriverProtection>(lab);
  IPSEC_RETURN_IF_ERROR(protection->start(lab));
  return std::unique_ptr<Protection>(std::move(protection));
}

}  // namespace ipsec::bench
