#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

// The listings of every `show`, for people (reference, sections 8 and 9): from the agent's answers to text. Pure.
// Algorithms marked weak by the registry are marked "(weak)" here. Preshared keys never show.
namespace ipsec::cli {

struct ShowOptions {
  bool verbose = false;
  bool table = false;
  bool wide = false;  // otherwise tables are cut to 80 columns
  // The name of an address, or an empty text; not set: names are not asked for (resolvedns=no).
  std::function<std::string(const IpAddress&)> name_of;

  std::size_t columns() const;
};

// ---- words --------------------------------------------------------------------------------------------------------

std::string algorithm_text(const CipherInfo& row);
std::string algorithm_text(const IntegrityInfo& row);
// "Low(1)", "Medium(2)", "2048(14)", "curve25519(31)".
std::string algorithm_text(const DhGroupInfo& row);
std::string cipher_text(proto::Cipher cipher);
std::string integrity_text(proto::Integrity integrity);
std::string group_text(std::uint32_t number);  // "none" for 0
// "3DES,SHA1"; an authenticated cipher stands alone.
std::string esp_text(proto::Cipher cipher, proto::Integrity integrity);
// "3DES/SHA1/2 (weak)": the group by its number.
std::string main_mode_suite_text(const proto::MainModeOffer& offer);
// "ESP[3DES,SHA1]", "AH[SHA1]+ESP[AES128-GCM]", "SOFT".
std::string sa_methods_text(const proto::Sa& sa);
std::string action_text(proto::Action action);
std::string store_text(std::string_view store);         // "local" is "Local Store"
std::string guid_text(std::string_view guid);           // with braces
std::string port_text(std::uint32_t port);              // ANY for 0
std::string ports_text(const proto::PortRange* range);  // nullptr or 0-65535 is ANY
std::string protocol_text(std::uint32_t protocol);
std::string direction_text(proto::Direction direction);
std::string address_text(const proto::Address& address, const ShowOptions& options);
std::string range_text(const proto::AddressRange& range, const ShowOptions& options);
std::string endpoint_text(const proto::Endpoint& endpoint, const ShowOptions& options);
std::string authentication_text(const proto::StoredAuthentication& method);
std::string authentication_text(const proto::AuthenticationMethod& method);

// ---- static: format_static.cpp, format_filters.cpp ------------------------------------------------------------------

// `objects` has the policies to show and, for level=verbose, the lists and actions that their rules use.
std::string format_policies(const proto::ReadReply& objects, const ShowOptions& options);
// Rules numbered as `id` counts them, the default response rule last where the policy has one.
struct RuleSelection {
  std::function<bool(const proto::StoredRule&, int number)> wanted;
  bool with_default_rule = true;
};
std::string format_rules(const proto::StoredPolicy& policy, const proto::ReadReply& objects,
                         const RuleSelection& selection, const ShowOptions& options);
std::string format_filter_lists(const proto::ReadReply& objects, const ShowOptions& options);
std::string format_filter_actions(const proto::ReadReply& objects, const ShowOptions& options);
std::string format_filter_list(const proto::StoredFilterList& list, std::string_view store, const ShowOptions& options);
std::string format_filter_action(const proto::StoredFilterAction& action, std::string_view store);
std::string format_quick_mode_offers(const google::protobuf::RepeatedPtrField<proto::StoredQuickModeOffer>& offers,
                                     bool pfs);

// ---- lint: format_lint.cpp ------------------------------------------------------------------------------------------

// Each finding with its commands, then the counts.
std::string format_findings(const proto::LintReply& reply);
// For `set policy assign=yes`: the findings as warnings.
std::string format_warnings(const proto::LintReply& reply);

// ---- stores: format_stores.cpp --------------------------------------------------------------------------------------

std::string format_stores(const proto::StoreListing& listing);
// The lines of format_status about loading.
std::string format_retrieval(const proto::AgentStatus& status);

// ---- dynamic: format_running.cpp, format_sas.cpp --------------------------------------------------------------------

std::string format_main_mode_policies(const proto::CompiledPolicyReply& compiled);
std::string format_quick_mode_policies(const proto::CompiledPolicyReply& compiled);
std::string format_generic_main_mode_filters(const proto::CompiledPolicyReply& compiled);
std::string format_specific_main_mode_filters(const proto::CompiledPolicyReply& compiled, const ShowOptions& options);
// These show the filters of `shown`; what belongs to a filter (its mirror, the rule's type) is looked for in `whole`.
std::string format_generic_filters(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole);
std::string format_specific_filters(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole,
                                    const ShowOptions& options);
std::string format_running_rules(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole);
std::string format_exemptions(const proto::CompiledPolicyReply& compiled);
// `now` is UTC seconds.
// Each certificate with its checks (AUC-16, AUC-32, AUC-34).
std::string format_certificates(const proto::ListCertificatesReply& reply);
std::string format_main_mode_sas(const proto::ListMainModeSasReply& reply, std::int64_t now,
                                 const ShowOptions& options);
// Newest first. Normal: the two offers that differ least; verbose: all of them.
std::string format_negotiations(const proto::ListFailedNegotiationsReply& reply, const ShowOptions& options);
// One direction each, as the driver has them.
std::string format_sas(const proto::ListSasReply& reply, const ShowOptions& options);
std::string format_quick_mode_sas(const proto::ListSasReply& reply, const ShowOptions& options);
std::string format_ike_statistics(const proto::Statistics& statistics);
std::string format_driver_statistics(const proto::Statistics& statistics);
std::string format_status(const proto::AgentStatus& status);
std::string format_events(const proto::ListEventsReply& reply);

}  // namespace ipsec::cli
