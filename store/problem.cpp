#include "store/problem.h"

#include <array>

#include <fmt/format.h>

namespace ipsec::store {

namespace {

constexpr std::array kCodes = {
    CodeInfo{kPolicyExists, true, "a policy of that name exists"},
    CodeInfo{kFilterListExists, true, "a filter list of that name exists"},
    CodeInfo{kFilterActionExists, true, "a filter action of that name exists"},
    CodeInfo{kRuleExists, true, "a rule of that name exists in the policy"},
    CodeInfo{kFilterListNotFound, true, "the named filter list does not exist"},
    CodeInfo{kNoFilterLists, true, "the store has no filter lists"},
    CodeInfo{kNoFilterActions, true, "the store has no filter actions"},
    CodeInfo{kNoPolicies, true, "the store has no policies"},
    CodeInfo{kStoreNotOpen, true, "the policy store could not be opened"},
    CodeInfo{kPolicyNotFound, false, "the named policy does not exist"},
    CodeInfo{kFilterActionNotFound, false, "the named filter action does not exist"},
    CodeInfo{kRuleNotFound, false, "the named rule does not exist in the policy"},
    CodeInfo{kFilterNotFound, false, "the filter list has no filter with that selector"},
    CodeInfo{kFilterListInUse, false, "a rule uses the filter list"},
    CodeInfo{kFilterActionInUse, false, "a rule uses the filter action"},
    CodeInfo{kFilterExists, false, "the filter list has a filter with that selector"},
    CodeInfo{kFilterListEmpty, false, "the filter list of a new rule has no filters"},
    CodeInfo{kDefaultRuleFixed, false, "the default response rule cannot be deleted or given a filter list"},
    CodeInfo{kNameInvalid, false, "a name is missing, too long or has control characters"},
    CodeInfo{kTextInvalid, false, "a text is too long, not UTF-8 or has control characters"},
    CodeInfo{kNumberOutOfRange, false, "a number is outside its range"},
    CodeInfo{kOfferInvalid, false, "an offer combines algorithms that do not go together"},
    CodeInfo{kOffersMissing, false, "there is no offer where one is needed"},
    CodeInfo{kAuthenticationInvalid, false, "an authentication method is not complete"},
    CodeInfo{kAuthenticationMissing, false, "there is no authentication method where one is needed"},
    CodeInfo{kPresharedKeyInvalid, false, "a preshared key is missing or too long"},
    CodeInfo{kAddressInvalid, false, "an address, range or DNS name is not usable"},
    CodeInfo{kPortWithoutProtocol, false, "a port is given without TCP or UDP"},
    CodeInfo{kAddressFamiliesDiffer, false, "IPv4 and IPv6 are mixed in one filter"},
    CodeInfo{kServerKeywordNeedsMe, false, "a server keyword stands opposite something else than me"},
    CodeInfo{kTunnelFilterMirrored, false, "a tunnel rule has a mirrored filter"},
    CodeInfo{kTunnelEndpointInvalid, false, "a tunnel endpoint is not the address of one computer"},
    CodeInfo{kGuidInvalid, false, "a GUID is not well formed"},
    CodeInfo{kGuidExists, false, "two objects have one GUID"},
    CodeInfo{kTooMany, false, "a limit on the number of objects is reached"},
    CodeInfo{kActionInvalid, false, "a setting does not go together with the action"},
    CodeInfo{kNotJson, false, "the text is not JSON"},
    CodeInfo{kUnknownKey, false, "a key is not known"},
    CodeInfo{kWrongType, false, "a value is of the wrong type"},
    CodeInfo{kMissingKey, false, "a required key is missing"},
    CodeInfo{kUnknownValue, false, "a value is none of those accepted"},
    CodeInfo{kRepeatedKey, false, "a key stands twice in one object"},
    CodeInfo{kWrongFormat, false, "the document is of another format"},
    CodeInfo{kMainModePolicyExists, false, "a dynamic main mode policy of that name exists"},
    CodeInfo{kMainModePolicyNotFound, false, "the named dynamic main mode policy does not exist"},
    CodeInfo{kMainModePolicyInUse, false, "a dynamic rule uses the main mode policy"},
    CodeInfo{kQuickModePolicyExists, false, "a dynamic quick mode policy of that name exists"},
    CodeInfo{kQuickModePolicyNotFound, false, "the named dynamic quick mode policy does not exist"},
    CodeInfo{kQuickModePolicyInUse, false, "a dynamic rule uses the quick mode policy"},
    CodeInfo{kDynamicRuleExists, false, "a dynamic rule with that selector exists"},
    CodeInfo{kDynamicRuleNotFound, false, "there is no dynamic rule with that selector"},
    CodeInfo{kQuickModePolicyMissing, false, "a dynamic rule negotiates without a quick mode policy"},
    CodeInfo{kPropertyInvalid, false, "a configuration property or its value is not known"},
    CodeInfo{kManualSaInvalid, false, "a manual SA contradicts itself, or its keys do not fit its algorithms"},
    CodeInfo{kManualSaExists, false, "an SPI is in use"},
    CodeInfo{kManualSaNotFound, false, "no manual SA has this SPI and peer"},
};

}  // namespace

std::span<const CodeInfo> all_codes() { return kCodes; }

std::string to_string(const Problem& problem) {
  return fmt::format("[{:05}] {}{}{}: {}", problem.code, problem.object,
                     problem.object.empty() || problem.field.empty() ? "" : ", ", problem.field, problem.text);
}

}  // namespace ipsec::store
