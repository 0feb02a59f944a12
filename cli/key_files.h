#pragma once

#include <string>
#include <vector>

#include "proto/ike.pb.h"
#include "services/common/result.h"
#include "services/common/secret.h"

// Keys of negotiations in the forms in which Wireshark and tshark read them: files of a profile's folder. Pure.
namespace ipsec::cli {

namespace proto = policyagent::v1;

inline constexpr std::string_view kMainModeKeyFile = "ikev1_decryption_table";
inline constexpr std::string_view kEspKeyFile = "esp_sa";

// Lines `cookie,key`: of each main mode the initiator's cookie and the key of its encryption.
SecretBytes main_mode_key_lines(const std::vector<proto::KeyRecord>& records);

// A line for each direction of ESP: addresses, SPI, cipher and hash by the dissector's names, keys. `left_out` counts
// SAs that it has no name for, AH alone among them.
SecretBytes esp_key_lines(const std::vector<proto::KeyRecord>& records, std::size_t& left_out);

}  // namespace ipsec::cli
