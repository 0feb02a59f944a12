#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What the properties of `set config` mean for driver and IKE, in the numbers of proto/policy.proto.
namespace ipsec::agent {

struct ServiceSettings {
  std::uint32_t exemptions = 3;               // what no filter touches (EX-01..EX-04), 0..3
  std::uint32_t diagnostics = 0;              // bits, 0..7
  std::uint32_t log_interval_seconds = 3600;  // 60..86400
  bool ike_logging = false;
  std::vector<std::pair<std::string, std::uint32_t>> ike_log_levels;  // category, 0..3
  std::uint32_t strong_crl_check = 1;                                 // 0..2 (CRL-01..CRL-03)
  friend bool operator==(const ServiceSettings&, const ServiceSettings&) = default;
};

}  // namespace ipsec::agent
