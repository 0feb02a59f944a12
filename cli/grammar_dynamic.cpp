#include "cli/parameters.h"

// `netsh ipsec dynamic`: reference, section 5.2, and our own `show status`, `show events`,
// `refresh`, `trace` and `explain`. In a `show` a
// selector narrows the output.
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
constexpr Parameter kStatistics[] = {choice("type", kStatisticsTypes, "all", "Whose statistics")};
constexpr Parameter kEvents[] = {number("count", 1, kMostEvents, "events", "100", "How many of the newest")};

constexpr std::string_view kDirections[] = {"outbound", "inbound"};
constexpr Parameter kPacketSource = value("src", Kind::kAddress, 0, {}, "Source address of the packets, a name or me");
constexpr Parameter kPacketDestination = value("dst", Kind::kAddress, 0, {}, "Destination address, likewise");
constexpr Parameter kTrace[] = {kPacketSource, kPacketDestination,
                                number("count", 1, kMostTraces, "packets", "10", "Ends after so many"),
                                number("seconds", 1, kLongestTrace, "seconds", "10", "Ends after this time")};
constexpr Parameter kExplain[] = {value("src", Kind::kAddress, kRequired, {}, "Source address of the packet, or me"),
                                  value("dst", Kind::kAddress, kRequired, {}, "Destination address"),
                                  value("protocol", Kind::kProtocol, 0, {}, "Its protocol; ICMP, with ports TCP"),
                                  value("srcport", Kind::kPort, 0, {}, "Its source port"),
                                  value("dstport", Kind::kPort, 0, {}, "Its destination port"),
                                  choice("direction", kDirections, "outbound", "Leaving this host or arriving")};

constexpr auto kDynamic = ContextId::kDynamic;
constexpr CommandRow kCommands[] = {
    {kDynamic, "refresh", {}, CommandId::kRefresh, {}, "Loads the assigned policy again now", "refresh"},
    {kDynamic, "show", "all", CommandId::kShowRunning, kShowAll, "Shows everything that runs", "show all"},
    {kDynamic, "show", "events", CommandId::kShowEvents, kEvents, "Shows the newest events", "show events count=20"},
    {kDynamic, "show", "mmfilter", CommandId::kShowMainModeFilter, kMainModeFilter, "Shows main mode filters",
     "show mmfilter type=specific"},
    {kDynamic, "show", "mmpolicy", CommandId::kShowMainModePolicy, kByName, "Shows main mode policies",
     "show mmpolicy all"},
    {kDynamic, "show", "mmsas", CommandId::kShowMainModeSas, kMainModeSas, "Shows main mode SAs",
     "show mmsas format=table"},
    {kDynamic, "show", "qmfilter", CommandId::kShowQuickModeFilter, kQuickModeFilter, "Shows quick mode filters",
     "show qmfilter all type=specific"},
    {kDynamic, "show", "qmpolicy", CommandId::kShowQuickModePolicy, kByName, "Shows quick mode policies",
     "show qmpolicy all"},
    {kDynamic, "show", "qmsas", CommandId::kShowQuickModeSas, kQuickModeSas, "Shows quick mode SAs",
     "show qmsas dstaddr=10.77.0.2"},
    {kDynamic, "show", "rule", CommandId::kShowRunningRule, kRule, "Shows the rules in force", "show rule type=tunnel"},
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
};

}  // namespace

std::span<const CommandRow> dynamic_commands() { return kCommands; }

}  // namespace ipsec::cli
