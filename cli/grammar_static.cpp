#include "cli/parameters.h"

// `netsh ipsec static`: reference, section 4. Parameters stand in the documented order; a bare word goes to the first
// that is still free. Our own parameters come last and need their tag.
namespace ipsec::cli {

namespace {

using namespace rows;

constexpr std::string_view kProfiles[] = {"modern", "windows2003"};
constexpr std::string_view kLocations[] = {"local", "persistent", "domain", "central", "cache"};
constexpr std::string_view kBatchModes[] = {"enable", "disable"};
constexpr std::string_view kReleases[] = {"win2k", "win2003"};
constexpr std::uint8_t kWhich = 1;  // the group of the parameters that name the object

constexpr Parameter kNewName = text("newname", 0, "New name; rules keep using the object");
constexpr Parameter kGuid = in_group(kWhich, value("guid", Kind::kGuid, kTagOnly, {}, "Its guid in place of its name"));
constexpr Parameter kRuleId =
    in_group(kWhich, value("id", Kind::kRuleId, kTagOnly, {}, "Its number in `show rule`, or its guid"));
constexpr Parameter kNameOrGuid = in_group(kWhich, kName);
constexpr Parameter kNameOrAll =
    text("name", kRequired | kTakesAll, "Name of the object; the bare word all: every one");
constexpr Parameter kShownName = in_group(kWhich, text("name", kTakesAll, "Name of the object, or all (default)"));
constexpr Parameter kRuleOfObject =
    in_group(kWhich, text("rule", kTagOnly, "What the rule of this name uses, in any policy"));
constexpr Parameter kPolicy = text("policy", kRequired, "Policy the rule belongs to");
constexpr Parameter kFilterListName = text("filterlist", kRequired, "Filter list");

constexpr Parameter kMasterPfs = yes_no("mmpfs", "no", "A new main mode for every quick mode");
constexpr Parameter kQuickModeLimit =
    number("qmpermm", 0, 0xffffffff, {}, "0", "Quick modes per main mode; 0: no limit");
constexpr Parameter kMainModeLife = number("mmlifetime", 1, kMostMinutes, "minutes", "480", "Life of a main mode");
constexpr Parameter kDefaultRuleActive = yes_no("activatedefaultrule", "yes", "Answer peers for whom no rule fits");
constexpr Parameter kPolling =
    number("pollinginterval", 0, kMostMinutes, "minutes", "180", "How often the agent looks for changes; 0: never");
constexpr Parameter kAssign = yes_no("assign", "no", "Put it in force; unassigns any other");
constexpr Parameter kQuickModePfs = yes_no("qmpfs", "no", "A new Diffie-Hellman exchange in every quick mode");
constexpr Parameter kInpass = yes_no("inpass", "no", "Take unsecured inbound packets, answer secured");
constexpr Parameter kSoft = yes_no("soft", "no", "Clear text with peers that do not do IPsec");
constexpr Parameter kAction = choice("action", kActions, "negotiate", "What happens to the packets");
constexpr Parameter kPfsGroup = value("pfsgroup", Kind::kDhGroup, kTagOnly, "grpmm", "Group of qmpfs (not documented)");
constexpr Parameter kTunnel =
    value("tunnel", Kind::kTunnelEnd, 0, {}, "End of the tunnel in the direction of the filters: address or DNS name");
constexpr Parameter kConnectionType = choice("conntype", kConnectionTypes, "all", "Kind of interface");
constexpr Parameter kActivate = yes_no("activate", "yes", "no keeps the rule out of force");

// DR-12, not documented.
constexpr Parameter of_default_rule(Parameter parameter, std::string_view help) {
  parameter.flags |= kTagOnly;
  parameter.help = help;
  return parameter;
}

constexpr Parameter kAddPolicy[] = {
    kName,
    kDescription,
    kMasterPfs,
    kQuickModeLimit,
    kMainModeLife,
    kDefaultRuleActive,
    kPolling,
    kAssign,
    kMainModeMethods,
    choice("profile", kProfiles, "modern", "Not documented", kTagOnly),
    of_default_rule(kKerberos, "Default response rule: Kerberos version 5"),
    of_default_rule(kPresharedKey, "Default response rule: preshared key"),
    of_default_rule(kRootCa, "Default response rule: certification authority; may be repeated")};
constexpr Parameter kSetPolicy[] = {kNameOrGuid,
                                    kGuid,
                                    kNewName,
                                    kDescription,
                                    kMasterPfs,
                                    kQuickModeLimit,
                                    kMainModeLife,
                                    kDefaultRuleActive,
                                    kPolling,
                                    kAssign,
                                    text("gponame", 0, "Group Policy object; with location=domain only"),
                                    kMainModeMethods};
constexpr Parameter kSetStore[] = {
    choice("location", kLocations, {}, "Store of this netsh; central is domain, cache is read only", kRequired),
    text("domain", 0, "Name of the domain, with location=domain")};
constexpr Parameter kSetBatch[] = {
    choice("mode", kBatchModes, {}, "enable: changes are stored and take effect with disable", kRequired)};
constexpr Parameter kRestoreExamples[] = {
    choice("release", kReleases, {}, "Of which release the examples are", kRequired)};
constexpr Parameter kShowGpo[] = {text("name", 0, "Name of the Group Policy object")};
constexpr Parameter kDump[] = {kDumpSecrets};
constexpr Parameter kAddFilterList[] = {kName, kDescription};
constexpr Parameter kSetFilterList[] = {kNameOrGuid, kGuid, kNewName, kDescription};
constexpr Parameter kAddFilter[] = {text("filterlist", kRequired, "Filter list; made if there is none of that name"),
                                    kSourceAddress,
                                    kDestinationAddress,
                                    kDescription,
                                    kProtocol,
                                    kMirrored,
                                    kSourceMask,
                                    kDestinationMask,
                                    kSourcePort,
                                    kDestinationPort};
constexpr Parameter kDeleteFilter[] = {kFilterListName,  kSourceAddress, kDestinationAddress,
                                       kProtocol,        kMirrored,      kSourceMask,
                                       kDestinationMask, kSourcePort,    kDestinationPort};
constexpr Parameter kAddFilterAction[] = {kName, kDescription, kQuickModePfs,     kInpass,
                                          kSoft, kAction,      kQuickModeMethods, kPfsGroup};
constexpr Parameter kSetFilterAction[] = {kNameOrGuid, kGuid, kNewName, kDescription,      kQuickModePfs,
                                          kInpass,     kSoft, kAction,  kQuickModeMethods, kPfsGroup};
constexpr Parameter kAddRule[] = {
    kName,     kPolicy,         kFilterListName, text("filteraction", kRequired, "Filter action"),
    kTunnel,   kConnectionType, kActivate,       kDescription,
    kKerberos, kPresharedKey,   kRootCa};
constexpr Parameter kSetRule[] = {kNameOrGuid,
                                  kRuleId,
                                  kPolicy,
                                  kNewName,
                                  kDescription,
                                  text("filterlist", 0, "Filter list"),
                                  text("filteraction", 0, "Filter action"),
                                  kTunnel,
                                  kConnectionType,
                                  kActivate,
                                  kKerberos,
                                  kPresharedKey,
                                  kRootCa};
constexpr Parameter kSetDefaultRule[] = {text("policy", kRequired, "Policy it belongs to"),
                                         kQuickModePfs,
                                         kActivate,
                                         kQuickModeMethods,
                                         kKerberos,
                                         kPresharedKey,
                                         kRootCa};
constexpr Parameter kDeleteByName[] = {kNameOrAll};
constexpr Parameter kDeleteRule[] = {in_group(kWhich, kNameOrAll), kRuleId, kPolicy};
constexpr Parameter kShowStored[] = {kFormat, kWide};
constexpr Parameter kShowPolicy[] = {kShownName, kLevel, kFormat, kWide};
constexpr Parameter kShowRule[] = {
    in_group(kWhich, text("name", kTakesAll | kTakesDefault, "Name of the rule, all (default), or default")),
    kRuleId,
    kPolicy,
    choice("type", kRuleTypes, {}, "Only tunnel rules or only the others"),
    kLevel,
    kFormat,
    kWide};
constexpr Parameter kShowFilterList[] = {kShownName, kRuleOfObject, kLevel, kFormat, kResolve, kWide};
constexpr Parameter kShowFilterAction[] = {kShownName, kRuleOfObject, kLevel, kFormat, kWide};
constexpr Parameter kExport[] = {text("file", kRequired, "File to write; .ipsec is added to a name without extension")};
constexpr Parameter kLint[] = {text("policy", 0, "Only this policy; otherwise everything in the store")};
constexpr Parameter kImport[] = {text("file", kRequired, "File to read")};

constexpr auto kStatic = ContextId::kStatic;
constexpr CommandRow kCommands[] = {
    {kStatic, "add", "filter", CommandId::kAddFilter, kAddFilter, "Adds a filter to a filter list",
     "add filter filterlist=web srcaddr=any dstaddr=me protocol=TCP dstport=443"},
    {kStatic, "add", "filteraction", CommandId::kAddFilterAction, kAddFilterAction, "Makes a filter action",
     "add filteraction name=secure action=negotiate qmsecmethods=\"ESP[AES128,SHA256]:100000k/3600s ESP[3DES,SHA1]\""},
    {kStatic, "add", "filterlist", CommandId::kAddFilterList, kAddFilterList, "Makes an empty filter list",
     "add filterlist name=web description=\"http and https\""},
    {kStatic, "add", "policy", CommandId::kAddPolicy, kAddPolicy, "Makes a policy with a default response rule",
     "add policy name=P mmsecmethods=\"AES256-SHA256-14 3DES-SHA1-2\" assign=no"},
    {kStatic, "add", "rule", CommandId::kAddRule, kAddRule, "Ties a filter list and a filter action into a policy",
     "add rule name=R policy=P filterlist=web filteraction=secure psk=\"correct horse\""},
    {kStatic,
     "delete",
     "all",
     CommandId::kDeleteAll,
     {},
     "Deletes every policy, filter list and filter action",
     "delete all"},
    {kStatic, "delete", "filter", CommandId::kDeleteFilter, kDeleteFilter, "Takes a filter out of a filter list",
     "delete filter filterlist=web srcaddr=any dstaddr=me protocol=TCP dstport=443"},
    {kStatic, "delete", "filteraction", CommandId::kDeleteFilterAction, kDeleteByName, "Deletes a filter action",
     "delete filteraction name=secure"},
    {kStatic, "delete", "filterlist", CommandId::kDeleteFilterList, kDeleteByName, "Deletes a filter list",
     "delete filterlist all"},
    {kStatic, "delete", "policy", CommandId::kDeletePolicy, kDeleteByName, "Deletes a policy and its rules",
     "delete policy name=P"},
    {kStatic, "delete", "rule", CommandId::kDeleteRule, kDeleteRule, "Deletes a rule of a policy",
     "delete rule name=R policy=P"},
    {kStatic,
     "dump",
     {},
     CommandId::kDumpStored,
     kDump,
     "Prints a script that makes the stored policies again",
     "dump"},
    {kStatic,
     "exportpolicy",
     {},
     CommandId::kExportPolicy,
     kExport,
     "Writes all policies to a file",
     "exportpolicy file=backup.ipsec --with-secrets"},
    {kStatic,
     "importpolicy",
     {},
     CommandId::kImportPolicy,
     kImport,
     "Reads policies from a file",
     "importpolicy file=backup.ipsec"},
    {kStatic,
     "lint",
     {},
     CommandId::kLint,
     kLint,
     "Looks for what a policy says and probably does not mean; status 1 with errors",
     "lint policy=P"},
    {kStatic,
     "restorepolicyexamples",
     {},
     CommandId::kRestorePolicyExamples,
     kRestoreExamples,
     "Puts back the three example policies",
     "restorepolicyexamples release=win2003"},
    {kStatic, "set", "batch", CommandId::kSetBatch, kSetBatch, "Holds back the loading of changes",
     "set batch mode=enable"},
    {kStatic, "set", "defaultrule", CommandId::kSetDefaultRule, kSetDefaultRule, "Changes a default response rule",
     "set defaultrule policy=P activate=no"},
    {kStatic, "set", "filteraction", CommandId::kSetFilterAction, kSetFilterAction, "Changes a filter action",
     "set filteraction name=secure newname=strong qmpfs=yes"},
    {kStatic, "set", "filterlist", CommandId::kSetFilterList, kSetFilterList, "Changes a filter list",
     "set filterlist name=web newname=www"},
    {kStatic, "set", "policy", CommandId::kSetPolicy, kSetPolicy, "Changes or assigns a policy",
     "set policy name=P assign=yes"},
    {kStatic, "set", "rule", CommandId::kSetRule, kSetRule, "Changes a rule",
     "set rule name=R policy=P filteraction=strong activate=yes"},
    {kStatic, "set", "store", CommandId::kSetStore, kSetStore, "Says which store this netsh works on",
     "set store location=local"},
    {kStatic, "show", "all", CommandId::kShowStored, kShowStored, "Shows everything in the store", "show all"},
    {kStatic, "show", "filteraction", CommandId::kShowFilterAction, kShowFilterAction, "Shows filter actions",
     "show filteraction name=secure"},
    {kStatic, "show", "filterlist", CommandId::kShowFilterList, kShowFilterList, "Shows filter lists",
     "show filterlist name=web level=verbose"},
    {kStatic, "show", "gpoassignedpolicy", CommandId::kShowGpoAssignedPolicy, kShowGpo,
     "Shows the policy that comes from the domain", "show gpoassignedpolicy"},
    {kStatic, "show", "policy", CommandId::kShowPolicy, kShowPolicy, "Shows policies", "show policy all level=verbose"},
    {kStatic, "show", "rule", CommandId::kShowRule, kShowRule, "Shows rules of a policy", "show rule all policy=P"},
    {kStatic, "show", "store", CommandId::kShowStore, {}, "Shows which store is in use", "show store"},
};

}  // namespace

std::span<const CommandRow> static_commands() { return kCommands; }

}  // namespace ipsec::cli
