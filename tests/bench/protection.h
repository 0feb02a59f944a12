#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/common/algorithms.h"
#include "tests/bench/lab.h"

namespace ipsec::bench {

struct Suite {
  const char* name;
  Cipher cipher;
  Integrity integrity;
};
inline constexpr std::array<Suite, 2> kSuites{
    {{"aes128-gcm", Cipher::kAes128Gcm, Integrity::kNone}, {"aes128-cbc-sha1", Cipher::kAes128Cbc, Integrity::kSha1}}};

// What protects the traffic between hosts a and b of a lab.
class Protection {
 public:
  virtual ~Protection() = default;
  // Both hosts secure everything between them with this suite; SAs are there.
  virtual Status use(const Suite& suite) = 0;
  // Both hosts let everything pass by way of the driver.
  virtual Status permit() = 0;
  // Packets of host a that its driver has secured so far.
  virtual Result<std::uint64_t> secured_packets() = 0;
};

// The whole product: policies through netsh, keys from IKE. The lab has daemons.
std::unique_ptr<Protection> make_policy_protection(const Lab& lab);
// Only the drivers, with SAs of fixed keys. The lab has no daemons.
Result<std::unique_ptr<Protection>> make_driver_protection(const Lab& lab);

}  // namespace ipsec::bench
