#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What is wrong with a policy or a change, for people and for the programs that look for netsh's numbers.
namespace ipsec::store {

// netsh prints `ERR IPsec[NNNNN] : text`. Below 05900: the documented numbers; from 05900: ours, for what the
// documents give no number for. Numbers are never reused.
enum Code : std::uint32_t {
  kPolicyExists = 5005,
  kFilterListExists = 5010,
  kFilterActionExists = 5014,
  kRuleExists = 5020,
  kFilterListNotFound = 5049,
  kNoFilterLists = 5067,    // said by `show filterlist all` only
  kNoFilterActions = 5068,  // said by `show filteraction all` only
  kNoPolicies = 5072,       // said by `show policy all` only
  kStoreNotOpen = 5073,

  // links
  kPolicyNotFound = 5900,
  kFilterActionNotFound = 5901,
  kRuleNotFound = 5902,
  kFilterNotFound = 5903,
  kFilterListInUse = 5904,
  kFilterActionInUse = 5905,
  kFilterExists = 5906,
  kFilterListEmpty = 5907,
  kDefaultRuleFixed = 5908,  // DR-02, DR-04

  // values
  kNameInvalid = 5910,
  kTextInvalid = 5911,
  kNumberOutOfRange = 5912,
  kOfferInvalid = 5913,
  kOffersMissing = 5914,
  kAuthenticationInvalid = 5915,
  kAuthenticationMissing = 5916,
  kPresharedKeyInvalid = 5917,
  kAddressInvalid = 5918,
  kPortWithoutProtocol = 5919,
  kAddressFamiliesDiffer = 5920,
  kServerKeywordNeedsMe = 5921,
  kTunnelFilterMirrored = 5922,
  kTunnelEndpointInvalid = 5923,
  kGuidInvalid = 5924,
  kGuidExists = 5925,
  kTooMany = 5926,
  kActionInvalid = 5927,

  // import
  kNotJson = 5940,
  kUnknownKey = 5941,
  kWrongType = 5942,
  kMissingKey = 5943,
  kUnknownValue = 5944,
  kRepeatedKey = 5945,
  kWrongFormat = 5946,

  // dynamic policy
  kMainModePolicyExists = 5950,
  kMainModePolicyNotFound = 5951,
  kMainModePolicyInUse = 5952,
  kQuickModePolicyExists = 5953,
  kQuickModePolicyNotFound = 5954,
  kQuickModePolicyInUse = 5955,
  kDynamicRuleExists = 5956,
  kDynamicRuleNotFound = 5957,
  kQuickModePolicyMissing = 5958,
  kPropertyInvalid = 5959,

  // manual SAs
  kManualSaInvalid = 5960,
  kManualSaExists = 5961,
  kManualSaNotFound = 5962,  // said by `delete sa spi=` only
};

struct Problem {
  std::uint32_t code = 0;
  std::string object;  // "rule 'db link' of policy 'Partner link'"
  // Which field of the object, as a path in the words of the JSON form: "name", "offers/0/lifetime_seconds",
  // "authentication/1/psk". An import puts the JSON pointer from the top of the document here: "/policies/0/name".
  std::string field;
  std::string text;              // what is wrong and what would be accepted; never contains a secret
  std::size_t change_index = 0;  // place of the change in a request; 0 for imports

  friend bool operator==(const Problem&, const Problem&) = default;
};
using Problems = std::vector<Problem>;

struct CodeInfo {
  std::uint32_t code;
  bool documented;
  std::string_view meaning;
};
// The one table of codes, in ascending order.
std::span<const CodeInfo> all_codes();

// "[05005] policy 'P', name: ..." for logs and tests.
std::string to_string(const Problem& problem);

}  // namespace ipsec::store
