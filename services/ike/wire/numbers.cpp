#include "services/ike/wire/numbers.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace ipsec::ike {

namespace {

constexpr std::array<std::pair<int, std::string_view>, 36> kNotifyNames = {{
    {1, "INVALID-PAYLOAD-TYPE"},
    {2, "DOI-NOT-SUPPORTED"},
    {3, "SITUATION-NOT-SUPPORTED"},
    {4, "INVALID-COOKIE"},
    {5, "INVALID-MAJOR-VERSION"},
    {6, "INVALID-MINOR-VERSION"},
    {7, "INVALID-EXCHANGE-TYPE"},
    {8, "INVALID-FLAGS"},
    {9, "INVALID-MESSAGE-ID"},
    {10, "INVALID-PROTOCOL-ID"},
    {11, "INVALID-SPI"},
    {12, "INVALID-TRANSFORM-ID"},
    {13, "ATTRIBUTES-NOT-SUPPORTED"},
    {14, "NO-PROPOSAL-CHOSEN"},
    {15, "BAD-PROPOSAL-SYNTAX"},
    {16, "PAYLOAD-MALFORMED"},
    {17, "INVALID-KEY-INFORMATION"},
    {18, "INVALID-ID-INFORMATION"},
    {19, "INVALID-CERT-ENCODING"},
    {20, "INVALID-CERTIFICATE"},
    {21, "CERT-TYPE-UNSUPPORTED"},
    {22, "INVALID-CERT-AUTHORITY"},
    {23, "INVALID-HASH-INFORMATION"},
    {24, "AUTHENTICATION-FAILED"},
    {25, "INVALID-SIGNATURE"},
    {26, "ADDRESS-NOTIFICATION"},
    {27, "NOTIFY-SA-LIFETIME"},
    {28, "CERTIFICATE-UNAVAILABLE"},
    {29, "UNSUPPORTED-EXCHANGE-TYPE"},
    {30, "UNEQUAL-PAYLOAD-LENGTHS"},
    {16384, "CONNECTED"},
    {24576, "RESPONDER-LIFETIME"},
    {24577, "REPLAY-STATUS"},
    {24578, "INITIAL-CONTACT"},
    {36136, "R-U-THERE"},
    {36137, "R-U-THERE-ACK"},
}};

constexpr std::array<std::pair<int, std::string_view>, 15> kPayloadNames = {{
    {1, "SA"},
    {2, "PROPOSAL"},
    {3, "TRANSFORM"},
    {4, "KE"},
    {5, "ID"},
    {6, "CERT"},
    {7, "CERTREQ"},
    {8, "HASH"},
    {9, "SIG"},
    {10, "NONCE"},
    {11, "NOTIFY"},
    {12, "DELETE"},
    {13, "VENDOR-ID"},
    {20, "NAT-D"},
    {21, "NAT-OA"},
}};

template <typename Table>
std::string name_or_number(const Table& table, int number, std::string_view otherwise) {
  const auto row =
      std::find_if(table.begin(), table.end(), [number](const auto& entry) { return entry.first == number; });
  return row != table.end() ? std::string(row->second) : fmt::format("{} {}", otherwise, number);
}

}  // namespace

std::string name(NotifyType type) { return name_or_number(kNotifyNames, static_cast<int>(type), "notify"); }
std::string name(PayloadType type) { return name_or_number(kPayloadNames, static_cast<int>(type), "payload"); }

}  // namespace ipsec::ike
