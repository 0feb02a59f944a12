#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proto/driver.pb.h"
#include "proto/ike.pb.h"
#include "services/policyagent/shell/service_client.h"

namespace ipsec::agent {

class DriverClient : public ServiceClient {
 public:
  virtual Result<policyagent::v1::ListSasReply> list_sas() = 0;
  virtual Result<policyagent::v1::ListNatFiltersReply> list_nat_filters() = 0;
  virtual Result<policyagent::v1::ListSasReply> list_manual_sas() = 0;
  // The caller wipes the keys.
  virtual Status install_sa(const policyagent::v1::InstallSaRequest& request) = 0;
  virtual Status delete_sa(const policyagent::v1::DeleteSaRequest& request) = 0;
  virtual Result<policyagent::v1::DriverStatistics> statistics(std::chrono::milliseconds patience) = 0;
  // The same without the numbers of each filter.
  virtual Result<policyagent::v1::DriverStatistics> summary(std::chrono::milliseconds patience) = 0;
  // What packets are judged by until the first policy is sent. kRefused: the driver has had one.
  virtual Status set_boot_mode(const policyagent::v1::DriverPolicy& policy) = 0;
};

class IkeClient : public ServiceClient {
 public:
  virtual Result<policyagent::v1::ListMainModeSasReply> list_main_mode_sas() = 0;
  virtual Result<policyagent::v1::ListCertificatesReply> list_certificates() = 0;
  // Nothing is said where IKE is away: it reads them when it starts.
  virtual void reload_certificates() = 0;
  virtual Result<policyagent::v1::ListFailedNegotiationsReply> list_failed_negotiations() = 0;
  virtual Result<policyagent::v1::DeleteMainModeSasReply> delete_main_mode_sas(
      const policyagent::v1::DeleteMainModeSasRequest& request) = 0;
  virtual Result<policyagent::v1::IkeStatistics> statistics(std::chrono::milliseconds patience) = 0;
  // Hands over what IKE asks until the stream ends, or `handle` returns false. Ended by cancel(), too.
  virtual void watch_requests(const std::function<bool(const policyagent::v1::IkeRequest&)>& handle) = 0;
  virtual Status decline_request(const policyagent::v1::DeclineIkeRequestRequest& request) = 0;
};

// Over gRPC, on the services' sockets.
std::unique_ptr<DriverClient> connect_driver(const std::string& socket_path);
std::unique_ptr<IkeClient> connect_ike(const std::string& socket_path);

}  // namespace ipsec::agent
