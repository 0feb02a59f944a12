#include "services/policyagent/core/exemptions.h"

#include "services/common/selector.h"

namespace ipsec::agent {
namespace {

constexpr auto kOut = Direction::kOutbound;
constexpr auto kIn = Direction::kInbound;
constexpr std::uint8_t kRsvp = 46;
constexpr std::uint16_t kKerberos = 88;
constexpr std::uint16_t kIsakmp = 500;
constexpr std::uint16_t kIsakmpBehindNat = 4500;

// Which values of NoDefaultExempt exempt it.
constexpr unsigned kAt0 = 1;
constexpr unsigned kAt1 = 2;
constexpr unsigned kAt2 = 4;
constexpr unsigned kAlways = 15;
constexpr unsigned kServices = kAt0 | kAt2;
constexpr unsigned kGroups = kAt0 | kAt1;

enum class Where : std::uint8_t { kBothProfiles, kWindows2003, kModern };

struct Row {
  unsigned values;
  Where where;
  ExemptionFilter filter;
};

constexpr auto kBoth = Where::kBothProfiles;

constexpr Row kRows[] = {
    {kServices, kBoth, {"Kerberos", kOut, "Any", "Any", kProtocolTcp, kKerberos, 0}},
    {kServices, kBoth, {"Kerberos", kOut, "Any", "Any", kProtocolTcp, 0, kKerberos}},
    {kServices, kBoth, {"Kerberos", kOut, "Any", "Any", kProtocolUdp, kKerberos, 0}},
    {kServices, kBoth, {"Kerberos", kOut, "Any", "Any", kProtocolUdp, 0, kKerberos}},
    {kServices, kBoth, {"Kerberos", kIn, "Any", "Any", kProtocolTcp, kKerberos, 0}},
    {kServices, kBoth, {"Kerberos", kIn, "Any", "Any", kProtocolTcp, 0, kKerberos}},
    {kServices, kBoth, {"Kerberos", kIn, "Any", "Any", kProtocolUdp, kKerberos, 0}},
    {kServices, kBoth, {"Kerberos", kIn, "Any", "Any", kProtocolUdp, 0, kKerberos}},
    {kAlways, kBoth, {"ISAKMP", kOut, "Any", "Any", kProtocolUdp, kIsakmp, 0}},
    {kAlways, kBoth, {"ISAKMP", kIn, "Any", "Any", kProtocolUdp, 0, kIsakmp}},
    {kAlways, kBoth, {"ISAKMP behind NAT", kOut, "Any", "Any", kProtocolUdp, kIsakmpBehindNat, 0}},
    {kAlways, kBoth, {"ISAKMP behind NAT", kIn, "Any", "Any", kProtocolUdp, 0, kIsakmpBehindNat}},
    {kServices, kBoth, {"RSVP", kOut, "Any", "Any", kRsvp, 0, 0}},
    {kServices, kBoth, {"RSVP", kIn, "Any", "Any", kRsvp, 0, 0}},
    {kGroups, kBoth, {"Multicast", kOut, "Any", "Multicast", 0, 0, 0}},
    {kGroups, kBoth, {"Multicast", kIn, "Any", "Multicast", 0, 0, 0}},
    {kGroups, kBoth, {"Broadcast", kOut, "Any", "Broadcast", 0, 0, 0}},
    {kGroups, kBoth, {"Broadcast", kIn, "Any", "Broadcast", 0, 0, 0}},
    {kAlways, Where::kWindows2003, {"IPv6", std::nullopt, "Any IPv6", "Any IPv6", 0, 0, 0}},
    {kAlways, Where::kModern, {"Neighbour discovery", kOut, "Any IPv6", "Any IPv6", kProtocolIcmpv6, 0, 0}},
    {kAlways, Where::kModern, {"Neighbour discovery", kIn, "Any IPv6", "Any IPv6", kProtocolIcmpv6, 0, 0}},
};

bool holds_for(const Row& row, store::Profile profile) {
  return row.where == Where::kBothProfiles ||
         (row.where == Where::kWindows2003) == (profile == store::Profile::kWindows2003);
}

}  // namespace

std::vector<ExemptionFilter> exemption_filters(std::uint32_t value, store::Profile profile) {
  std::vector<ExemptionFilter> filters;
  for (const Row& row : kRows) {
    if ((row.values & (1U << value)) != 0 && holds_for(row, profile)) filters.push_back(row.filter);
  }
  return filters;
}

}  // namespace ipsec::agent
