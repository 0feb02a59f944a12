#include "cli/parameters.h"

// `netsh ipsec dynamic`: reference, section 5, and our own `dump`, `show status`, `show events`, `refresh`, `trace` and
// `explain`. In a `show` a selector narrows the output. What identifies a rule in `set rule` and `delete rule` is
// required where the documents say so.
namespace ipsec::cli {

namespace {

using namespace rows;

constexpr std::string_view kFilterTypes[] = {"generic", "specific"};
constexpr std::string_view kStatisticsTypes[] = {"all", "ike", "ipsec"};

constexpr Parameter kShownName = text("name", kTakesAll, "Name of the object, or all (default)");
constexpr Parameter kAll = value("all", Kind::kAllOnly, 0, {}, "The bare word all: every one (default)");
constexpr Parameter kFilterType = choice("type", kFilterTypes, "generic", "As written, or as the driver has them");
constexpr Parameter kOnlySource = value("srcaddr", Kind::kAddress, 0, {}, "Only those with this source");
constexpr Parameter kOnlyDestination = value("dstaddr", Kind::kAddress, 0, {}, "Only those with this destination");
constexpr Parameter kOnlyProtocol = value("protocol", Kind::kProtocol, 0, {}, "Only those of this protocol");
constexpr Parameter kOnlySourcePort = value("srcport", Kind::kPort, 0, {}, "Only those with this source port");
constexpr Parameter kOnlyDestinationPort =
    value("dstport", Kind::kPort, 0, {}, "Only those with this destination port");
constexpr Parameter kActionInbound = choice("actioninbound", kActions, {}, "Only those with this action inbound");
constexpr Parameter kActionOutbound = choice("actionoutbound", kActions, {}, "Only those with this action outbound");

constexpr std::string_view kProperties[] = {"ipsecdiagnostics", "ikelogging",  "ikeloglevels", "strongcrlcheck",
                                            "ipsecloginterval", "ipsecexempt", "bootmode",     "bootexemptions"};

constexpr Parameter kNameOrAll =
    text("name", kRequired | kTakesAll, "Name of the policy; the bare word all: every one");
constexpr Parameter kPfs = value("pfsgroup", Kind::kPfs, 0, "NOPFS", "Group of perfect forward secrecy");
constexpr Parameter kLimit = number("qmpermm", 0, 0xffffffff, {}, "0", "Quick modes per main mode; 0: no limit");
constexpr Parameter kLife = number("mmlifetime", 1, kMostMinutes, "minutes", "480", "Life of a main mode");
constexpr Parameter kSoftLife =
    number("softsaexpirationtime", 0, 0xffffffff, {}, "480", "Life of a soft association; kept as written");
constexpr Parameter kSoft = yes_no("soft", "no", "Clear text with peers that do not do IPsec");
constexpr Parameter kMainModePolicy[] = {kName, kLimit, kLife, kSoftLife, kMainModeMethods};
constexpr Parameter kQuickModePolicy[] = {kName, kSoft, kPfs, kQuickModeMethods};
constexpr Parameter kDeleteByName[] = {kNameOrAll};

constexpr Parameter required(Parameter parameter) {
  parameter.flags |= kRequired;
  parameter.fallback = {};
  return parameter;
}
constexpr Parameter kUsedMainModePolicy = text("mmpolicy", 0, "Main mode policy");
constexpr Parameter kUsedQuickModePolicy = text("qmpolicy", 0, "Quick mode policy; needed to negotiate");
constexpr Parameter kConnectionType = choice("conntype", kConnectionTypes, "all", "Kind of interface");
constexpr Parameter kInbound = choice("actioninbound", kActions, "negotiate", "What happens to inbound packets");
constexpr Parameter kOutbound = choice("actionoutbound", kActions, "negotiate", "What happens to outbound packets");
constexpr Parameter kTunnelDestination =
    value("tunneldstaddress", Kind::kTunnelEnd, 0, {}, "End of the tunnel: address or DNS name");
constexpr Parameter kAddRule[] = {kSourceAddress,
                                  kDestinationAddress,
                                  required(kUsedMainModePolicy),
                                  kUsedQuickModePolicy,
                                  kProtocol,
                                  kSourcePort,
                                  kDestinationPort,
                                  kMirrored,
                                  kConnectionType,
                                  kInbound,
                                  kOutbound,
                                  kSourceMask,
                                  kDestinationMask,
                                  kTunnelDestination,
                                  kKerberos,
                                  kPresharedKey,
                                  kRootCa};
constexpr Parameter kSetRule[] = {kSourceAddress,
                                  kDestinationAddress,
                                  required(kProtocol),
                                  required(kSourcePort),
                                  required(kDestinationPort),
                                  required(kMirrored),
                                  required(kConnectionType),
                                  kSourceMask,
                                  kDestinationMask,
                                  kTunnelDestination,
                                  kUsedMainModePolicy,
                                  kUsedQuickModePolicy,
                                  choice("actioninbound", kActions, {}, "What happens to inbound packets"),
                                  choice("actionoutbound", kActions, {}, "What happens to outbound packets"),
                                  kKerberos,
                                  kPresharedKey,
                                  kRootCa};
constexpr Parameter kDeleteRule[] = {kSourceAddress,
                                     kDestinationAddress,
                                     required(kProtocol),
                                     required(kSourcePort),
                                     required(kDestinationPort),
                                     required(kMirrored),
                                     required(kConnectionType),
                                     kSourceMask,
                                     kDestinationMask,
                                     kTunnelDestination};
constexpr Parameter kSetConfig[] = {
    choice("property", kProperties, {}, "Which property", kRequired),
    text("value", kRequired,
         "ipsecdiagnostics 0..7, ikelogging 0|1, ikeloglevels none|\"mainmode:2 packets:3\", strongcrlcheck 0..2, "
         "ipsecloginterval 60..86400, ipsecexempt 0..3, "
         "bootmode stateful|block|permit, bootexemptions none|\"ICMP:inbound TCP:80:80:outbound\"")};
constexpr std::string_view kSaKinds[] = {"negotiated", "manual", "all"};
constexpr Parameter kSpiOfOne = value("spi", Kind::kSpi, 0, {}, "Only the manual SA with this SPI");
constexpr Parameter kDeleteSa[] = {
    kAll, value("peer", Kind::kTunnelEnd, 0, {}, "Only those with this peer"), kSpiOfOne,
    choice("type", kSaKinds, "negotiated", "Those that IKE made, those that add sa made, or all")};

constexpr Parameter kAddSa[] = {
    value("srcaddr", Kind::kAddress, kRequired, {}, "Source of the traffic: address or me; of a tunnel also a subnet"),
    value("dstaddr", Kind::kAddress, kRequired, {}, "Destination, likewise; one of both sides is this host"),
    value("spi", Kind::kSpi, kRequired, {}, "SPI of ESP, or of AH alone; 0x... is hexadecimal"),
    value("method", Kind::kManualMethod, kRequired, {},
          "Protocols and algorithms; also CHACHA20-POLY1305, and AH with AES128-GMAC, AES192-GMAC, AES256-GMAC"),
    value("ahspi", Kind::kSpi, 0, {}, "SPI of AH around ESP"),
    yes_no("esn", "no", "Sequence numbers of 64 bits"),
    number("replaywindow", kSmallestReplayWindow, kLargestReplayWindow, "packets", "64", "Window against replays"),
    value("tunnelsrcaddress", Kind::kTunnelEnd, 0, {}, "Source of the tunnel; with the next, tunnel mode"),
    value("tunneldstaddress", Kind::kTunnelEnd, 0, {}, "Destination of the tunnel"),
    kProtocol,
    kSourcePort,
    kDestinationPort,
    kSourceMask,
    kDestinationMask,
    number("lifetime", 1, 0xffffffff, "seconds", {}, "Packets are dropped afterwards; not stated: no limit"),
    number("kilobytes", 1, 0xffffffff, "kilobytes", {}, "Likewise"),
    value("enckey", Kind::kKey, kTagOnly, {},
          "Key of ESP's cipher; of GCM and ChaCha20 with the salt of 4 octets behind it"),
    value("authkey", Kind::kKey, kTagOnly, {}, "Key of ESP's hash"),
    value("ahkey", Kind::kKey, kTagOnly, {}, "Key of AH's hash; of GMAC with the salt of 4 octets behind it"),
    text("keyfile", kTagOnly, "File of mode 0600 with lines enckey=, authkey=, ahkey= in place of keys on the line")};

constexpr Parameter kShowAll[] = {kResolve};
constexpr Parameter kByName[] = {kShownName};
constexpr Parameter kMainModeFilter[] = {kShownName,  kFilterType,      kOnlySource, kOnlyDestination,
                                         kSourceMask, kDestinationMask, kResolve};
constexpr Parameter kQuickModeFilter[] = {kShownName,           kFilterType,      kOnlySource,     kOnlyDestination,
                                          kSourceMask,          kDestinationMask, kOnlyProtocol,   kOnlySourcePort,
                                          kOnlyDestinationPort, kActionInbound,   kActionOutbound, kResolve};
constexpr Parameter kRule[] = {choice("type", kRuleTypes, {}, "Only tunnel rules or only the others"),
                               kOnlySource,
                               kOnlyDestination,
                               kOnlyProtocol,
                               kOnlySourcePort,
                               kOnlyDestinationPort,
                               kActionInbound,
                               kActionOutbound,
                               kSourceMask,
                               kDestinationMask,
                               kResolve};
constexpr Parameter kMainModeSas[] = {kAll, kOnlySource, kOnlyDestination, kFormat, kResolve};
constexpr Parameter kQuickModeSas[] = {kAll, kOnlySource, kOnlyDestination, kOnlyProtocol, kFormat, kResolve};
constexpr Parameter kNegotiations[] = {kAll, kOnlySource, kOnlyDestination, kLevel, kResolve};
constexpr Parameter kSas[] = {kAll,
                              value("spi", Kind::kSpi, 0, {}, "Only the SA with this SPI"),
                              choice("type", kSaKinds, "all", "Those that IKE made, those that add sa made, or all"),
                              kOnlySource,
                              kOnlyDestination,
                              kOnlyProtocol,
                              kFormat,
                              kResolve};
constexpr Parameter kStatistics[] = {choice("type", kStatisticsTypes, "all", "Whose statistics")};
constexpr Parameter kEvents[] = {number("count", 1, kMostEvents, "events", "100", "How many of the newest")};

constexpr std::string_view kDirections[] = {"outbound", "inbound"};
constexpr Parameter kPacketSource = value("src", Kind::kAddress, 0, {}, "Source address of the packets, a name or me");
constexpr Parameter kPacketDestination = value("dst", Kind::kAddress, 0, {}, "Destination address, likewise");
constexpr Parameter kTrace[] = {kPacketSource, kPacketDestination,
                                number("count", 1, kMostTraces, "packets", "10", "Ends after so many"),
                                number("seconds", 1, kLongestTrace, "seconds", "10", "Ends after this time")};
constexpr Parameter kExportKeys[] = {
    text("directory", kRequired, "An existing folder; files that are there already are not overwritten"),
    number("seconds", 1, kLongestTrace, "seconds", "30", "How long to wait for negotiations")};
constexpr Parameter kExplain[] = {value("src", Kind::kAddress, kRequired, {}, "Source address of the packet, or me"),
                                  value("dst", Kind::kAddress, kRequired, {}, "Destination address"),
                                  value("protocol", Kind::kProtocol, 0, {}, "Its protocol; ICMP, with ports TCP"),
                                  value("srcport", Kind::kPort, 0, {}, "Its source port"),
                                  value("dstport", Kind::kPort, 0, {}, "Its destination port"),
                                  choice("direction", kDirections, "outbound", "Leaving this host or arriving")};

constexpr auto kDynamic = ContextId::kDynamic;
constexpr CommandRow kCommands[] = {
    {kDynamic, "add", "mmpolicy", CommandId::kAddMainModePolicy, kMainModePolicy, "Adds a main mode policy",
     "add mmpolicy name=M mmsecmethods=\"AES256-SHA256-14 3DES-SHA1-2\""},
    {kDynamic, "add", "qmpolicy", CommandId::kAddQuickModePolicy, kQuickModePolicy, "Adds a quick mode policy",
     "add qmpolicy name=Q pfsgroup=GRPMM qmsecmethods=ESP[AES128,SHA256]:100000k/3600s"},
    {kDynamic, "add", "rule", CommandId::kAddRunningRule, kAddRule, "Adds a rule",
     "add rule srcaddr=me dstaddr=10.77.0.2 mmpolicy=M qmpolicy=Q psk=\"correct horse\""},
    {kDynamic, "add", "sa", CommandId::kAddSa, kAddSa,
     "Adds a manual SA: one direction, keyed by hand, used under negotiate filters without IKE. Nobody renews it",
     "add sa srcaddr=me dstaddr=10.77.0.2 spi=0x1001 method=ESP[AES128,SHA256] keyfile=/root/out.keys"},
    {kDynamic, "delete", "all", CommandId::kDeleteRunning, {}, "Deletes every dynamic policy and rule", "delete all"},
    {kDynamic, "delete", "mmpolicy", CommandId::kDeleteMainModePolicy, kDeleteByName, "Deletes a main mode policy",
     "delete mmpolicy name=M"},
    {kDynamic, "delete", "qmpolicy", CommandId::kDeleteQuickModePolicy, kDeleteByName, "Deletes a quick mode policy",
     "delete qmpolicy name=Q"},
    {kDynamic, "delete", "rule", CommandId::kDeleteRunningRule, kDeleteRule, "Deletes a rule",
     "delete rule srcaddr=me dstaddr=10.77.0.2 protocol=ANY srcport=0 dstport=0 mirrored=yes conntype=all"},
    {kDynamic, "delete", "sa", CommandId::kDeleteSa, kDeleteSa, "Deletes security associations",
     "delete sa peer=10.77.0.2"},
    {kDynamic, "dump", {}, CommandId::kDumpRunning, {}, "Prints a script that makes the dynamic policy again", "dump"},
    {kDynamic,
     "lint",
     {},
     CommandId::kLintRunning,
     {},
     "Looks for what the policy in force, with the dynamic rules, probably does not mean; status 1 with errors",
     "lint"},
    {kDynamic, "refresh", {}, CommandId::kRefresh, {}, "Loads the assigned policy again now", "refresh"},
    {kDynamic, "set", "config", CommandId::kSetConfig, kSetConfig, "Sets a property of driver, IKE or agent",
     "set config property=ipsecexempt value=3"},
    {kDynamic, "set", "mmpolicy", CommandId::kSetMainModePolicy, kMainModePolicy, "Changes a main mode policy",
     "set mmpolicy name=M mmlifetime=60"},
    {kDynamic, "set", "qmpolicy", CommandId::kSetQuickModePolicy, kQuickModePolicy, "Changes a quick mode policy",
     "set qmpolicy name=Q soft=no"},
    {kDynamic, "set", "rule", CommandId::kSetRunningRule, kSetRule, "Changes a rule",
     "set rule srcaddr=me dstaddr=10.77.0.2 protocol=ANY srcport=0 dstport=0 mirrored=yes conntype=all "
     "actionoutbound=block"},
    {kDynamic, "show", "all", CommandId::kShowRunning, kShowAll, "Shows everything that runs", "show all"},
    {kDynamic,
     "show",
     "certificates",
     CommandId::kShowCertificates,
     {},
     "Shows the certificates of this computer and the verdict of every check",
     "show certificates"},
    {kDynamic, "show", "config", CommandId::kShowConfig, {}, "Shows the properties of set config", "show config"},
    {kDynamic, "show", "events", CommandId::kShowEvents, kEvents, "Shows the newest events", "show events count=20"},
    {kDynamic,
     "show",
     "exemptions",
     CommandId::kShowExemptions,
     {},
     "Shows what passes whatever the filters say, written as filters",
     "show exemptions"},
    {kDynamic, "show", "mmfilter", CommandId::kShowMainModeFilter, kMainModeFilter, "Shows main mode filters",
     "show mmfilter type=specific"},
    {kDynamic, "show", "mmpolicy", CommandId::kShowMainModePolicy, kByName, "Shows main mode policies",
     "show mmpolicy all"},
    {kDynamic, "show", "mmsas", CommandId::kShowMainModeSas, kMainModeSas, "Shows main mode SAs",
     "show mmsas format=table"},
    {kDynamic, "show", "negotiations", CommandId::kShowNegotiations, kNegotiations,
     "Shows negotiations that failed: what each side wanted, and what would mend it",
     "show negotiations dstaddr=10.77.0.2"},
    {kDynamic, "show", "qmfilter", CommandId::kShowQuickModeFilter, kQuickModeFilter, "Shows quick mode filters",
     "show qmfilter all type=specific"},
    {kDynamic, "show", "qmpolicy", CommandId::kShowQuickModePolicy, kByName, "Shows quick mode policies",
     "show qmpolicy all"},
    {kDynamic, "show", "qmsas", CommandId::kShowQuickModeSas, kQuickModeSas, "Shows quick mode SAs",
     "show qmsas dstaddr=10.77.0.2"},
    {kDynamic, "show", "rule", CommandId::kShowRunningRule, kRule, "Shows the rules in force", "show rule type=tunnel"},
    {kDynamic, "show", "sas", CommandId::kShowSas, kSas, "Shows every SA of the driver, one direction each",
     "show sas type=manual"},
    {kDynamic, "show", "stats", CommandId::kShowStatistics, kStatistics, "Shows statistics of IKE and of the driver",
     "show stats type=ike"},
    {kDynamic,
     "show",
     "status",
     CommandId::kShowStatus,
     {},
     "Shows the agent, its services and the policy in force",
     "show status"},
    {kDynamic,
     "trace",
     {},
     CommandId::kTrace,
     kTrace,
     "Shows what the driver does with packets, step by step",
     "trace dst=10.77.0.2 count=3"},
    {kDynamic,
     "explain",
     {},
     CommandId::kExplain,
     kExplain,
     "Says what the driver would do with a packet now",
     "explain src=me dst=10.77.0.2 protocol=TCP dstport=445"},
    {kDynamic, "export", "keys", CommandId::kExportKeys, kExportKeys,
     "Writes keys of negotiations for Wireshark: those of main modes that are there, and of all that is made while it "
     "runs",
     "export keys directory=/root/keys seconds=60"},
};

}  // namespace

std::span<const CommandRow> dynamic_commands() { return kCommands; }

}  // namespace ipsec::cli
